"""Human work: a task, the slots that want a judgment, and the assignments that lease them."""

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Sequence,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, CreatedAt, Key

# An open slot takes the next number whenever it opens or reopens, so a cursor never has to look back.
queue_sequence = Sequence("task_slot_queue_seq", metadata=Base.metadata)

# Everybody gets a task whose right order is known, once each; any other task wants as many judgments as it has slots.
KNOWN: Final = ("gold", "practice")


class Task(Base):
    """One prompt and the K completions people are asked to rank; wants exactly `overlap` judgments.

    `kind` writing asks for a demonstration instead and has no completions. `purpose` says what the answers are for:
    `collect` preference data, to see how well people judge (`gold` among their work, `practice` before it), or to tell
    two model versions apart (`blind`). Only what is said on tasks that collect becomes comparisons.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint("overlap BETWEEN 1 AND 50", name="overlap"),
        CheckConstraint("state IN ('open', 'done', 'retired')", name="state"),
        CheckConstraint("kind IN ('ranking', 'writing')", name="kind"),
        CheckConstraint("purpose IN ('collect', 'gold', 'practice', 'blind')", name="purpose"),
        # A run's prompt becomes a task once, however often its job is resumed.
        UniqueConstraint("run_id", "prompt_id"),
        Index("ix_tasks_project_id_state_id", "project_id", "state", "id"),
        Index("ix_tasks_known_answer", "project_id", "purpose", "id", postgresql_where=text("purpose <> 'collect'")),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    prompt_id: Mapped[int] = mapped_column(ForeignKey("prompts.id"), index=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id", use_alter=True))
    overlap: Mapped[int] = mapped_column(SmallInteger)
    priority_class: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(Text, server_default="open")
    kind: Mapped[str] = mapped_column(Text, server_default="ranking")
    purpose: Mapped[str] = mapped_column(Text, server_default="collect")
    created_at: Mapped[CreatedAt]


class KnownAnswer(Base):
    """The right order of a gold or practice task: `tiers` of completion ids, best first."""

    __tablename__ = "known_answers"

    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    tiers: Mapped[list[Any]]
    explanation: Mapped[str] = mapped_column(Text, server_default="")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[CreatedAt]


class TaskCompletion(Base):
    """A completion's place in its task's stored order (not the order shown)."""

    __tablename__ = "task_completions"
    __table_args__ = (UniqueConstraint("task_id", "completion_id"),)

    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    completion_id: Mapped[int] = mapped_column(ForeignKey("completions.id"), index=True)


class TaskSlot(Base):
    """One wanted judgment. A smaller `priority_class` goes first; within a class the smaller `queue_seq`.

    A slot that is reserved for a person is in nobody else's queue, whoever lets go of it.
    """

    __tablename__ = "task_slots"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'leased', 'filled', 'closed')", name="state"),
        CheckConstraint("(state IN ('leased', 'filled')) = (assignment_id IS NOT NULL)", name="taken_by"),
        Index(
            "ix_task_slots_open",
            "project_id",
            "priority_class",
            "queue_seq",
            postgresql_where=text("state = 'open' AND reserved_for_id IS NULL"),
        ),
        Index(
            "ix_task_slots_reserved",
            "reserved_for_id",
            "project_id",
            "queue_seq",
            postgresql_where=text("reserved_for_id IS NOT NULL AND state IN ('open', 'leased')"),
        ),
        Index(
            "uq_task_slots_assignment_id",
            "assignment_id",
            unique=True,
            postgresql_where=text("assignment_id IS NOT NULL"),
        ),
    )

    id: Mapped[Key]
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"), index=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    state: Mapped[str] = mapped_column(Text, server_default="open")
    priority_class: Mapped[int] = mapped_column(SmallInteger)
    queue_seq: Mapped[int] = mapped_column(server_default=queue_sequence.next_value())
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignments.id", use_alter=True))
    reserved_for_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class Assignment(Base):
    """A task leased to one annotator, once for ever: the row is used again after a lease ran out or a skip.

    `shown_order` holds completion ids in the order this person sees; `draft` what they have not submitted yet.
    """

    __tablename__ = "assignments"
    __table_args__ = (
        UniqueConstraint("task_id", "annotator_id"),
        CheckConstraint("state IN ('leased', 'submitted', 'skipped', 'expired')", name="state"),
        CheckConstraint("state <> 'leased' OR leased_until IS NOT NULL", name="lease"),
        Index("ix_assignments_annotator_project_state", "annotator_id", "project_id", "state"),
        Index("ix_assignments_leased_until", "leased_until", postgresql_where=text("state = 'leased'")),
    )

    id: Mapped[Key]
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"))
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    annotator_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    state: Mapped[str] = mapped_column(Text, server_default="leased")
    shown_order: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    leased_until: Mapped[datetime | None]
    draft: Mapped[dict[str, Any] | None]
    draft_sequence: Mapped[int] = mapped_column(server_default=text("0"))
    skip_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]


class AnnotatorCursor(Base):
    """How far into each priority class of a project's queue this annotator has looked."""

    __tablename__ = "annotator_cursors"

    annotator_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True, index=True)
    priority_class: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    after_queue_seq: Mapped[int] = mapped_column(server_default=text("0"))


class AnnotatorDay(Base):
    """How much a person did in a project on one UTC day: what `rankings` and `completions` say, counted as it happens.

    Raised in the transaction that writes the work. Practice and revisions do not count.
    """

    __tablename__ = "annotator_days"

    annotator_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True, index=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    judged: Mapped[int] = mapped_column(server_default=text("0"))
    written: Mapped[int] = mapped_column(server_default=text("0"))
