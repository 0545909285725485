"""Files of rankings: JSON lines, one prompt with its completions and what annotators said about them.

A line is ``{"prompt": str or messages, "completions": [{"text"}, …], "annotations": [{"annotator", "ranks"}, …]}``:
rank 1 is the best, equal ranks tie, null was not ranked. ``messages`` stands for ``prompt`` too; ``prompt_id`` or
``id``, ``split``, ``group`` and ``source``, a completion's ``model``, an annotation's ``strength`` (1 … 4) and
``weight`` may be there.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers.rlhf.data import BadDataError
from workers.rlhf.groups import SPLITS
from workers.rlhf.pairs import RankedPrompt, ranked_prompt


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that was left out, and why."""

    line: int
    prompt: str | None
    reason: str


@dataclass(slots=True)
class RankingFile:
    """What could be read of a file, what could not, and the file's hash."""

    sha256: str
    lines: int = 0
    prompts: list[RankedPrompt] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


def read_rankings(path: Path, *, judged: bool = True) -> RankingFile:
    """Every line of a file; a bad one is noted and costs nothing but itself.

    Without `judged`, only prompts and completions are read.
    """
    found = RankingFile("")
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            digest.update(line)
            if not line.strip():
                continue
            found.lines += 1
            try:
                row = row_of(line, number)
                found.prompts.append(ranked_prompt(row if judged else row | {"annotations": []}))
            except BadRowError as error:
                found.bad.append(BadRow(number, error.prompt, str(error)))
            except BadDataError as error:
                found.bad.append(BadRow(number, _name(line), str(error)))
    found.sha256 = digest.hexdigest()
    return found


def read_prompts(path: Path) -> Iterator[dict[str, Any]]:
    """The prompts of a file, each a line as in a file of rankings; completions and what was said of them are not read.

    Raises:
        BadDataError: a line that is no prompt; the message names it.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield row_of(line, number)
            except BadRowError as error:
                raise BadDataError(f"line {number}: {error}") from error


class BadRowError(BadDataError):
    """A line that is no ranking; `prompt` names the prompt where that much could be read."""

    def __init__(self, reason: str, prompt: str | None = None) -> None:
        super().__init__(reason)
        self.prompt = prompt


def row_of(line: bytes | str, number: int) -> dict[str, Any]:
    """A line with the fields that training expects.

    Raises:
        BadRowError: no JSON object, no conversation, or an unknown split.
    """
    try:
        row = json.loads(line)
    except ValueError as error:
        raise BadRowError(f"is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise BadRowError("is no JSON object")
    name = str(row.get("prompt_id", row.get("id", f"line {number}")))
    split = row.get("split") or ""
    if split not in {"", *SPLITS}:
        raise BadRowError(f"split must be one of {', '.join(SPLITS)}, not {split!r}", name)
    prompt_id = row.get("prompt_id", name)
    return row | {"prompt_id": prompt_id, "split": split, "messages": messages_of(row, name), "line": number}


def messages_of(row: Mapping[str, Any], name: str) -> list[dict[str, str]]:
    """The conversation of a line; a prompt that is text is what the user said.

    Raises:
        BadRowError: there is none, or a message lacks a role or its text.
    """
    said = row.get("messages", row.get("prompt"))
    if isinstance(said, str):
        return [{"role": "user", "content": said}]
    if not isinstance(said, list) or not said:
        raise BadRowError("needs a prompt: a text, or a list of messages", name)
    for message in said:
        if not isinstance(message, dict) or not all(isinstance(message.get(key), str) for key in ("role", "content")):
            raise BadRowError("each message needs a role and a content, both text", name)
    return [{"role": message["role"], "content": message["content"]} for message in said]


def _name(line: bytes) -> str | None:
    row = json.loads(line)
    name = row.get("prompt_id", row.get("id"))
    return None if name is None else str(name)
