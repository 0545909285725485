"""Cycles: start, cancel, accept or refuse the candidate, look."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit, locks
from app.auth.tables import User
from app.errors import Conflict
from app.loop import advancing, counting, decisions, retraining, rolling_back
from app.loop.decisions import Tone, tell
from app.loop.retraining import Limit, Next, Trigger, plural
from app.loop.tables import Cycle, LoopDecision
from app.pagination import PageRequest, Rows, page_by_id
from app.projects.settings import LoopSettings, settings_of
from app.projects.tables import Project
from app.registry import service as registry
from app.registry.tables import ModelVersion
from app.runs import service as runs
from app.runs.launching import Launch, launch
from app.runs.service import SeenRun

DECISIONS_SHOWN = 50
ACCEPTED: Final[tuple[str, Tone]] = ("promoted", "good")
REFUSED: Final[tuple[str, Tone]] = ("refused", "neutral")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopState:
    """Everything the loop page shows."""

    prompts: dict[str, int]
    completions: int
    tasks: dict[str, int]
    rankings: dict[str, int]
    comparisons: dict[str, int]
    reward_model: ModelVersion | None
    policy: ModelVersion | None
    candidate: ModelVersion | None
    reward_model_before: ModelVersion | None
    policy_before: ModelVersion | None
    active_runs: list[SeenRun]
    cycle: Cycle | None
    next: Next
    settings: LoopSettings
    decisions: list[LoopDecision]


def start_cycle(session: Session, project_id: int, *, trigger: Trigger | None = None, actor: User | None) -> Cycle:
    """Start a cycle with its reward run.

    `Conflict` when one is under way, `Unprocessable` (`no-comparisons`, …) when there is nothing to train on.
    """
    locks.hold(session, f"loop:{project_id}")
    if under_way(session, project_id) is not None:
        raise Conflict(
            "a cycle is already under way", type="cycle-under-way", advice="Wait until it ends, or cancel it."
        )
    situation = counting.situation(session, project_id)
    cycle = Cycle(project_id=project_id, trigger=trigger or "person", created_by=actor.id if actor else None)
    session.add(cycle)
    session.flush()
    run = launch(session, Launch(project_id=project_id, kind="reward", cycle_id=cycle.id), actor=actor)
    cycle.reward_run_id = run.id
    settings = settings_of(session.get_one(Project, project_id)).loop
    text = decisions.STARTED[cycle.trigger].format(
        who=actor.name if actor else "the service",
        new=plural(situation.new_comparisons, "new comparison"),
        wanted=settings.retrain_after_comparisons,
        hours=settings.retrain_every_hours or 0.0,
    )
    tell(session, cycle, text, run_id=run.id, numbers={"new_comparisons": situation.new_comparisons})
    _record(session, cycle, "cycle.started", actor)
    session.flush()
    return cycle


def has_rule(session: Session, project_id: int) -> bool:
    """Whether the project wants cycles to start by themselves."""
    settings = settings_of(session.get_one(Project, project_id)).loop
    return settings.retrain_after_comparisons is not None or settings.retrain_every_hours is not None


def start_due_cycle(session: Session, project_id: int) -> Cycle | None:
    """Start a cycle when the project's rule asks for one, unless a limit of the day is reached, which is said once."""
    settings = settings_of(session.get_one(Project, project_id)).loop
    situation = counting.situation(session, project_id)
    trigger = retraining.due(settings, situation)
    if trigger is None:
        return None
    limit = retraining.reached(settings, situation.today)
    if limit is None:
        return start_cycle(session, project_id, trigger=trigger, actor=None)
    _say_once(session, project_id, limit, situation.now)
    return None


def _say_once(session: Session, project_id: int, limit: Limit, now: datetime) -> None:
    """Write down that a limit holds a cycle back; once a day for each limit, and anew when it was changed."""
    locks.hold(session, f"loop:{project_id}")
    numbers = {"limit": limit.setting, "allowed": limit.allowed, "day": f"{now.astimezone(UTC):%Y-%m-%d}"}
    said = select(LoopDecision.id).where(LoopDecision.project_id == project_id, LoopDecision.numbers.contains(numbers))
    if session.scalar(said.limit(1)) is None:
        text = f"A cycle is due and not started before midnight (UTC): {limit.words}. A person may start one."
        session.add(LoopDecision(project_id=project_id, text=text, numbers=numbers))
        session.flush()


def under_way(session: Session, project_id: int) -> Cycle | None:
    """The project's cycle that runs or waits for a person."""
    query = select(Cycle).where(Cycle.project_id == project_id, Cycle.state.in_(counting.UNDER_WAY))
    return session.scalars(query).one_or_none()


def cycles_under_way(session: Session) -> list[int]:
    """Ids of all cycles that may have to move on."""
    return list(session.scalars(select(Cycle.id).where(Cycle.state.in_(counting.UNDER_WAY)).order_by(Cycle.id)))


def cancel_cycle(session: Session, cycle_id: int, *, actor: User) -> Cycle:
    """Stop a cycle and the run it waits for; what it made so far stays in the registry."""
    cycle = _hold(session, cycle_id)
    if cycle.state == "cancelled":
        return cycle
    if cycle.state not in counting.UNDER_WAY:
        raise Conflict(f"the cycle has already {cycle.state}", type="cycle-finished")
    run_id = {"reward": cycle.reward_run_id, "ppo": cycle.ppo_run_id, "sample": cycle.sample_run_id}.get(cycle.stage)
    if run_id is not None:
        _cancel_run(session, run_id, actor)
    advancing.end(session, cycle, "cancelled", f"Cancelled by {actor.name}.")
    _record(session, cycle, "cycle.cancel_asked", actor)
    return cycle


def _cancel_run(session: Session, run_id: int, actor: User) -> None:
    try:
        runs.cancel(session, run_id, actor=actor)
    except Conflict:
        # It has just ended; the cycle ends all the same.
        return


def decide_promotion(session: Session, cycle_id: int, *, accept: bool, actor: User) -> Cycle:
    """Accept the waiting candidate, which then goes live and writes completions, or put it away."""
    cycle = _hold(session, cycle_id)
    if cycle.state != "waiting":
        raise Conflict("this cycle does not wait for a decision", type="not-waiting", advice="Reload the page.")
    (_decide_reward if cycle.stage == "reward" else _decide_policy)(session, cycle, accept, actor)
    _record(session, cycle, "cycle.promotion_accepted" if accept else "cycle.promotion_refused", actor)
    session.flush()
    return cycle


def _decide_reward(session: Session, cycle: Cycle, accept: bool, actor: User) -> None:
    version = session.get_one(ModelVersion, cycle.reward_model_version_id)
    verb, tone = ACCEPTED if accept else REFUSED
    text = f"{version.name} {verb} by {actor.name}, without enough evidence for the gate."
    tell(session, cycle, text, tone=tone, run_id=cycle.reward_run_id, numbers=version.metrics)
    (advancing.take_reward if accept else advancing.put_away)(session, cycle, version, actor=actor)


def _decide_policy(session: Session, cycle: Cycle, accept: bool, actor: User) -> None:
    version = session.get_one(ModelVersion, cycle.policy_model_version_id)
    words = decisions.policy_words(advancing.report_of(session, cycle))
    if accept:
        text = f"{version.name} promoted by {actor.name}: {words}."
        advancing.take_policy(session, cycle, version, text, actor=actor)
    else:
        registry.archive(session, version, actor=actor)
        tell(session, cycle, f"{version.name} refused by {actor.name}: {words}. The policy stays as it is.")
        advancing.end(session, cycle, "succeeded")


def _hold(session: Session, cycle_id: int) -> Cycle:
    query = select(Cycle).where(Cycle.id == cycle_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def list_cycles(session: Session, project_id: int, page: PageRequest) -> Rows[Cycle]:
    """A project's cycles, newest first."""
    return page_by_id(session, select(Cycle).where(Cycle.project_id == project_id), Cycle.id, page)


def state_of(session: Session, project_id: int) -> LoopState:
    """Everything the loop page shows, counted now."""
    settings = settings_of(session.get_one(Project, project_id)).loop
    situation = counting.situation(session, project_id)
    cycle = under_way(session, project_id)
    latest = select(LoopDecision).where(LoopDecision.project_id == project_id).order_by(LoopDecision.id.desc())
    comparisons: dict[str, Any] = counting.count_comparisons(session, project_id)
    reward_model, policy = registry.live_reward(session, project_id), registry.live_policy(session, project_id)
    return LoopState(
        prompts=counting.count_prompts(session, project_id),
        completions=counting.count_completions(session, project_id),
        tasks=counting.count_tasks(session, project_id),
        rankings=counting.count_rankings(session, project_id),
        comparisons={**comparisons, "new": situation.new_comparisons},
        reward_model=reward_model,
        policy=policy,
        candidate=_candidate(session, cycle),
        reward_model_before=rolling_back.before(session, reward_model),
        policy_before=rolling_back.before(session, policy),
        active_runs=runs.seen(session, runs.active(session, project_id)),
        cycle=cycle,
        next=retraining.what_is_next(settings, situation),
        settings=settings,
        decisions=list(session.scalars(latest.limit(DECISIONS_SHOWN))),
    )


def _candidate(session: Session, cycle: Cycle | None) -> ModelVersion | None:
    if cycle is None:
        return None
    version_id = cycle.policy_model_version_id or cycle.reward_model_version_id
    if version_id is None or (cycle.policy_model_version_id is None and cycle.state != "waiting"):
        return None
    version = session.get_one(ModelVersion, version_id)
    return version if version.stage == "candidate" else None


def _record(session: Session, cycle: Cycle, action: str, actor: User | None) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        object_type="cycle",
        object_id=cycle.id,
        project_id=cycle.project_id,
        detail={"trigger": cycle.trigger, "stage": cycle.stage, "state": cycle.state},
    )
