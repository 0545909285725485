"""PPO runs: freeze the train prompts, improve the policy on them against the reward model, register a candidate.

RLOO and GRPO runs are the same to a job.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from app.datasets import demonstrations
from app.datasets import service as datasets
from app.runs import leases
from app.runs.leases import Claim
from app.storage import Stored
from workers.jobs.folders import Inputs
from workers.jobs.kind import Kind, frozen_inputs, launched_by, register
from workers.jobs.outcome import Success


def prepare(session: Session, held: Claim) -> Inputs:
    """Freeze the prompts; a resumed run keeps the snapshot of its first attempt."""
    freeze = partial(
        datasets.freeze_prompts,
        session,
        project_id=held.project_id,
        created_by=launched_by(session, held),
        run_id=held.run_id,
        prompt_set_id=held.inputs.get("prompt_set_id"),
    )
    inputs = frozen_inputs(session, held, freeze, write_rows)
    mixes = held.config.get("pretrain_weight") and inputs.text is None
    return with_demonstrations(session, held, inputs) if mixes else inputs


def with_demonstrations(session: Session, held: Claim, inputs: Inputs) -> Inputs:
    """The same with the project's demonstrations beside the prompts, to be mixed in; frozen by the first attempt."""
    snapshot_id = held.inputs.get("demonstrations_snapshot_id")
    if snapshot_id is None:
        snapshot = demonstrations.freeze_demonstrations(
            session,
            project_id=held.project_id,
            created_by=launched_by(session, held),
            run_id=held.run_id,
        )
        snapshot_id = snapshot.id
        leases.set_inputs(session, held, {"demonstrations_snapshot_id": snapshot_id})

    def write(later: Session, path: Path) -> None:
        inputs.write(later, path)
        demonstrations.write_demonstration_rows(
            later, snapshot_id=snapshot_id, path=path.with_name("demonstrations.jsonl")
        )

    return replace(inputs, write=write)


def write_rows(session: Session, snapshot_id: int, path: Path) -> int:
    """The snapshot's prompts, one line each."""
    return datasets.write_prompt_rows(session, snapshot_id=snapshot_id, path=path)


def finish(session: Session, held: Claim, success: Success, stored: Stored | None) -> None:
    """Register the new policy."""
    register(session, held, success, stored, "policy")


KIND = Kind(prepare=prepare, finish=finish)
