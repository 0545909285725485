"""Completions: answers to a prompt, by a model version or by a person."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy import text as literal
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, CreatedAt, Key


class Completion(Base):
    """One answer, with exactly one author. A demonstration is a completion by a person.

    `names_model`: the text says which model wrote it, which annotators are not to know. `prompt_set_id` is the upload
    that an uploaded demonstration came in by; its prompt may have been there before.
    """

    __tablename__ = "completions"
    __table_args__ = (
        CheckConstraint("(model_version_id IS NULL) <> (user_id IS NULL)", name="one_author"),
        CheckConstraint("role IN ('sample', 'demonstration')", name="role"),
        CheckConstraint("finish_reason IN ('stop', 'length')", name="finish_reason"),
        # A relayed completion that arrives twice, from a run and its resumption, is one row.
        Index(
            "uq_completions_run_sample",
            "run_id",
            "prompt_id",
            "model_version_id",
            "sample_index",
            unique=True,
            postgresql_where=literal("run_id IS NOT NULL"),
        ),
        Index("ix_completions_prompt_set_id", "prompt_set_id", postgresql_where=literal("prompt_set_id IS NOT NULL")),
    )

    id: Mapped[Key]
    prompt_id: Mapped[int] = mapped_column(ForeignKey("prompts.id"), index=True)
    model_version_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    role: Mapped[str] = mapped_column(Text, server_default="sample")
    text: Mapped[str] = mapped_column(Text)
    sampling: Mapped[dict[str, Any]] = mapped_column(server_default=literal("'{}'::jsonb"))
    seed: Mapped[int | None]
    sample_index: Mapped[int | None]
    finish_reason: Mapped[str | None] = mapped_column(Text)
    token_count: Mapped[int | None]
    names_model: Mapped[bool] = mapped_column(server_default=literal("false"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id", use_alter=True))
    prompt_set_id: Mapped[int | None] = mapped_column(ForeignKey("prompt_sets.id"))
    created_at: Mapped[CreatedAt]
