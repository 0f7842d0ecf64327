"""Random choices that depend on (seed, index) alone, at a microsecond a sentence."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """512 bits of one hash, read off digit by digit in mixed radix.

    A generator object per sentence would cost more than the sentence. A sentence takes fewer
    than 300 bits, so what is left keeps every roll fair to better than 2^-200.
    """

    __slots__ = ("_bits",)

    def __init__(self, seed: int, index: int) -> None:
        """The dice of pair `index` of a corpus with this seed."""
        self._bits = int.from_bytes(blake2b(b"%d/%d" % (seed, index)).digest(), "little")

    def roll(self, faces: int) -> int:
        """A number from 0 to faces - 1."""
        self._bits, face = divmod(self._bits, faces)
        return face

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.roll(len(options))]

    def chance(self, percent: int) -> bool:
        """True in so many cases of a hundred."""
        return self.roll(100) < percent

    @property
    def bits_left(self) -> int:
        """How much of the hash is unused."""
        return self._bits.bit_length()
