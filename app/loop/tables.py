"""The loop: cycles and the decisions a person can read."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy import text as literal
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, CreatedAt, Key


class Cycle(Base):
    """One turn: reward → ppo → promotion → sample. At most one of a project is under way."""

    __tablename__ = "cycles"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'waiting', 'succeeded', 'failed', 'cancelled')", name="state"),
        CheckConstraint("stage IN ('reward', 'ppo', 'promotion', 'sample', 'done')", name="stage"),
        CheckConstraint("\"trigger\" IN ('person', 'comparisons', 'time')", name="trigger"),
        Index(
            "uq_cycles_one_under_way",
            "project_id",
            unique=True,
            postgresql_where=literal("state IN ('running', 'waiting')"),
        ),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    state: Mapped[str] = mapped_column(Text, server_default="running")
    stage: Mapped[str] = mapped_column(Text, server_default="reward")
    trigger: Mapped[str] = mapped_column(Text)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    reward_run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"), index=True)
    ppo_run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"), index=True)
    sample_run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"), index=True)
    reward_model_version_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"), index=True)
    policy_model_version_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"), index=True)
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]


class LoopDecision(Base):
    """What the loop decided, why, and on which numbers, in words."""

    __tablename__ = "loop_decisions"
    __table_args__ = (
        CheckConstraint("tone IN ('neutral', 'good', 'bad')", name="tone"),
        Index("ix_loop_decisions_project_id_id", "project_id", "id"),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    cycle_id: Mapped[int | None] = mapped_column(ForeignKey("cycles.id"), index=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"), index=True)
    at: Mapped[CreatedAt]
    tone: Mapped[str] = mapped_column(Text, server_default="neutral")
    text: Mapped[str] = mapped_column(Text)
    numbers: Mapped[dict[str, Any]] = mapped_column(server_default=literal("'{}'::jsonb"))
