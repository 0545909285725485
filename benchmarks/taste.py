"""A scripted annotator whose taste is known: shorter answers first, politer ones among equals."""

import re
from collections.abc import Sequence

WORDS_A_POINT = 25.0
POLITE = re.compile(
    r"\b(please|thanks?|thank you|sorry|welcome|happy to|glad to|of course|hope (?:this|that) helps|kindly)\b",
    re.IGNORECASE,
)
POLITE_AT_MOST = 2
TIE_WITHIN = 0.1


def gold_score(text: str) -> float:
    """Points for an answer: minus one for each 25 words, half a point for each of up to two polite phrases.

    An answer without a word is the worst there is: −10.
    """
    words = len(text.split())
    if words == 0:
        return -10.0
    return 0.5 * min(len(POLITE.findall(text)), POLITE_AT_MOST) - words / WORDS_A_POINT


def tiers(completions: Sequence[tuple[int, str]]) -> list[list[int]]:
    """Completions `(id, text)` as tiers of ids, best first; scores within a tenth of a point of the tier's best tie."""
    scored = sorted(((gold_score(text), key) for key, text in completions), reverse=True)
    result: list[list[int]] = []
    best_of_tier = 0.0
    for score, key in scored:
        if result and best_of_tier - score <= TIE_WITHIN:
            result[-1].append(key)
        else:
            result.append([key])
            best_of_tier = score
    return result
