"""How the policy has moved: what evaluations found of each of its versions, one after the other. Reads only.

Every evaluation says something of each model that wrote in it. Of a version that was evaluated more than once the one
on the reference prompts counts, then the one in which it was the policy, then the newest.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.loop import blind
from app.loop.tables import BlindComparison
from app.prompts.tables import Prompt
from app.registry.tables import ModelVersion
from app.runs.tables import Run

By = Literal["people", "judge", "proxy"]
# Whose word counts more: people, a reward model that had no part in the version, one that had.
WEIGHT: Final[Mapping[str, int]] = {"people": 2, "judge": 1, "proxy": 0}
POLICY: Final = "policy"
REFERENCE: Final = "reference"
MOST_EVALUATIONS: Final = 500
MOST_COMPARISONS: Final = 200
# Without the share of every prompt, of which there may be thousands, and without the texts.
EVALUATIONS: Final = text(
    """
    SELECT id, config, inputs, result #> '{report,models}' AS models, result #> '{report,prompts}' AS prompts,
           (SELECT jsonb_agg(one - 'shares') FROM jsonb_array_elements(
              CASE jsonb_typeof(result #> '{report,comparisons}') WHEN 'array' THEN result #> '{report,comparisons}' END
            ) one) AS compared
    FROM runs WHERE project_id = :project AND kind = 'evaluate' AND state = 'succeeded'
      AND jsonb_typeof(result #> '{report,models}') = 'object'
    ORDER BY id DESC LIMIT :most
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A succeeded evaluation, as far as drift is concerned; `figures` by role."""

    run_id: int
    config: Mapping[str, Any]
    inputs: Mapping[str, Any]
    figures: Mapping[str, Mapping[str, Any]]
    prompts: int
    compared: Sequence[Mapping[str, Any]]

    @property
    def models(self) -> Mapping[str, int]:
        """Ids of model versions by role."""
        named: Mapping[str, int] = self.inputs["models"]
        return named

    def role_of(self, version_id: int) -> str | None:
        """The role in which the version wrote, that of the policy before others."""
        roles = [role for role in self.figures if self.models.get(role) == version_id]
        return POLICY if POLICY in roles else next(iter(roles), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one evaluation found of a version. `comparable`: it answered the reference prompts, as all others do."""

    run: Evaluation
    role: str
    comparable: bool

    @property
    def figures(self) -> Mapping[str, Any]:
        """As the report has them."""
        return self.run.figures[self.role]

    @property
    def reference_id(self) -> int | None:
        """What the distance is measured from."""
        return self.run.models.get(REFERENCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wins:
    """How often a version's answers are preferred to another's. `number` of votes by people, of prompts before a judge.

    `low`, `high`: a 95 % interval over prompts, or the confidence sequence of the votes.
    """

    against_id: int
    by: By
    judge_id: int | None
    value: float | None
    low: float | None
    high: float | None
    number: int
    run_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A version on the policy's way; `before` is the one that was live before it."""

    version: ModelVersion
    before: ModelVersion | None
    measured: Measured | None
    against_before: Wins | None
    against_first: Wins | None


@dataclass(frozen=True, slots=True)
class Said:
    """A version's answer to a reference prompt; `kl` in nats from the reference, over the whole answer."""

    text: str
    kl: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions' answers to one prompt."""

    prompt_id: int
    prompt: str
    version: Said
    beside: Said


def follow(
    session: Session,
    versions: Sequence[ModelVersion],
    is_reference: Callable[[Evaluation], bool],
    was_live: Callable[[ModelVersion], bool],
) -> list[Step]:
    """What is known of each of the versions, which come oldest first and are of one project."""
    if not versions:
        return []
    project_id = versions[0].project_id
    found = evaluations(session, project_id)
    wins = [*_judged(found), *_voted(session, project_id)]
    steps: list[Step] = []
    first = next((one for one in versions if was_live(one)), None)
    before: ModelVersion | None = None
    for version in versions:
        steps.append(
            Step(
                version=version,
                before=before,
                measured=measured(found, version.id, is_reference),
                against_before=_best(wins, version, before),
                against_first=_best(wins, version, first),
            )
        )
        before = version if was_live(version) else before
    return steps


def evaluations(session: Session, project_id: int) -> list[Evaluation]:
    """The project's newest evaluations that have a report which says what the models are like."""
    rows = session.execute(EVALUATIONS, {"project": project_id, "most": MOST_EVALUATIONS})
    return [
        Evaluation(
            run_id=row.id,
            config=row.config,
            inputs=row.inputs,
            figures=row.models,
            prompts=int(row.prompts or 0),
            compared=row.compared or [],
        )
        for row in rows
        if isinstance(row.inputs.get("models"), dict)
    ]


def measured(
    found: Iterable[Evaluation], version_id: int, is_reference: Callable[[Evaluation], bool]
) -> Measured | None:
    """The evaluation that counts for a version; None where nobody evaluated it."""
    seen = [
        Measured(run=one, role=role, comparable=is_reference(one))
        for one in found
        if (role := one.role_of(version_id)) is not None
    ]
    return max(seen, key=lambda one: (one.comparable, one.role == POLICY, one.run.run_id), default=None)


def _judged(found: Iterable[Evaluation]) -> Iterable[tuple[int, Wins]]:
    """What judges said, with the version whose answers they read."""
    for one in found:
        for row in one.compared:
            against, rate = one.models.get(row["against"]), row.get("win_rate") or {}
            if against is not None and POLICY in one.models:
                yield (
                    one.models[POLICY],
                    Wins(
                        against_id=against,
                        by="judge" if row.get("standing") == "judge" else "proxy",
                        judge_id=one.models.get(row["judge"]),
                        value=rate.get("value"),
                        low=rate.get("low"),
                        high=rate.get("high"),
                        number=one.prompts,
                        run_id=one.run_id,
                    ),
                )


def _voted(session: Session, project_id: int) -> Iterable[tuple[int, Wins]]:
    """What blind people said, where their comparison has ended with its votes."""
    ended = select(BlindComparison).where(
        BlindComparison.project_id == project_id,
        BlindComparison.state == "finished",
        BlindComparison.wins + BlindComparison.losses > 0,
    )
    newest = session.scalars(ended.order_by(BlindComparison.id.desc()).limit(MOST_COMPARISONS)).all()
    for here in blind.seen(session, newest):
        own, standing = here.comparison, here.finding.standing
        yield (
            own.candidate_id,
            Wins(
                against_id=own.rival_id,
                by="people",
                judge_id=None,
                value=standing.share,
                low=standing.low,
                high=standing.high,
                number=own.wins + own.losses,
                run_id=own.run_id,
            ),
        )


def _best(wins: Iterable[tuple[int, Wins]], version: ModelVersion, against: ModelVersion | None) -> Wins | None:
    """The word that counts most of those on this pair, then the newest."""
    if against is None or against.id == version.id:
        return None
    said = [one for version_id, one in wins if (version_id, one.against_id) == (version.id, against.id)]
    return max(said, key=lambda one: (WEIGHT[one.by], one.run_id), default=None)


def reward_over_root(here: Measured) -> tuple[int, Mapping[str, Any]] | None:
    """By how much the model that the version was trained against scores it above the reference, and that model's id.

    Each reward model has a scale of its own, on which the answers of the reference to the same prompts are the zero.
    """
    if here.role != POLICY:
        return None
    rows = [one for one in here.run.compared if (one["judge"], one["against"]) == ("proxy", REFERENCE)]
    proxy = here.run.models.get("proxy")
    return (proxy, rows[0].get("better") or {}) if rows and proxy is not None else None


def side_by_side(session: Session, steps: Sequence[Step], version_id: int, beside_id: int) -> list[Pair]:
    """What two versions of the way answered to the prompts that both were asked and that are still in use.

    Raises:
        NotFound: one of them is no version of this way.
    """
    by_id = {step.version.id: step.measured for step in steps}
    unknown = next((one for one in (version_id, beside_id) if one not in by_id), None)
    if unknown is not None:
        raise NotFound(f"there is no version {unknown} on this project's way", field="version_id")
    own, other = (_answers(session, by_id[one]) for one in (version_id, beside_id))
    shared = [prompt_id for prompt_id in own if prompt_id in other]
    in_use = set(session.scalars(select(Prompt.id).where(Prompt.id.in_(shared), Prompt.state == "active")))
    return [Pair(one, own[one][0], own[one][1], other[one][1]) for one in shared if one in in_use]


def _answers(session: Session, here: Measured | None) -> dict[int, tuple[str, Said]]:
    """Each prompt that an evaluation kept for reading, with what the version answered."""
    if here is None:
        return {}
    kept = session.scalar(select(Run.result["report"]["samples"]).where(Run.id == here.run.run_id)) or []
    return {
        row["prompt_id"]: (row["prompt"], Said(said["text"], said.get("kl")))
        for row in kept
        if (said := row["completions"].get(here.role)) is not None
    }
