"""Demonstrations out of bytes, line by line: each line is one, or an error with a reason. Pure.

JSON lines: `{"prompt": text | messages, "completion": text}`, or `{"messages": […]}` that the assistant ends; `group`
if wanted, other fields passed over. UTF-8; empty lines are passed over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from app.demonstrations.effort import repeats
from app.prompts.messages import (
    MOST_BYTES,
    Message,
    NotAPromptError,
    checked_group,
    checked_messages,
    refuse_unstorable,
)
from app.prompts.parsing import BadLine, Format, GoodLine, UnreadableFileError, json_object, parse_lines


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A prompt and what a person answered to it."""

    prompt: GoodLine
    completion: str


def parse(file: BinaryIO, file_format: Format) -> Iterator[WrittenLine | BadLine]:
    """Every line of `file` that is not empty, as a demonstration or an error, reading as it goes.

    Raises `UnreadableFileError` for a format that holds no conversations.
    """
    if file_format != "jsonl":
        raise UnreadableFileError("demonstrations come as JSON lines: name the file .jsonl or .ndjson (also with .gz)")
    return parse_lines(file, _from_json)


def _from_json(line: int, text: str) -> WrittenLine:
    value = json_object(text)
    asked, answer = _parted(value)
    messages = checked_messages(asked)
    completion = checked_completion(answer, messages)
    return WrittenLine(GoodLine(line, messages, checked_group(value.get("group"))), completion)


def _parted(value: dict[str, Any]) -> tuple[object, object]:
    """What was asked, and the answer to it."""
    if ("prompt" in value) == ("messages" in value):
        raise NotAPromptError("the object needs `prompt` or `messages`, one of the two")
    asked = value["prompt"] if "prompt" in value else value["messages"]
    if "completion" in value:
        return asked, value["completion"]
    last = asked[-1] if isinstance(asked, list) and asked else None
    if "prompt" in value or not isinstance(last, dict) or last.get("role") != "assistant":
        raise NotAPromptError("there is no `completion`, and no last message by the assistant either")
    return asked[:-1], last.get("content")


def checked_completion(value: object, messages: list[Message]) -> str:
    """`value` as an answer to `messages`. Raises `NotAPromptError`."""
    if not isinstance(value, str):
        raise NotAPromptError("the completion is not a text")
    refuse_unstorable(value, "the completion")
    if not value.strip():
        raise NotAPromptError("the completion is empty")
    if len(value.encode()) > MOST_BYTES:
        raise NotAPromptError(f"the completion is longer than {MOST_BYTES // 1024} KiB")
    if repeats(value, messages):
        raise NotAPromptError("the completion only repeats the prompt")
    return value
