"""Reward runs: freeze the judgments, train on the snapshot, register a reward model."""

from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from app.datasets import service as datasets
from app.runs.leases import Claim
from app.storage import Stored
from workers.jobs.folders import Inputs
from workers.jobs.kind import Kind, frozen_inputs, launched_by, register
from workers.jobs.outcome import Success


def prepare(session: Session, held: Claim) -> Inputs:
    """Freeze what people have judged by now; a resumed run keeps the snapshot of its first attempt."""
    freeze = partial(
        datasets.freeze_judgments,
        session,
        project_id=held.project_id,
        created_by=launched_by(session, held),
        run_id=held.run_id,
    )
    return frozen_inputs(session, held, freeze, write_rows)


def write_rows(session: Session, snapshot_id: int, path: Path) -> int:
    """The snapshot's judgments, one line a task."""
    return datasets.write_reward_rows(session, snapshot_id=snapshot_id, path=path)


def finish(session: Session, held: Claim, success: Success, stored: Stored | None) -> None:
    """Register the reward model."""
    register(session, held, success, stored, "reward")


KIND = Kind(prepare=prepare, finish=finish)
