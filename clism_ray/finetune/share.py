"""How well a tokenizer knows a language: its unknown tokens, and tokens to a word."""

from collections.abc import Iterable

from transformers import PreTrainedTokenizerFast

from clism_ray.corpus.words import length_in_words, number_of_words


def token_share(texts: Iterable[str], tokenizer: PreTrainedTokenizerFast) -> dict[str, float]:
    """`unknown_share` of all tokens, and `tokens_per_word`.

    Where a script writes no spaces, words are estimated from characters (`length_in_words`).
    """
    texts = list(texts)
    encoded = tokenizer(
        texts,
        add_special_tokens=False,
        split_special_tokens=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )["input_ids"]
    tokens = sum(map(len, encoded))
    unknown = tokenizer.unk_token_id
    unknowns = 0 if unknown is None else sum(ids.count(unknown) for ids in encoded)
    counted = sum(length_in_words(text, number_of_words(text)) for text in texts)
    return {
        "unknown_share": unknowns / max(tokens, 1),
        "tokens_per_word": tokens / max(counted, 1.0),
    }
