"""CPU seconds of functions, blocks and processes, and memory of processes."""

import resource
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil


class Clock:
    """CPU seconds that wrapped functions take, without those of wrapped functions they call.

    What the clock itself takes is measured first, and left out.
    """

    def __init__(self, calls: int = 50_000) -> None:
        self.own: Counter[str] = Counter()
        self._inside: list[float] = [0.0]
        self._counted = self._around = 0.0  # of a call: what is counted with it, what is not
        nothing = self.wrap("nothing", lambda: None)
        began = cpu_seconds()
        for _ in range(calls):
            nothing()
        took = cpu_seconds() - began
        self._counted = self.own.pop("nothing") / calls
        self._around = took / calls - self._counted
        self._inside = [0.0]

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, measured under a name."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            self._inside.append(0.0)
            began = cpu_seconds()
            try:
                return function(*args, **kwargs)
            finally:
                took = cpu_seconds() - began
                self.own[name] += took - self._inside.pop() - self._counted
                self._inside[-1] += took + self._around

        return timed


class Sampler:
    """Memory of this process and all its descendants, twice a second: PSS, in MiB."""

    def __enter__(self) -> "Sampler":
        self.mib: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            self.mib.append(sum(pss(process.pid) for process in tree()) / 1024)
            if self._over.wait(0.5):
                return


def pss(pid: int) -> int:
    """KiB of a process, of pages that several share its part."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def cpu_seconds() -> float:
    """Of this process, and of those that it started and waited for."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, kinds))


def cpu_seconds_of_tree() -> float:
    """Of this process and all its descendants, those included that have ended."""
    total = 0.0
    for process in tree():
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])  # user, system, and of children that ended
    return total


def tree() -> list[psutil.Process]:
    """This process and all its descendants."""
    this = psutil.Process()
    return [this, *this.children(recursive=True)]


@contextmanager
def counting(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Add the CPU seconds of the block."""
    began = cpu_seconds()
    yield
    seconds[name] = seconds.get(name, 0.0) + cpu_seconds() - began
