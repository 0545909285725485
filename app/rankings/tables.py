"""Judgments: one annotator's weak order over a task's completions, and the comparisons it implies."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, CreatedAt, Key


class Ranking(Base):
    """A judgment, immutable: a revision is a new row and the earlier one names it in `superseded_by_id`.

    `extra` marks one that came after its slot had gone to somebody else: kept, but not counted to the overlap.
    `strength` (1 negligibly better … 4 significantly better) is of a decided pair, null when it was not said.
    `presentation` is what the person had before them and for how long: see `Presentation` in `rankings/judgment.py`.
    """

    __tablename__ = "rankings"
    __table_args__ = (
        UniqueConstraint("assignment_id", "revision"),
        Index(
            "uq_rankings_current",
            "task_id",
            "annotator_id",
            unique=True,
            postgresql_where=text("superseded_by_id IS NULL"),
        ),
        Index("ix_rankings_project_id_id", "project_id", "id"),
        Index("ix_rankings_annotator_project_created", "annotator_id", "project_id", "created_at"),
        CheckConstraint("revision >= 1", name="revision"),
        CheckConstraint("strength BETWEEN 1 AND 4", name="strength"),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"))
    annotator_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    revision: Mapped[int] = mapped_column(SmallInteger)
    superseded_by_id: Mapped[int | None] = mapped_column(ForeignKey("rankings.id"), index=True)
    withdrawn_at: Mapped[datetime | None]
    extra: Mapped[bool] = mapped_column(server_default=text("false"))
    rationale: Mapped[str | None] = mapped_column(Text)
    shown_order: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    touched: Mapped[bool]
    moves: Mapped[int]
    active_ms: Mapped[int]
    strength: Mapped[int | None] = mapped_column(SmallInteger)
    none_acceptable: Mapped[bool] = mapped_column(server_default=text("false"))
    prompt_flags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    guideline_version_id: Mapped[int | None] = mapped_column(ForeignKey("guideline_versions.id"), index=True)
    presentation: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    created_at: Mapped[CreatedAt]


class RankingItem(Base):
    """One completion's place in a ranking: 1 is best, equal numbers tie."""

    __tablename__ = "ranking_items"
    __table_args__ = (
        CheckConstraint("rank BETWEEN 1 AND 9", name="rank"),
        CheckConstraint("rating BETWEEN 1 AND 7", name="rating"),
    )

    ranking_id: Mapped[int] = mapped_column(ForeignKey("rankings.id"), primary_key=True)
    completion_id: Mapped[int] = mapped_column(ForeignKey("completions.id"), primary_key=True, index=True)
    rank: Mapped[int] = mapped_column(SmallInteger)
    rating: Mapped[int | None] = mapped_column(SmallInteger)
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    aspects: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))


class Comparison(Base):
    """One pair of a ranking, written in the ranking's own transaction. In a tie the smaller id is `preferred_id`,
    which then means nothing but "the first of the two".
    """

    __tablename__ = "comparisons"
    __table_args__ = (
        UniqueConstraint("ranking_id", "preferred_id", "other_id"),
        CheckConstraint("preferred_id <> other_id", name="two_completions"),
        CheckConstraint("NOT tie OR preferred_id < other_id", name="tie_order"),
        CheckConstraint("strength BETWEEN 1 AND 4", name="strength"),
        Index("ix_comparisons_project_id_id", "project_id", "id"),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    ranking_id: Mapped[int] = mapped_column(ForeignKey("rankings.id"))
    preferred_id: Mapped[int] = mapped_column(ForeignKey("completions.id"), index=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("completions.id"), index=True)
    tie: Mapped[bool]
    strength: Mapped[int | None] = mapped_column(SmallInteger)
    created_at: Mapped[CreatedAt]
