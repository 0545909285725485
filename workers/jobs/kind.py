"""What one kind of run brings to a job: what its child works on, what it stores while it runs, what it leaves."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.datasets.tables import DatasetSnapshot
from app.registry import service as registry
from app.registry.service import ModelKind, NewModel
from app.registry.tables import ModelVersion
from app.runs import leases
from app.runs.events import Event, note
from app.runs.leases import Claim
from app.runs.tables import Run
from app.storage import Stored
from workers.jobs.folders import GivenText, Inputs
from workers.jobs.outcome import Success

ModelAndBase = tuple[ModelVersion, ModelVersion | None]


def record_nothing(_session: Session, held: Claim, lines: list[dict[str, Any]]) -> list[Event]:
    """For kinds that write no completions."""
    text = f"{len(lines)} completions were passed over: a {held.kind} run writes none."
    return [note(text, level="warning")]


def finish_nothing(_session: Session, _held: Claim, _success: Success, _stored: Stored | None) -> None:
    """For kinds that make no model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """The three things that differ. All run in a transaction; `prepare` may be called again for a resumed run."""

    prepare: Callable[[Session, Claim], Inputs]
    record: Callable[[Session, Claim, list[dict[str, Any]]], list[Event]] = record_nothing
    finish: Callable[[Session, Claim, Success, Stored | None], None] = finish_nothing
    online: Callable[[Claim], bool] = lambda _held: False


def frozen_inputs(
    session: Session,
    held: Claim,
    freeze: Callable[[], DatasetSnapshot],
    write: Callable[[Session, int, Path], int],
) -> Inputs:
    """What a training run works on: a snapshot made by its first attempt, kept by the later ones, and its models."""
    snapshot_id = held.dataset_snapshot_id
    if snapshot_id is None:
        snapshot_id = freeze().id
        leases.set_inputs(session, held, {}, dataset_snapshot_id=snapshot_id)
    return Inputs(
        write=lambda later, path: write(later, snapshot_id, path),
        models=models_of(session, held),
        text=text_of(session, held, "pretrain.txt"),
    )


def text_of(session: Session, held: Claim, name: str) -> GivenText | None:
    """The text that the run was given, if any, to lie in its folder under `name`."""
    if held.inputs.get("text_id") is None:
        return None
    text = session.get_one(DatasetSnapshot, held.inputs["text_id"])
    return GivenText(text.selection["artifact_sha256"], name)


def models_of(session: Session, held: Claim) -> dict[str, ModelAndBase]:
    """The run's model versions by role, each with the base an adapter of it would sit on."""
    return {
        role: with_base(session, session.get_one(ModelVersion, version_id))
        for role, version_id in held.inputs["models"].items()
    }


def with_base(session: Session, version: ModelVersion) -> ModelAndBase:
    """A model version and its base, if it has one."""
    return version, session.get(ModelVersion, version.base_id) if version.base_id else None


def launched_by(session: Session, held: Claim) -> int | None:
    """Who launched the run; None: the loop."""
    return session.scalar(select(Run.created_by).where(Run.id == held.run_id))


BASED_ON: Final = {"sft": "base", "reward": "base"}
# Methods that leave an adapter on the weights it was trained on; the others leave whole weights.
LEAVES_ADAPTER: Final = {
    "sft": frozenset({"p_tuning", "prefix"}),
    "reward": frozenset({"lora"}),
}
ADAPTER_OF_A_POLICY: Final = frozenset({"lora"})


def register(session: Session, held: Claim, success: Success, stored: Stored | None, kind: ModelKind) -> ModelVersion:
    """Register the model that a training run made, as a candidate below the one it started from."""
    if stored is None:
        raise ValueError(f"the {held.kind} run left no artifact")
    parent = session.get_one(ModelVersion, held.inputs["models"][BASED_ON.get(held.kind, "policy")])
    leaves_adapter = held.config["method"] in LEAVES_ADAPTER.get(held.kind, ADAPTER_OF_A_POLICY)
    new = NewModel(
        project_id=held.project_id,
        kind=kind,
        parent_id=parent.id,
        base_id=(parent.base_id or parent.id) if leaves_adapter else None,
        run_id=held.run_id,
        dataset_snapshot_id=session.scalar(select(Run.dataset_snapshot_id).where(Run.id == held.run_id)),
        artifact_sha256=stored.sha256,
        artifact_bytes=stored.size,
        metrics=success.metrics,
    )
    return registry.register_model(session, new)
