"""Word links from the states that an encoder has for the tokens of both sides.

AwesomeAlign's softmax (Dou and Neubig 2021, "Word Alignment by Fine-tuning Embeddings on Parallel
Corpora", section 2.2): for tokens s and t with states h,

    p(t|s) = exp(h_s . h_t) / sum over t' of exp(h_s . h_t'),    p(s|t) likewise over s',

and s and t are linked if both exceed a threshold. Two words are linked if any of their tokens are.
The trust in a link is the geometric mean of its two probabilities.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from clism_ray.corpus.translations import Link
from clism_ray.corpus.words import Offsets


def token_trust(
    source_NSD: Tensor, target_NTD: Tensor, source_NS: Tensor, target_NT: Tensor, threshold: float
) -> Tensor:
    """The trust in the link of each two tokens of N pairs, N x S x T; 0 where there is none.

    `source_NS` and `target_NT` are true for tokens of words; others take no part, in the sums
    neither. Swapping the sides transposes the result.
    """
    similarity_NST = source_NSD @ target_NTD.transpose(1, 2)
    there_NST = source_NS[:, :, None] & target_NT[:, None, :]
    similarity_NST = similarity_NST.masked_fill(~there_NST, -torch.inf)
    # A row or column without any word is NaN, which exceeds nothing.
    forward_NST, backward_NST = similarity_NST.softmax(2), similarity_NST.softmax(1)
    linked_NST = (forward_NST > threshold) & (backward_NST > threshold)
    trust_NST = (forward_NST * backward_NST).sqrt()
    return torch.where(linked_NST, trust_NST, torch.zeros_like(trust_NST))


def word_links(
    trust_ST: Tensor, source_words: Sequence[range], target_words: Sequence[range]
) -> dict[Link, float]:
    """The links of words, each trusted as the most trusted link of their tokens.

    `source_words` and `target_words` are the words of each token; see `words_of_tokens`.
    """
    trust: dict[Link, float] = {}
    places = trust_ST.nonzero()
    values = trust_ST[places[:, 0], places[:, 1]]
    for (s, t), value in zip(places.tolist(), values.tolist(), strict=True):
        for link in ((i, j) for i in source_words[s] for j in target_words[t]):
            trust[link] = max(trust.get(link, 0.0), value)
    return {link: round(trust[link], 4) for link in sorted(trust)}


def words_of_tokens(tokens: Sequence[Offsets], words: Sequence[Offsets]) -> list[range]:
    """The words that each token holds part of, none for special tokens.

    Both are half-open places in the same text, those of words in order. Special tokens stand at
    (0, 0); a token may begin with the space before it, and may be one byte of a character.
    """
    found, first = [], 0
    for start, end in tokens:
        while first < len(words) and words[first][1] <= start:
            first += 1
        last = first
        while last < len(words) and words[last][0] < end:
            last += 1
        found.append(range(first, last))
    return found
