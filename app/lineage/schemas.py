"""Lineage on the wire."""

from datetime import datetime

from pydantic import BaseModel

from app.datasets.schemas import SnapshotRead, snapshot_read
from app.lineage.service import Counts, Origins, Touched, Used
from app.registry.schemas import ModelVersionRead, model_version_read
from app.runs.lifecycle import State
from app.runs.tables import Run


class RunBehind(BaseModel):
    """A run that made one of the models; what it was given stands in `models`, by role."""

    id: int
    kind: str
    state: State
    seed: int
    models: dict[str, int]
    dataset_snapshot_id: int | None
    finished_at: datetime | None


class CountsBehind(BaseModel):
    """How much the datasets hold, each once: judgments, who made them, demonstrations, prompts of policy runs."""

    judgments: int
    annotators: int
    demonstrations: int
    prompts: int


class OriginsRead(BaseModel):
    """Everything that a model comes from, oldest first: the chain of models, which ends with it, and what made them.

    A policy comes from the reward model that scored it, too. The judgments themselves are at …/origins/judgments.
    """

    chain: list[ModelVersionRead]
    runs: list[RunBehind]
    snapshots: list[SnapshotRead]
    counts: CountsBehind


class CompletionOrigins(BaseModel):
    """Where a completion comes from: the run that wrote it and what its model comes from; null for a person's."""

    completion_id: int
    run_id: int | None
    by_person: bool
    origins: OriginsRead | None


class JudgmentBehind(BaseModel):
    """A judgment that a model learnt from; revised or withdrawn ones stay, because the model has learnt from them."""

    id: int
    task_id: int
    prompt_id: int
    annotator_id: int
    revision: int
    superseded: bool
    withdrawn: bool
    created_at: datetime


class TouchedModel(BaseModel):
    """A model that a judgment has a part in; `direct`: its own run learnt from it, else one of its ancestors' runs."""

    direct: bool
    model: ModelVersionRead


def origins_read(origins: Origins) -> OriginsRead:
    """The wire form of everything behind a model."""
    return OriginsRead(
        chain=[model_version_read(one) for one in origins.chain],
        runs=[run_behind(one) for one in origins.runs],
        snapshots=[snapshot_read(one) for one in origins.snapshots],
        counts=counts_behind(origins.counts),
    )


def counts_behind(counts: Counts) -> CountsBehind:
    """The wire form of the counts."""
    return CountsBehind.model_validate(counts, from_attributes=True)


def run_behind(run: Run) -> RunBehind:
    """The wire form of a run in a lineage."""
    columns = {name: getattr(run, name) for name in RunBehind.model_fields if name != "models"}
    return RunBehind(**columns, models=run.inputs.get("models", {}))


def judgment_behind(used: Used) -> JudgmentBehind:
    """The wire form of a judgment in a lineage."""
    ranking = used.ranking
    return JudgmentBehind(
        id=ranking.id,
        task_id=ranking.task_id,
        prompt_id=used.prompt_id,
        annotator_id=ranking.annotator_id,
        revision=ranking.revision,
        superseded=ranking.superseded_by_id is not None,
        withdrawn=ranking.withdrawn_at is not None,
        created_at=ranking.created_at,
    )


def touched_model(touched: Touched) -> TouchedModel:
    """The wire form of a model that a judgment touched."""
    return TouchedModel(direct=touched.direct, model=model_version_read(touched.version))
