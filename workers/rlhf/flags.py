"""Phrases that a person should look at: the patterns that flag a completion, ours and people's own.

A pattern of people's own may take ages, like `(a+)+$`, or all memory, like `(?:a{60000}){60000}`. So the first is given
up after a second of one text, and the second is refused before anything is built of it.
"""

from collections.abc import Mapping, Sequence
from math import prod
from types import MappingProxyType
from typing import Final

import regex

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
SECONDS_A_TEXT: Final = 1.0
# What `{n}` is about is built n times over. So long may a pattern be with all of that written out.
LONGEST_WRITTEN_OUT: Final = 100_000
LEAST_COUNT: Final = regex.compile(r"\{([0-9]+)")


def flagged(
    texts: Sequence[str], flags: Mapping[str, str] = FLAGS, *, seconds: float = SECONDS_A_TEXT
) -> dict[str, list[int] | None]:
    """For each flag the places of the texts that it is about; None where one text took more than `seconds`."""
    return {name: _places(texts, pattern, seconds) for name, pattern in flags.items()}


def _places(texts: Sequence[str], pattern: str, seconds: float) -> list[int] | None:
    wanted = regex.compile(pattern, regex.IGNORECASE)
    try:
        return [place for place, text in enumerate(texts) if wanted.search(text, timeout=seconds)]
    except TimeoutError:
        return None


def read_flags(text: str) -> dict[str, str]:
    """Flags by name from `name: regular expression` a line, or several in a line with semicolons between.

    Empty lines and those that begin with # say nothing.

    Raises:
        ValueError: an entry without a name or a valid expression, or one that is too large; it names the line.
    """
    flags: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        for entry in [] if line.startswith("#") else filter(None, map(str.strip, line.split(";"))):
            name, colon, pattern = (part.strip() for part in entry.partition(":"))
            if not (name and colon and pattern):
                raise ValueError(f"line {number}: {entry!r} must be NAME: PATTERN")
            if problem := _problem(pattern):
                raise ValueError(f"line {number}: {entry!r}: {problem}")
            flags[name] = pattern
    return flags


def _problem(pattern: str) -> str | None:
    """Why a pattern can't be used."""
    # With the flag x spaces mean nothing, not even inside of a number.
    counts = (int(count) for count in LEAST_COUNT.findall("".join(pattern.split())))
    if len(pattern) * prod(max(1, count) for count in counts) > LONGEST_WRITTEN_OUT:
        return "the counts in braces repeat too much"
    try:
        regex.compile(pattern, regex.IGNORECASE)
    except regex.error as error:
        return str(error)
    except RecursionError:
        return "too many groups inside of each other"
    return None
