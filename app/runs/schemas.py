"""Runs on the wire."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from app.inputs import Input, Line
from app.runs.kinds import KINDS, LeftOpen, form_schema, queue_of
from app.runs.lifecycle import State
from app.runs.priorities import Level, level_of
from app.runs.service import SeenRun
from app.runs.waiting import Waiting, Why

RoleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
QueueName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Person(BaseModel):
    """Who launched a run."""

    id: int
    name: str


class Progress(BaseModel):
    """How far a run is: `step` of `total` in the part `part` of `parts`.

    `seconds_left` is how long the rest of this part takes at the run's own pace of late, null while nobody knows.
    """

    phase: str | None = None
    step: int | None = None
    total: int | None = None
    part: int | None = None
    parts: int | None = None
    seconds_left: float | None = None
    text: str | None = None


class RunWaitingRead(BaseModel):
    """Why a queued run is not at work.

    `pause`: it is tried again at `until`. `worker`: none serves its queue. `devices`: it asks for more than the `limit`
    that a worker has. `room`: it `takes` more bytes than the `room` that any worker has for it. `project_limit`: as
    many `runs` of the project are at work as may be. `priority`: so many `runs` are more urgent. `turn`: so many `runs`
    of the project go before it, and other `projects` take turns with it. `workers`: those of its queue are busy, or
    about to take it.
    """

    model_config = {"from_attributes": True}

    why: Why
    queue: str
    runs: int | None
    projects: int | None
    limit: int | None
    takes: int | None
    room: int | None
    until: datetime | None


class NewPriority(Input):
    """How urgent a waiting run is to be."""

    priority: Level


# How long the rest takes holds only while somebody works on it.
AT_REST: Final[dict[str, Any]] = {"seconds_left": None}


class RunRead(BaseModel):
    """One unit of background work. `result` names what it left; its report is read at /report.

    `waiting` says why a queued run waits; in lists it is null.
    """

    id: int
    project_id: int
    kind: str
    state: State
    queue: str
    priority: Level
    devices: int | None
    waiting: RunWaitingRead | None
    config: dict[str, Any]
    created_by: Person | None
    cycle_id: int | None
    progress: Progress
    result: dict[str, Any] | None
    reason: str | None
    error: str | None
    advice: str | None
    notice: str | None
    attempt: int
    seed: int
    models: dict[str, int]
    prompt_set_id: int | None
    text_id: int | None
    model_version_id: int | None
    dataset_snapshot_id: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class NewRun(Input):
    """A run to launch. What is left out takes the project's settings and its live models."""

    kind: str
    config: dict[str, Any] = Field(default_factory=dict, description="Settings of the kind, see run-kinds.")
    models: dict[RoleName, Id] = Field(
        default_factory=dict, max_length=9, description="Model versions by role, e.g. {'policy': 3, 'reward': 7}."
    )
    prompt_set_id: Id | None = Field(None, description="Only prompts of this set (sample, ppo, rloo, grpo, best_of_n).")
    text_id: Id | None = Field(None, description="The text to learn (pretrain), or to mix in (sft, ppo).")
    source: dict[str, Any] | None = Field(None, description="What to import (import_model).")
    name: Line | None = Field(None, description="Name of the new base (import_model, pretrain).")
    seed: int | None = Field(None, ge=0, lt=2**31, description="Makes the run repeatable; random when left out.")
    priority: Level = Field("normal", description="More urgent runs are taken first.")
    queue: QueueName | None = Field(None, description="The queue to wait in; left out, the one of its kind.")
    devices: int | None = Field(
        None, ge=1, le=64, description="So many processes; left out, as many as its worker has."
    )
    ignore_estimate: bool = Field(
        default=False, description="Start it although no worker has the memory that it is estimated to take (admins)."
    )


class RoleRead(BaseModel):
    """A part that a model version plays in a run, and what kinds of versions can.

    `whole`: no adapter on other weights. `optional`: it may stay open though there is no live model. `left_open`: who
    plays it then: the live model, the root that the policy came from, the one of the policy's own run, or nobody.
    `many`: several share it, each under a name of its own.
    """

    model_config = {"from_attributes": True}

    name: str
    description: str
    kinds: list[Literal["base", "sft", "reward", "policy"]]
    whole: bool
    optional: bool
    left_open: LeftOpen
    many: bool


class KindRead(BaseModel):
    """A kind of run with the JSON Schema of its configuration and the models that it works with."""

    model_config = {"populate_by_name": True, "protected_namespaces": ()}

    kind: str
    title: str
    description: str
    queue: str
    roles: list[RoleRead]
    form: dict[str, Any] = Field(alias="schema", serialization_alias="schema")


class MetricsRead(BaseModel):
    """Every figure of a run by name: pairs of step and value, null where it is not defined."""

    series: dict[str, list[tuple[int, float | None]]]


def run_read(seen: SeenRun, waiting: Waiting | None = None) -> RunRead:
    """The wire form of a run."""
    run = seen.run
    # Asking a listed run for its result would read the report after all.
    names = RunRead.model_fields.keys() - {"result"}
    columns = {name: getattr(run, name) for name in names if hasattr(run, name)}
    person = Person(id=seen.created_by.id, name=seen.created_by.name) if seen.created_by else None
    return RunRead(
        **{
            **columns,
            "created_by": person,
            "priority": level_of(run.priority),
            "waiting": RunWaitingRead.model_validate(waiting) if waiting else None,
            "result": seen.result,
            "progress": Progress.model_validate(run.progress | ({} if run.state == "running" else AT_REST)),
            "models": run.inputs.get("models", {}),
            "prompt_set_id": run.inputs.get("prompt_set_id"),
            "text_id": run.inputs.get("text_id"),
            "model_version_id": seen.model_version_id,
        }
    )


def kinds_read() -> list[KindRead]:
    """Every kind of run."""
    return [
        KindRead(
            kind=kind.name,
            title=kind.title,
            description=kind.description,
            queue=queue_of(kind.name),
            roles=[RoleRead.model_validate(role) for role in kind.roles],
            form=form_schema(kind.name),
        )
        for kind in KINDS.values()
    ]
