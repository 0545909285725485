"""From messages and texts to padded tokens: the only place that tokenises, pads and masks.

Shapes: N = rows, T = tokens. Masks are True on real tokens. Which tokens are real is known from lengths, never
from comparing with the pad token.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from jinja2 import TemplateError
from torch import Tensor
from transformers import PreTrainedTokenizerBase

ANSWER_MARK: Final = "§answer§"
Messages = Sequence[dict[str, str]]


class BadDataError(ValueError):
    """A line of the data file that can't be used; the message names the line and the reason."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids and how many tokens were cut off to fit."""

    ids: list[int]
    cut: int


@dataclass(frozen=True, slots=True)
class Chat:
    """How one model family writes conversations.

    `stop_id` is the token that this template puts after an answer; sampling stops on it, training appends it.
    """

    tokenizer: PreTrainedTokenizerBase
    pad_id: int
    stop_id: int

    def prompt(self, messages: Messages, max_tokens: int) -> Encoded:
        """Render a conversation up to where the assistant speaks; the newest `max_tokens` tokens are kept.

        Raises:
            BadDataError: the model's template knows no such conversation.
        """
        ids = self.rendered(self.opening(messages))
        return Encoded(ids[-max_tokens:], max(0, len(ids) - max_tokens))

    def opening(self, messages: Messages) -> str:
        """A conversation as the template writes it, up to where the assistant speaks.

        Raises:
            BadDataError: the model's template knows no such conversation.
        """
        said = [{"role": message["role"], "content": self._defused(message["content"])} for message in messages]
        try:
            return str(self.tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True))
        except TemplateError as error:
            raise BadDataError(f"the model's chat template refuses a conversation: {error}") from error

    def rendered(self, text: str) -> list[int]:
        """The tokens of what the template wrote; its special tokens are read as such."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids

    def answered(self, text: str) -> str:
        """An answer as the template writes it into a conversation that goes on."""
        return self._defused(text) + str(self.tokenizer.convert_ids_to_tokens(self.stop_id))

    def completion(self, text: str, max_tokens: int) -> Encoded:
        """Tokenise an answer and end it with the stop token; special tokens spelt out in it stay plain text."""
        ids = self.tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        room = max_tokens - 1
        return Encoded([*ids[:room], self.stop_id], max(0, len(ids) - room))

    def text(self, ids: Sequence[int]) -> str:
        """Decode sampled tokens without special tokens. NUL, which no database text may hold, is left out."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True)).replace("\0", "")

    def _defused(self, text: str) -> str:
        """Break special tokens that somebody spelt out, so that no prompt can end its own turn."""
        for token in self.tokenizer.all_special_tokens:
            text = text.replace(token, f"{token[0]} {token[1:]}")
        return text


def chat_of(tokenizer: PreTrainedTokenizerBase) -> Chat:
    """Find out how a tokenizer's template ends a turn, and check that padding can't be taken for that end.

    Raises:
        ValueError: no chat template, no pad token, or the pad token ends turns.
    """
    if not tokenizer.chat_template:
        raise ValueError("the tokenizer has no chat template")
    stop_id = turn_end(tokenizer)
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id in {stop_id, tokenizer.eos_token_id}:
        raise ValueError("the tokenizer needs a pad token that is not its end token")
    return Chat(tokenizer, tokenizer.pad_token_id, stop_id)


def turn_end(tokenizer: PreTrainedTokenizerBase) -> int:
    """The special token that the chat template puts right after an answer, else the end-of-text token.

    Raises:
        ValueError: the template writes none and the tokenizer has no end token.
    """
    exchange = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": ANSWER_MARK}]
    text = str(tokenizer.apply_chat_template(exchange, tokenize=False))
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    for token in tokenizer.encode(text.partition(ANSWER_MARK)[2], add_special_tokens=False):
        if token in special:
            return int(token)
    if tokenizer.eos_token_id is None:
        raise ValueError("neither the chat template nor the tokenizer names an end token")
    return int(tokenizer.eos_token_id)


def pad_left(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Ids [N, T] and mask [N, T] with the real tokens at the right edge, as generation needs them."""
    return _pad(rows, pad_id, left=True)


def pad_right(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Ids [N, T] and mask [N, T] with the real tokens at the left edge."""
    return _pad(rows, pad_id, left=False)


def _pad(rows: Sequence[Sequence[int]], pad_id: int, *, left: bool) -> tuple[Tensor, Tensor]:
    width = max(len(row) for row in rows)
    ids_NT = torch.full((len(rows), width), pad_id, dtype=torch.long)
    mask_NT = torch.zeros((len(rows), width), dtype=torch.bool)
    for index, row in enumerate(rows):
        place = slice(width - len(row), width) if left else slice(0, len(row))
        ids_NT[index, place] = torch.tensor(list(row), dtype=torch.long)
        mask_NT[index, place] = True
    return ids_NT, mask_NT


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file.

    Raises:
        BadDataError: a line that is no JSON object.
    """
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                content = json.loads(line)
            except ValueError as error:
                raise BadDataError(f"line {number} is no JSON: {error}") from error
            if not isinstance(content, dict):
                raise BadDataError(f"line {number} is no JSON object")
            yield content
