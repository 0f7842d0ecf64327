"""The collector is as it was after a block that has it work seldom."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from clism_ray.garbage import collect_seldom, seldom_collected


@pytest.fixture(autouse=True)
def _as_python_has_it() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


class Cycle:
    def __init__(self) -> None:
        self.itself = self


def collected(objects: int) -> bool:
    """Whether a cycle is gone after so many more objects."""
    gc.collect()
    cycle = weakref.ref(Cycle())
    assert len([[] for _ in range(objects)]) == objects
    return cycle() is None


def test_cycles_are_collected_later_within_the_block_only() -> None:
    assert collected(10_000)
    with seldom_collected():
        assert not collected(10_000)
        assert collected(100_000)
    assert collected(10_000)


def test_a_process_may_have_it_for_good() -> None:
    collect_seldom()
    assert not collected(10_000)
    assert collected(100_000)


def test_a_process_ends_without_a_search() -> None:
    told = "atexit.register(lambda: print(gc.get_freeze_count() > 0))"  # called after what comes
    command = f"import atexit, gc; {told}; from clism_ray.garbage import *; collect_seldom()"
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


def test_an_error_ends_the_block_too() -> None:
    before = gc.get_threshold()
    with pytest.raises(KeyError), seldom_collected():
        raise KeyError
    assert gc.get_threshold() == before
