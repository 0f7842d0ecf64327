"""Language codes: ISO 639-1, with an optional script or region (`zh`, `pt-BR`, `zh-Hant`)."""

import difflib

from clism_ray.errors import InputError

CODES = frozenset(
    """
    aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de
    dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia
    id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo
    lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl
    ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk
    tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
    """.split()
)


def check_language(code: str) -> str:
    """The code itself; InputError with the closest known code if it is none.

    Only the part before the first hyphen is looked up.
    """
    language, hyphen, rest = code.partition("-")
    if language in CODES:
        return code
    close = max(sorted(CODES), key=lambda known: _likeness(known, language))
    raise InputError(
        f"{code!r} is no language code of ISO 639-1; the closest is {close + hyphen + rest!r}"
    )


def _likeness(known: str, got: str) -> tuple[int, float]:
    """The common beginning counts first: that is how other standards' codes differ."""
    beginning = 2 if got.startswith(known) else int(got[:1] == known[:1])
    return beginning, difflib.SequenceMatcher(None, known, got).ratio()
