"""What an aligner costs: processor time for fitting and for linking, apart."""

import resource
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from clism_ray.corpus.align import align
from clism_ray.corpus.sides import side
from clism_ray.corpus.tables import Tables

ResultT = TypeVar("ResultT")


class Spent(NamedTuple):
    """What so many pairs took."""

    pairs: int
    cpu_seconds: float  # of this process and of those that it started, all threads
    wall_seconds: float

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor time for each pair."""
        return 1000 * self.cpu_seconds / max(1, self.pairs)

    @property
    def wall_ms(self) -> float:
        """Milliseconds that passed for each pair."""
        return 1000 * self.wall_seconds / max(1, self.pairs)


def spent(pairs: int, work: Callable[[], ResultT]) -> tuple[ResultT, Spent]:
    """What some work on pairs gives, and what it took."""
    cpu, wall = _cpu_seconds(), time.perf_counter()
    result = work()
    took = _cpu_seconds() - cpu, time.perf_counter() - wall
    return result, Spent(pairs, *(round(seconds, 3) for seconds in took))


def linking(known: Tables, texts: Sequence[tuple[str, str]]) -> Spent:
    """What it takes to link (source, target) texts, as many at a time as preparation does.

    All of them: preparation spares an aligner those that equal words and numbers decide.
    Finding their words, which is the same for every aligner, is left out.
    """
    sides = [
        (side([source for source, _ in batch]), side([target for _, target in batch]))
        for begin in range(0, len(texts), known.linker.batch)
        if (batch := texts[begin : begin + known.linker.batch])
    ]

    def link() -> None:
        for source, target in sides:
            align(known, source, target)

    return spent(len(texts), link)[1]


def _cpu_seconds() -> float:
    """Of this process and of those it started and that ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
