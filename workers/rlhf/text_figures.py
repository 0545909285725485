"""What can be told of completions without a model: repetition and variety."""

import re
from collections.abc import Sequence
from typing import Final

REPEATED: Final = 4


def words(text: str) -> list[str]:
    """Words and signs, in lower case; signs of a script without spaces are words of their own."""
    return re.findall(r"[^\W\u3040-\u30ff\u3400-\u9fff]+|[\u3040-\u30ff\u3400-\u9fff]|[^\w\s]", text.lower())


def grams(text: str, size: int) -> list[tuple[str, ...]]:
    """Every run of so many words."""
    said = words(text)
    return list(zip(*(said[start:] for start in range(size)), strict=False))


def distinct(texts: Sequence[str], size: int) -> float | None:
    """Distinct-n (Li et al. 2016): different runs of n words over all of them; None where there is none."""
    runs = [run for text in texts for run in grams(text, size)]
    return len(set(runs)) / len(runs) if runs else None


def repetition(text: str) -> float:
    """Share of a text's runs of four words that it has said before."""
    runs = grams(text, REPEATED)
    return 1 - len(set(runs)) / len(runs) if runs else 0.0
