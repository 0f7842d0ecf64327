"""What is known of the words of one side of sentence pairs, in arrays."""

from typing import NamedTuple

from clism_ray.corpus.arrays import Flags, Ints


class Features(NamedTuple):
    """Of W words. Where a number is missing it is `NOTHING`."""

    number_W: Ints  # equal words have equal numbers, on both sides
    is_sign_W: Flags  # neither letter nor digit
    is_unspaced_W: Flags  # a character of a script without spaces
    is_capital_W: Flags  # begins with a capital
    is_alphabetic_W: Flags  # begins with a letter
    is_function_W: Flags  # a function word of its side
    anchor_W: Ints  # what it must share with a word of the other side to be the same: `anchors`
    numeral_W: Ints  # what it shares with the digits that it spells out
    entry_W: Ints  # of the `Lexicon`, for the word in lower case; 0 for all where there is none

    @property
    def is_content_W(self) -> Flags:
        """Whether a word is neither punctuation nor a function word."""
        return ~(self.is_sign_W | self.is_function_W)
