"""The loop: cycles and the decisions a person can read."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, Text
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


class BlindComparison(Base):
    """Two model versions that answer the same held-out prompts, judged by people who do not know of it.

    The votes are the judgments of the tasks of its run. They are counted here when it ends: `wins` for the candidate,
    `losses` for the rival, `identical` prompts answered alike, which nobody is asked about, apart from the `ties`;
    `most_by_one` of the decided votes were one person's, of whom a verdict took `most_share` of them at most.
    """

    __tablename__ = "blind_comparisons"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'finished', 'cancelled')", name="state"),
        CheckConstraint("verdict IN ('better', 'worse', 'undecided')", name="verdict"),
        CheckConstraint("(state = 'finished') = (verdict IS NOT NULL)", name="verdict_iff_finished"),
        CheckConstraint("(state = 'open') = (finished_at IS NULL)", name="finished_iff_ended"),
        CheckConstraint("candidate_id <> rival_id", name="two_versions"),
        CheckConstraint("error > 0 AND error < 1", name="error"),
        Index("ix_blind_comparisons_project_id_id", "project_id", "id"),
        Index("ix_blind_comparisons_open", "id", postgresql_where=literal("state = 'open'")),
        Index(
            "uq_blind_comparisons_open_pair",
            literal("least(candidate_id, rival_id)"),
            literal("greatest(candidate_id, rival_id)"),
            unique=True,
            postgresql_where=literal("state = 'open'"),
        ),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    candidate_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"), index=True)
    rival_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"), index=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), unique=True)
    cycle_id: Mapped[int | None] = mapped_column(ForeignKey("cycles.id"), unique=True)
    state: Mapped[str] = mapped_column(Text, server_default="open")
    verdict: Mapped[str | None] = mapped_column(Text)
    prompts: Mapped[int]
    error: Mapped[float] = mapped_column(Double)
    wins: Mapped[int] = mapped_column(server_default=literal("0"))
    losses: Mapped[int] = mapped_column(server_default=literal("0"))
    ties: Mapped[int] = mapped_column(server_default=literal("0"))
    identical: Mapped[int] = mapped_column(server_default=literal("0"))
    most_by_one: Mapped[int] = mapped_column(server_default=literal("0"))
    most_share: Mapped[float] = mapped_column(Double, server_default=literal("1"))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]
