"""What a prompt is: a conversation that ends in a user turn, made only of text that can be stored and shown. Pure."""

import hashlib
import json
import unicodedata
from typing import Any, Literal, TypedDict, cast

MOST_BYTES = 64 * 1024
MOST_MESSAGES = 200
MOST_GROUP_CHARACTERS = 500
EXCERPT_LENGTH = 160
ROLES = ("system", "user", "assistant")


class Message(TypedDict):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class NotAPromptError(ValueError):
    """Why something is no prompt, in words for whoever made the file."""


def checked_messages(value: object) -> list[Message]:
    """`value` as a conversation: a string is one user turn. Raises `NotAPromptError`."""
    turns = [{"role": "user", "content": value}] if isinstance(value, str) else value
    if not isinstance(turns, list):
        raise NotAPromptError("the prompt is neither a text nor a list of messages")
    if not 1 <= len(turns) <= MOST_MESSAGES:
        raise NotAPromptError(f"a conversation has 1 to {MOST_MESSAGES} messages, this one has {len(turns)}")
    messages = [_checked_message(turn, place) for place, turn in enumerate(turns, start=1)]
    if messages[-1]["role"] != "user":
        raise NotAPromptError("the conversation does not end with a user turn")
    if any(message["role"] == "system" for message in messages[1:]):
        raise NotAPromptError("only the first message may be a system message")
    if sum(len(message["content"].encode()) for message in messages) > MOST_BYTES:
        raise NotAPromptError(f"the prompt is longer than {MOST_BYTES // 1024} KiB")
    return messages


def checked_group(value: object) -> str | None:
    """`value` as the name of a group of prompts that share a split; numbers are names too."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise NotAPromptError("the group is neither a text nor a whole number")
    try:
        group = str(value)
    except ValueError as error:
        raise NotAPromptError("the group is too long") from error
    refuse_unstorable(group, "the group")
    if len(group) > MOST_GROUP_CHARACTERS:
        raise NotAPromptError(f"the group is longer than {MOST_GROUP_CHARACTERS} characters")
    return group


def content_hash(messages: list[Message]) -> bytes:
    """SHA-256 of the whole conversation, blind to white space around a turn and to how accents are composed."""
    turns = [[message["role"], _normalised(message["content"])] for message in messages]
    return hashlib.sha256(json.dumps(turns, ensure_ascii=False).encode()).digest()


def first_user_turn(messages: list[Message]) -> str:
    """The text of the first user turn."""
    return next(message["content"] for message in messages if message["role"] == "user")


def _checked_message(turn: object, place: int) -> Message:
    if not isinstance(turn, dict) or set(turn) != {"role", "content"}:
        raise NotAPromptError(f"message {place} is not an object with exactly `role` and `content`")
    if turn["role"] not in ROLES:
        raise NotAPromptError(f"the role of message {place} is none of {', '.join(ROLES)}")
    content = turn["content"]
    if not isinstance(content, str):
        raise NotAPromptError(f"the content of message {place} is not a text")
    refuse_unstorable(content, f"message {place}")
    if not content.strip():
        raise NotAPromptError(f"message {place} is empty")
    return cast(Message, turn)


def refuse_unstorable(text: str, where: str) -> None:
    """Raise `NotAPromptError` where `text` holds what no database text may."""
    if "\0" in text:
        raise NotAPromptError(f"{where} holds a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise NotAPromptError(f"{where} holds half of a surrogate pair, which is no character")


def _normalised(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def excerpt_of(messages: list[Any]) -> str:
    """The beginning of the last turn of a conversation, on one line."""
    text = " ".join(str(messages[-1]["content"]).split()) if messages else ""
    return text if len(text) <= EXCERPT_LENGTH else text[: EXCERPT_LENGTH - 1] + "…"
