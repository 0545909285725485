"""Prompts and the uploads they came in."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, CreatedAt, Key


class PromptSet(Base):
    """One upload, with its line-level error report. Its prompts count only once it is `added`."""

    __tablename__ = "prompt_sets"
    __table_args__ = (CheckConstraint("state IN ('staged', 'added', 'discarded')", name="state"),)

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(Text)
    licence: Mapped[str | None] = mapped_column(Text)
    file_name: Mapped[str] = mapped_column(Text)
    file_sha256: Mapped[str] = mapped_column(Text)
    bytes: Mapped[int]
    state: Mapped[str] = mapped_column(Text, server_default="staged")
    lines: Mapped[int]
    good: Mapped[int]
    bad: Mapped[int]
    duplicates: Mapped[int]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[CreatedAt]
    decided_at: Mapped[datetime | None]


class PromptSetError(Base):
    """One line of an upload that is no prompt, and why."""

    __tablename__ = "prompt_set_errors"
    __table_args__ = (Index("ix_prompt_set_errors_prompt_set_id_id", "prompt_set_id", "id"),)

    id: Mapped[Key]
    prompt_set_id: Mapped[int] = mapped_column(ForeignKey("prompt_sets.id", ondelete="CASCADE"))
    line: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    excerpt: Mapped[str] = mapped_column(Text)


class Prompt(Base):
    """A conversation that ends in a user turn. Its split is decided once, by the hash of its group."""

    __tablename__ = "prompts"
    __table_args__ = (
        CheckConstraint("split IN ('train', 'validation', 'test')", name="split"),
        CheckConstraint("state IN ('staged', 'active', 'retired')", name="state"),
        Index(
            "uq_prompts_active_content",
            "project_id",
            "content_hash",
            unique=True,
            postgresql_where=text("state = 'active'"),
        ),
        Index("ix_prompts_project_id_state_id", "project_id", "state", "id"),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    prompt_set_id: Mapped[int] = mapped_column(ForeignKey("prompt_sets.id"), index=True)
    line: Mapped[int]
    messages: Mapped[list[Any]]
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    group_hash: Mapped[bytes] = mapped_column(LargeBinary)
    split: Mapped[Literal["train", "validation", "test"]] = mapped_column(Text)
    state: Mapped[Literal["staged", "active", "retired"]] = mapped_column(Text, server_default="staged")
    created_at: Mapped[CreatedAt]
