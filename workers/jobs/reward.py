"""Reward runs: freeze the judgments, train on the snapshot, register a reward model."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.datasets import service as datasets
from app.loop import holding_back
from app.registry.tables import ModelVersion
from app.runs.leases import Claim
from app.runs.tables import Run
from app.storage import Stored
from workers.jobs.folders import Inputs
from workers.jobs.kind import Kind, frozen_inputs, launched_by, register
from workers.jobs.outcome import Success


def prepare(session: Session, held: Claim) -> Inputs:
    """Freeze what people have judged by now; a resumed run keeps the snapshot of its first attempt.

    What is held back for a judge of policies is left out, or, where the run trains that judge, is all that it gets.
    """
    freeze = partial(
        datasets.freeze_judgments,
        session,
        project_id=held.project_id,
        created_by=launched_by(session, held),
        run_id=held.run_id,
        part=holding_back.part_of(session, held.project_id, held.inputs),
    )
    inputs = frozen_inputs(session, held, freeze, write_rows)
    live = inputs.models.get("live")
    return inputs if live is None else with_gate(session, held, inputs, live[0])


def with_gate(session: Session, held: Claim, inputs: Inputs, live: ModelVersion) -> Inputs:
    """The same with the held-out judgments that were made since the live reward model went live, in a file beside."""
    snapshot_id = session.scalar(select(Run.dataset_snapshot_id).where(Run.id == held.run_id))
    if snapshot_id is None:
        raise ValueError(f"run {held.run_id} has no snapshot to take held-out judgments from")

    def write(later: Session, path: Path) -> None:
        inputs.write(later, path)
        datasets.write_held_out_rows(
            later, snapshot_id=snapshot_id, since=live.promoted_at, path=path.with_name("gate.jsonl")
        )

    return replace(inputs, write=write)


def write_rows(session: Session, snapshot_id: int, path: Path) -> int:
    """The snapshot's judgments, one line a task."""
    return datasets.write_reward_rows(session, snapshot_id=snapshot_id, path=path)


def finish(session: Session, held: Claim, success: Success, stored: Stored | None) -> None:
    """Register the reward model."""
    register(session, held, success, stored, "reward")


KIND = Kind(prepare=prepare, finish=finish)
