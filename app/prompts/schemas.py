"""Prompts and prompt sets on the wire."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from app.prompts.listing import CountedPrompt, ReportedSet
from app.prompts.splits import Split


class Turn(BaseModel):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class LineError(BaseModel):
    """A line of the file that is no prompt, and why."""

    model_config = ConfigDict(from_attributes=True)

    line: int
    reason: str
    excerpt: str


class PromptSetRead(BaseModel):
    """An upload with its report; `errors` are the first 20, the rest has a list of its own."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    source: str | None
    licence: str | None
    file_name: str
    file_sha256: str
    bytes: int
    state: Literal["staged", "added", "discarded"]
    lines: int
    good: int
    bad: int
    duplicates: int
    errors: list[LineError] = []
    created_at: datetime


class PromptRead(BaseModel):
    """A prompt, and how far it has come."""

    id: int
    messages: list[Turn]
    split: Split
    state: Literal["staged", "active", "retired"]
    prompt_set_id: int
    created_at: datetime
    completions: int
    tasks: int


def prompt_set_read(reported: ReportedSet) -> PromptSetRead:
    """The wire form of a prompt set."""
    read = PromptSetRead.model_validate(reported.row)
    return read.model_copy(update={"errors": [LineError.model_validate(error) for error in reported.errors]})


def prompt_read(counted: CountedPrompt) -> PromptRead:
    """The wire form of a prompt."""
    row = counted.row
    return PromptRead(
        id=row.id,
        messages=[Turn.model_validate(turn) for turn in row.messages],
        split=row.split,
        state=row.state,
        prompt_set_id=row.prompt_set_id,
        created_at=row.created_at,
        completions=counted.completions,
        tasks=counted.tasks,
    )
