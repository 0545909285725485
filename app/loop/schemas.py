"""The loop on the wire."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.inputs import Input
from app.loop.gate import ACCURACY_MARGIN, LOSS_MARGIN, Verdict
from app.loop.service import LoopState
from app.loop.tables import Cycle, LoopDecision
from app.projects.settings import LoopSettings
from app.registry.schemas import ModelVersionRead, model_version_read
from app.registry.tables import ModelVersion
from app.runs.schemas import RunRead, run_read


class CycleRead(BaseModel):
    """One turn of the loop."""

    id: int
    project_id: int
    state: Literal["running", "waiting", "succeeded", "failed", "cancelled"]
    stage: Literal["reward", "ppo", "promotion", "sample", "done"]
    trigger: Literal["person", "comparisons", "time"]
    reward_run_id: int | None
    ppo_run_id: int | None
    sample_run_id: int | None
    reward_model_version_id: int | None
    policy_model_version_id: int | None
    reason: str | None
    created_at: datetime
    finished_at: datetime | None


class PromotionDecision(Input):
    """A person's answer to a waiting candidate."""

    accept: bool


class WayBack(Input):
    """The model to go back to: one that was live before."""

    model_version_id: int = Field(ge=1, le=2**63 - 1)


class PromptCounts(BaseModel):
    """Active prompts, all and by split."""

    total: int
    train: int
    validation: int
    test: int


class Total(BaseModel):
    """A count."""

    total: int


class TaskCounts(BaseModel):
    """Tasks that want judgments, and tasks that have theirs."""

    open: int
    done: int


class RankingCounts(BaseModel):
    """Judgments, all and those of today (UTC)."""

    total: int
    today: int


class ComparisonCounts(BaseModel):
    """Comparisons; `new` counts those since the last training's data was frozen."""

    total: int
    ties: int
    new: int


class NextRead(BaseModel):
    """What starts the next cycle."""

    text: str
    comparisons_needed: int | None
    at: datetime | None


class DecisionRead(BaseModel):
    """What the loop decided, why, and on which numbers; `numbers.gate` holds a reward gate's finding."""

    id: int
    at: datetime
    text: str
    tone: Literal["neutral", "good", "bad"]
    cycle_id: int | None
    run_id: int | None
    numbers: dict[str, Any]


class LoopRead(BaseModel):
    """The cycle as one picture: prompts → completions → rankings → reward model → policy.

    `candidate` waits for a person; `…_before` is the model that one click goes back to.
    """

    prompts: PromptCounts
    completions: Total
    tasks: TaskCounts
    rankings: RankingCounts
    comparisons: ComparisonCounts
    reward_model: ModelVersionRead | None
    policy: ModelVersionRead | None
    candidate: ModelVersionRead | None
    reward_model_before: ModelVersionRead | None
    policy_before: ModelVersionRead | None
    active_runs: list[RunRead]
    cycle: CycleRead | None
    next: NextRead
    settings: LoopSettings
    decisions: list[DecisionRead]


def cycle_read(cycle: Cycle) -> CycleRead:
    """The wire form of a cycle."""
    return CycleRead.model_validate(cycle, from_attributes=True)


class GateDifference(BaseModel):
    """New minus live, its standard error and the bound that decides; null where prompt groups are too few."""

    value: float | None
    error: float | None
    bound: float | None


class GateRead(BaseModel):
    """A new reward model beside the live one, by the gate's rule. `decided`: a cycle followed it; else it would say so.

    `needed` is how many effective judgments would let an equal model pass in 4 of 5 cases.
    """

    decided: bool
    verdict: Verdict
    number: int
    error: float
    judgments: int
    effective: float
    groups: int
    loss: GateDifference
    loss_margin: float = LOSS_MARGIN
    accuracy: GateDifference
    accuracy_margin: float = ACCURACY_MARGIN
    needed: int | None


def decision_read(decision: LoopDecision) -> DecisionRead:
    """The wire form of a decision."""
    return DecisionRead.model_validate(decision, from_attributes=True)


def loop_read(state: LoopState) -> LoopRead:
    """The wire form of everything the loop page shows."""
    return LoopRead(
        prompts=PromptCounts(**state.prompts),
        completions=Total(total=state.completions),
        tasks=TaskCounts(**state.tasks),
        rankings=RankingCounts(**state.rankings),
        comparisons=ComparisonCounts(**state.comparisons),
        reward_model=_model(state.reward_model),
        policy=_model(state.policy),
        candidate=_model(state.candidate),
        reward_model_before=_model(state.reward_model_before),
        policy_before=_model(state.policy_before),
        active_runs=[run_read(run) for run in state.active_runs],
        cycle=cycle_read(state.cycle) if state.cycle else None,
        next=NextRead.model_validate(state.next, from_attributes=True),
        settings=state.settings,
        decisions=[decision_read(one) for one in state.decisions],
    )


def _model(version: ModelVersion | None) -> ModelVersionRead | None:
    return model_version_read(version) if version else None
