"""The policy's way on the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from app.loop.drift import By, Measured, Pair, Said, Step, Wins, reward_over_root
from app.loop.references import Line
from app.registry.schemas import Kind, Stage
from app.registry.tables import ModelVersion
from app.runs.report_schemas import Estimate


class NamedVersion(BaseModel):
    """A model version, as far as a reader has to know it."""

    id: int
    name: str
    kind: Kind
    stage: Stage
    created_at: datetime
    promoted_at: datetime | None


class KlRead(BaseModel):
    """Nats from the reference: the mean over answers, its standard error by prompt, and nats a token."""

    value: float
    standard_error: float
    per_token: float


class RewardRead(Estimate):
    """By how much the reward model `by_id`, which the version was trained against, scores it above the reference."""

    by_id: int


class MeasuredRead(BaseModel):
    """What an evaluation found of a version; shares are of its answers, `tokens` are of one answer.

    `comparable`: it answered the reference prompts with the settings of today, as every version does that says so.
    """

    run_id: int
    comparable: bool
    prompts: int
    reference_id: int | None
    kl: KlRead | None
    tokens: Estimate | None
    stopped: float | None
    empty: float | None
    repetition: float | None
    distinct_1: float | None
    distinct_2: float | None
    reward: RewardRead | None


class WinsRead(BaseModel):
    """How often a version's answers are preferred to another's, by whom, and how sure that is.

    `number` of decided votes by people, of prompts before a judge. What a `proxy` says promotes nothing.
    """

    against_id: int
    by: By
    judge_id: int | None
    value: float | None
    low: float | None
    high: float | None
    number: int
    run_id: int


class StepRead(BaseModel):
    """A version on the policy's way; `measured` is null until it has been evaluated."""

    version: NamedVersion
    before_id: int | None
    measured: MeasuredRead | None
    against_before: WinsRead | None
    against_first: WinsRead | None


class DriftRead(BaseModel):
    """How the policy has moved, oldest version first.

    `prompts`: how many reference prompts there are. `unmeasured`: versions that can answer them and have not.
    `measuring`: runs that let versions do so now.
    """

    prompts: int
    unmeasured: list[int]
    measuring: list[int]
    versions: list[StepRead]


class AskedRead(BaseModel):
    """The runs that let versions answer the reference prompts."""

    run_ids: list[int]


class SaidRead(BaseModel):
    """An answer to a reference prompt; `kl` in nats from the reference over the whole answer."""

    text: str
    kl: float | None


class PairRead(BaseModel):
    """Two versions' answers to one prompt; `prompt` is what was said last."""

    prompt_id: int
    prompt: str
    version: SaidRead
    beside: SaidRead


class SideBySideRead(BaseModel):
    """What two versions answer to the reference prompts that both were asked."""

    version_id: int
    beside_id: int
    pairs: list[PairRead]


def drift_read(line: Line) -> DriftRead:
    """The wire form of the policy's way."""
    return DriftRead(
        prompts=len(line.basis.prompt_ids),
        unmeasured=[one.id for one in line.unmeasured],
        measuring=line.measuring,
        versions=[_step(one) for one in line.steps],
    )


def side_by_side_read(version_id: int, beside_id: int, pairs: list[Pair]) -> SideBySideRead:
    """The wire form of two versions' answers."""
    rows = [
        PairRead(prompt_id=one.prompt_id, prompt=one.prompt, version=_said(one.version), beside=_said(one.beside))
        for one in pairs
    ]
    return SideBySideRead(version_id=version_id, beside_id=beside_id, pairs=rows)


def _said(said: Said) -> SaidRead:
    return SaidRead(text=said.text, kl=said.kl)


def _step(step: Step) -> StepRead:
    return StepRead(
        version=NamedVersion.model_validate(step.version, from_attributes=True),
        before_id=step.before.id if step.before else None,
        measured=_measured(step.version, step.measured) if step.measured else None,
        against_before=_wins(step.against_before),
        against_first=_wins(step.against_first),
    )


def _measured(version: ModelVersion, here: Measured) -> MeasuredRead:
    figures = here.figures
    shares = ("stopped", "empty", "repetition", "distinct_1", "distinct_2")
    return MeasuredRead(
        run_id=here.run.run_id,
        comparable=here.comparable,
        prompts=here.run.prompts,
        reference_id=here.reference_id,
        kl=_kl(version, here),
        tokens=_estimate(figures.get("tokens")),
        reward=_reward(here),
        **{name: figures.get(name) for name in shares},
    )


def _kl(version: ModelVersion, here: Measured) -> KlRead | None:
    """The reference is at no distance from itself, which no report says."""
    if version.id == here.reference_id:
        return KlRead(value=0, standard_error=0, per_token=0)
    found = here.figures.get("kl")
    return KlRead.model_validate(found) if found else None


def _estimate(found: Mapping[str, Any] | None) -> Estimate | None:
    return Estimate.model_validate(found) if found else None


def _reward(here: Measured) -> RewardRead | None:
    found = reward_over_root(here)
    return RewardRead.model_validate({**found[1], "by_id": found[0]}) if found and "value" in found[1] else None


def _wins(wins: Wins | None) -> WinsRead | None:
    return WinsRead.model_validate(wins, from_attributes=True) if wins else None
