"""Completions on the wire, for admins and researchers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from app.completions.service import AuthoredCompletion
from app.prompts.messages import excerpt_of


class CompletionAuthor(BaseModel):
    """Who wrote a completion."""

    kind: Literal["model_version", "person"]
    id: int
    name: str


class CompletionRead(BaseModel):
    """A completion with its author and how it was sampled; `names_model`: the text says which model wrote it."""

    id: int
    prompt_id: int
    prompt_excerpt: str
    author: CompletionAuthor
    role: Literal["sample", "demonstration"]
    text: str
    sampling: dict[str, Any]
    seed: int | None
    sample_index: int | None
    finish_reason: Literal["stop", "length"] | None
    token_count: int | None
    names_model: bool
    run_id: int | None
    created_at: datetime


def author_of(authored: AuthoredCompletion) -> CompletionAuthor:
    """The wire form of a completion's one author."""
    if authored.model_version is not None:
        return CompletionAuthor(kind="model_version", id=authored.model_version.id, name=authored.model_version.name)
    assert authored.user is not None  # noqa: S101 - a constraint of the table: exactly one author
    return CompletionAuthor(kind="person", id=authored.user.id, name=authored.user.name)


def completion_read(authored: AuthoredCompletion) -> CompletionRead:
    """The wire form of a completion."""
    one = authored.completion
    return CompletionRead.model_validate(
        {
            "id": one.id,
            "prompt_id": one.prompt_id,
            "prompt_excerpt": excerpt_of(authored.prompt.messages),
            "author": author_of(authored),
            "role": one.role,
            "text": one.text,
            "sampling": one.sampling,
            "seed": one.seed,
            "sample_index": one.sample_index,
            "finish_reason": one.finish_reason,
            "token_count": one.token_count,
            "names_model": one.names_model,
            "run_id": one.run_id,
            "created_at": one.created_at,
        }
    )
