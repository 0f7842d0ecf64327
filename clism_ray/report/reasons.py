"""Why pairs and spans are dropped, in words for people who read a data card."""

MEANING = {
    # as lines are read
    "undecodable": "not UTF-8",
    "too_few_columns": "a row of a table without the columns that were named",
    "bad_json": "a line that is no JSON object",
    "no_text": "an entry without a text on one side",
    "unknown_entity": "XML that refers to an entity it may not define",
    # as pairs are taken in
    "empty": "nothing left on one side after cleaning",
    "identical": "the target is the source, left untranslated",
    "too_long": "more characters or words than allowed",
    "too_short": "fewer words than asked for",
    "no_letters": "a side of digits and signs alone",
    "length_ratio": "one side has too many times the words of the other",
    "markup": "tags or placeholders in a text",
    "wrong_script": "a side in another script than its language is written in",
    "wrong_language": "a side in another language than it should be",
    "contaminated": "shares a run of words with a text of an evaluation set",
    "in_dev": "its English text, or its source, is in a corpus held out for validation",
    # as pairs are compared
    "duplicate": "both texts are those of another pair",
    "near_duplicate": "its texts are almost those of another pair",
    # as spans are found and projected; of pairs, the commonest reason of their spans
    "no_span": "no span that is worth asking about",
    "too_many_tokens": "a side has more tokens than the encoder that aligns has positions for",
    "unknown_word": "too little is known of how a word of the span is translated",
    "not_linked": "a word of the span, or one beside its answer, is linked to nothing",
    "not_contiguous": "the answer would hold words that belong to others in the source",
    "answer_too_long": "the answer has more words than allowed",
}
