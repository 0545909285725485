"""Runs: the one truth about background work. A Celery message only says "look at this row"."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    Sequence,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, CreatedAt, Key

STATES = "'queued', 'claimed', 'running', 'pausing', 'paused', 'cancelling', 'succeeded', 'failed', 'cancelled'"
HELD = "'claimed', 'running', 'pausing', 'cancelling'"
FINAL = "'succeeded', 'failed', 'cancelled'"

# Every claim and every lost lease takes a higher number, so a worker that comes back from the dead writes nothing.
fence_sequence = Sequence("run_fence_seq", metadata=Base.metadata)


class Run(Base):
    """One unit of background work. The row is the outbox of its job; `fence` guards every write of its worker."""

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES})", name="state"),
        CheckConstraint(
            f"(state IN ({HELD})) = (lease_owner IS NOT NULL AND lease_until IS NOT NULL)", name="lease_iff_held"
        ),
        CheckConstraint(f"(state IN ({FINAL})) = (finished_at IS NOT NULL)", name="finished_iff_final"),
        CheckConstraint("(state = 'succeeded') = (result IS NOT NULL)", name="result_iff_succeeded"),
        Index(
            "ix_runs_waiting",
            *("queue", "project_id", "priority", "run_after", "id"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "ix_runs_waiting_by_devices",
            *("queue", "project_id", text("COALESCE(devices, 1)"), "priority", "run_after", "id"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "ix_runs_project_id_claimed_at",
            "project_id",
            "claimed_at",
            postgresql_where=text("claimed_at IS NOT NULL"),
        ),
        Index("ix_runs_lease_until", "lease_until", postgresql_where=text(f"state IN ({HELD})")),
        Index("ix_runs_project_id_id", "project_id", "id"),
        {"postgresql_with": {"fillfactor": "70", "autovacuum_vacuum_scale_factor": "0.01"}},
    )

    id: Mapped[Key]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="queued")
    queue: Mapped[str] = mapped_column(Text)
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("100"))
    # So many processes, each on a device of its own; null: as many as its worker has.
    devices: Mapped[int | None] = mapped_column(SmallInteger)
    config: Mapped[dict[str, Any]]
    inputs: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    seed: Mapped[int]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    cycle_id: Mapped[int | None] = mapped_column(ForeignKey("cycles.id", use_alter=True), index=True)
    dataset_snapshot_id: Mapped[int | None] = mapped_column(ForeignKey("dataset_snapshots.id"), index=True)
    run_after: Mapped[datetime] = mapped_column(server_default=text("now()"))
    rung_at: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    stalls: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    fence: Mapped[int] = mapped_column(server_default=text("0"))
    claimed_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(Text)
    lease_until: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    last_event_seq: Mapped[int] = mapped_column(server_default=text("0"))
    progress: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    result: Mapped[dict[str, Any] | None]
    reason: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    advice: Mapped[str | None] = mapped_column(Text)
    notice: Mapped[str | None] = mapped_column(Text)
    # What it was estimated to take before it was queued, and the machine that worked on it last.
    estimate: Mapped[dict[str, Any] | None]
    machine: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class RunEvent(Base):
    """What happened in a run, numbered per run and append-only; a page follows it by number."""

    __tablename__ = "run_events"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[CreatedAt]
    type: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]]


class RunMetric(Base):
    """One figure at one step; `value` is null where it is not defined."""

    __tablename__ = "run_metrics"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[float | None] = mapped_column(Double)


class RunCheckpoint(Base):
    """A durable point to resume from. "Newest" is this table, never a folder listing."""

    __tablename__ = "run_checkpoints"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fence: Mapped[int]
    path: Mapped[str] = mapped_column(Text, unique=True)
    manifest_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    bytes: Mapped[int]
    created_at: Mapped[CreatedAt]
    retired_at: Mapped[datetime | None]


class Worker(Base):
    """A worker process and what it has, by the name that it puts into leases; one that falls silent is forgotten.

    A process of a run computes on hardware of this `kind` and has `room_bytes` there if it is alone: a device's own
    memory or, where there is no device, the machine's `memory_bytes`, which several share. `processes` is how many a
    run may have side by side. Workers on the same `machine` are alike in speed.
    """

    __tablename__ = "workers"
    __table_args__ = (
        CheckConstraint("kind IN ('cpu', 'cuda')", name="kind"),
        CheckConstraint("room_bytes > 0 AND memory_bytes > 0 AND cores > 0 AND processes > 0", name="has_something"),
    )

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    queues: Mapped[list[str]] = mapped_column(ARRAY(Text))
    kind: Mapped[str] = mapped_column(Text)
    room_bytes: Mapped[int]
    memory_bytes: Mapped[int]
    cores: Mapped[int]
    processes: Mapped[int] = mapped_column(server_default=text("1"))
    devices: Mapped[list[Any]]
    machine: Mapped[str] = mapped_column(Text)
    started_at: Mapped[CreatedAt]
    seen_at: Mapped[CreatedAt]


class ScheduleTick(Base):
    """One turn of a periodic duty; the scheduler that inserts the row does it, another finds it taken."""

    __tablename__ = "schedule_ticks"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    tick: Mapped[datetime] = mapped_column(primary_key=True)
