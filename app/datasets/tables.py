"""Dataset snapshots: immutable, content-hashed selections."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, CreatedAt, Key


class DatasetSnapshot(Base):
    """What a run trained on. `content_hash` is the SHA-256 of its canonical lines, or of a text, and never changes."""

    __tablename__ = "dataset_snapshots"
    __table_args__ = (CheckConstraint("kind IN ('judgments', 'prompts', 'demonstrations', 'text')", name="kind"),)

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(Text)
    selection: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[CreatedAt]


class SnapshotRanking(Base):
    """A judgment that a snapshot holds: lineage both ways in one query."""

    __tablename__ = "snapshot_rankings"

    snapshot_id: Mapped[int] = mapped_column(ForeignKey("dataset_snapshots.id"), primary_key=True)
    ranking_id: Mapped[int] = mapped_column(ForeignKey("rankings.id"), primary_key=True, index=True)


class SnapshotCompletion(Base):
    """A demonstration that a snapshot holds."""

    __tablename__ = "snapshot_completions"

    snapshot_id: Mapped[int] = mapped_column(ForeignKey("dataset_snapshots.id"), primary_key=True)
    completion_id: Mapped[int] = mapped_column(ForeignKey("completions.id"), primary_key=True, index=True)


class SnapshotPrompt(Base):
    """A prompt that a snapshot holds."""

    __tablename__ = "snapshot_prompts"

    snapshot_id: Mapped[int] = mapped_column(ForeignKey("dataset_snapshots.id"), primary_key=True)
    prompt_id: Mapped[int] = mapped_column(ForeignKey("prompts.id"), primary_key=True, index=True)
