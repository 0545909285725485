"""From demonstrations and conversations to texts of which only the assistant's words are learnt.

A line is ``{"prompt": str or messages, "completion": str}``, ``{"messages": …, "completion": str}`` or
``{"messages": […]}`` that the assistant ends; ``split`` (train, validation or test) and ``group`` (equal for prompts
that must not be parted by a split) may be there too.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from workers.rlhf.data import BadDataError, Chat, Messages
from workers.rlhf.language_configs import SftConfig
from workers.rlhf.packing import Row

ROLES: Final = frozenset({"system", "user", "assistant"})
HELD_OUT: Final = frozenset({"validation", "test"})
NAMED_AT_MOST: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One line: what was said, by whom, and which split it is in (None: the line names none)."""

    messages: Messages
    split: str | None
    group: str
    source: str

    @property
    def asked(self) -> Messages:
        """What was said before the last answer."""
        return self.messages[:-1]


@dataclass(slots=True)
class Reading:
    """Conversations as texts, and what was lost on the way."""

    rows: list[Row] = field(default_factory=list)
    cut_completions: int = 0
    cut_texts: int = 0
    split_conversations: int = 0


def read_conversations(path: Path) -> list[Conversation]:
    """Every line of a file.

    Raises:
        BadDataError: lines that can't be used; the message names the first few and says how many there are.
    """
    good: list[Conversation] = []
    bad: list[str] = []
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            try:
                good.append(conversation(json.loads(text), f"line {number}"))
            except BadDataError as error:
                bad.append(str(error))
            except json.JSONDecodeError as error:
                bad.append(f"line {number} is no JSON: {error.msg} at character {error.colno}")
    if bad:
        more = f"; {len(bad)} lines are bad in all" if len(bad) > 1 else ""
        raise BadDataError("; ".join(bad[:NAMED_AT_MOST]) + more)
    return good


def conversation(line: Any, source: str) -> Conversation:
    """One line as a conversation that the assistant ends.

    Raises:
        BadDataError: it is none; the message starts with `source`.
    """
    if not isinstance(line, dict):
        raise BadDataError(f"{source} is no JSON object")
    asked = line.get("prompt", line.get("messages"))
    said = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    if not isinstance(said, list):
        raise BadDataError(f"{source} needs prompt (a text or messages) or messages")
    if "completion" in line:
        said = [*said, {"role": "assistant", "content": line["completion"]}]
    elif "prompt" in line:
        raise BadDataError(f"{source} has a prompt but no completion")
    for place, message in enumerate(said, start=1):
        _check(message, f"{source}, message {place}")
    if len(said) < 2 or said[-1]["role"] != "assistant":
        raise BadDataError(f"{source} must end with an answer of the assistant to something")
    messages = [{"role": message["role"], "content": message["content"]} for message in said]
    group = str(line.get("group") or hashlib.sha256(repr(messages[:-1]).encode()).hexdigest())
    return Conversation(messages=messages, split=line.get("split"), group=group, source=source)


def _check(message: Any, source: str) -> None:
    if not isinstance(message, dict) or message.get("role") not in ROLES:
        raise BadDataError(f"{source} needs a role: {', '.join(sorted(ROLES))}")
    if not isinstance(message.get("content"), str) or not message["content"].strip():
        raise BadDataError(f"{source} needs content: a text that is not empty")


def held_out_or_not(
    conversations: Sequence[Conversation], share: float
) -> tuple[list[Conversation], list[Conversation]]:
    """Those to learn from and those held out, in the order they came.

    Lines that name a split stay in it, and test lines are in neither. If none names one, whole groups are held out by
    a hash, so that the same prompt is on the same side in every run.
    """
    if any(entry.split for entry in conversations):
        return (
            [entry for entry in conversations if entry.split not in HELD_OUT],
            [entry for entry in conversations if entry.split == "validation"],
        )
    groups = {entry.group for entry in conversations if _place(entry.group) < share}
    return (
        [entry for entry in conversations if entry.group not in groups],
        [entry for entry in conversations if entry.group in groups],
    )


def _place(group: str) -> float:
    """Where in [0, 1) a group lies, the same in every run."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:7], "big") / 256**7


def rows_of(conversations: Iterable[Conversation], chat: Chat, config: SftConfig) -> Reading:
    """Texts with the assistant's words and their stop tokens learnt.

    A conversation is one text where the model's template only ever appends to what it wrote; else (some templates
    rewrite earlier turns) each learnt turn is a text of its own, as it will be when the model writes it.
    """
    reading = Reading()
    for entry in conversations:
        turns = [place for place, message in enumerate(entry.messages) if message["role"] == "assistant" and place]
        learnt = turns[-1:] if config.turns == "last" else turns
        whole = _as_one(entry, chat, learnt, config)
        reading.split_conversations += whole is None
        for row, cut in [whole] if whole else [_one_turn(entry, chat, place, config) for place in learnt]:
            reading.cut_completions += cut
            reading.cut_texts += len(row.ids) > config.max_tokens
            kept = Row(row.ids[-config.max_tokens :], row.learnt[-config.max_tokens :], row.source)
            if kept.targets:
                reading.rows.append(kept)
    return reading


def _one_turn(entry: Conversation, chat: Chat, place: int, config: SftConfig) -> tuple[Row, bool]:
    ids = chat.rendered(chat.opening(entry.messages[:place]))
    answer, cut = answer_ids(chat, entry.messages[place]["content"], config.max_completion_tokens)
    return Row([*ids, *answer], [False] * len(ids) + [True] * len(answer), entry.source), cut


def _as_one(entry: Conversation, chat: Chat, learnt: Sequence[int], config: SftConfig) -> tuple[Row, bool] | None:
    """The whole conversation as one text; None where its parts do not follow each other in the template."""
    ids: list[int] = []
    marks: list[bool] = []
    written, cut = "", False
    for place in learnt:
        opening = chat.opening(entry.messages[:place])
        if not opening.startswith(written):
            return None
        between = chat.rendered(opening[len(written) :])
        last = place == len(entry.messages) - 1
        answer, cut = answer_ids(chat, entry.messages[place]["content"], config.max_completion_tokens if last else None)
        ids += [*between, *answer]
        marks += [False] * len(between) + [True] * len(answer)
        written = opening + chat.answered(entry.messages[place]["content"])
    return Row(ids, marks, entry.source), cut


def answer_ids(chat: Chat, text: str, longest: int | None) -> tuple[list[int], bool]:
    """An answer's tokens, and whether it was cut. A cut one has no stop token: nobody should learn to stop there."""
    encoded = chat.completion(text, longest or sys.maxsize)
    return (encoded.ids[:-1], True) if encoded.cut else (encoded.ids, False)
