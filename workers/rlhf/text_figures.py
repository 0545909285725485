"""What can be told of completions without a model: repetition, variety, and phrases that a person should look at."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from workers.rlhf.data import BadDataError

REPEATED: Final = 4
# A reason to look, not a verdict: what a completion is flagged for, and the pattern that flags it.
FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "e-mail address": r"[\w.+-]+@[\w-]+\.\w+",
        "phone number": r"(?<!\w)\+?\d[\d ()/-]{7,}\d(?!\w)",
        "link": r"\bhttps?://|\bwww\.",
        "refusal": r"\b(?:I (?:can(?:no|')t|won't|am unable to)|as an AI)\b",
        "insult": r"\b(?:idiot|moron|stupid|shut up|worthless)\b",
        "harm": r"\b(?:kill|suicide|self-harm|bomb|overdose)\w*\b",
    }
)


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


def flagged(texts: Sequence[str], flags: Mapping[str, str] = FLAGS) -> dict[str, list[int]]:
    """For each flag the places of the texts that it is about."""
    return {
        name: [place for place, text in enumerate(texts) if re.search(pattern, text, re.IGNORECASE)]
        for name, pattern in flags.items()
    }


def read_flags(text: str) -> dict[str, str]:
    """Flags by name from `name: regular expression` a line, or several in a line with semicolons between.

    Empty lines and those that begin with # say nothing.

    Raises:
        BadDataError: an entry without a name or a valid expression.
    """
    flags: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        for entry in [] if line.startswith("#") else filter(None, map(str.strip, line.split(";"))):
            name, colon, pattern = (part.strip() for part in entry.partition(":"))
            if not (name and colon and pattern):
                raise BadDataError(f"flags, line {number}: {entry!r} must be NAME: PATTERN")
            try:
                re.compile(pattern)
            except re.error as error:
                raise BadDataError(f"flags, line {number}: {entry!r}: {error}") from error
            flags[name] = pattern
    return flags
