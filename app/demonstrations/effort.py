"""What a demonstration has to be at the very least. Pure: no database, no clock."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.errors import Unprocessable

FEWEST_WORDS: Final = 3
# Scripts that put no spaces between words: every character of theirs counts as a word.
UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
WORD: Final = re.compile(f"[{UNSPACED}]|[^\\W{UNSPACED}]+")


def check_effort(text: str, messages: Sequence[Mapping[str, Any]]) -> None:
    """Raise `Unprocessable` on the field `text` when it holds fewer than three words or only repeats the prompt."""
    words = len(WORD.findall(text))
    if words < FEWEST_WORDS:
        raise _refusal(f"this is {words or 'no'} {'word' if words == 1 else 'words'}; an answer has at least three")
    if repeats(text, messages):
        raise _refusal("this repeats the prompt; an answer says something of its own")


def repeats(text: str, messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a text is one of these messages over again, blind to case and white space."""
    return any(_plain(text) == _plain(str(message["content"])) for message in messages)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _refusal(detail: str) -> Unprocessable:
    return Unprocessable(
        detail,
        type="invalid-demonstration",
        field="text",
        advice="Your text is kept as a draft. Write the answer you would want to get, then submit it.",
    )
