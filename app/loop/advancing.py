"""Move a cycle on: reward → ppo → promotion → sample → done. Calling again changes nothing that is already done."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import audit
from app.auth.tables import User
from app.errors import AppError
from app.loop import blind, decisions, gating, judging, pool, references
from app.loop.blind_words import votes_words
from app.loop.decisions import tell
from app.loop.retraining import plural
from app.loop.tables import Cycle
from app.projects.settings import LoopSettings, settings_of
from app.projects.tables import Project
from app.registry import service as registry
from app.registry.tables import ModelVersion
from app.runs.launching import Launch, launch
from app.runs.priorities import NORMAL
from app.runs.tables import Run

logger = logging.getLogger(__name__)

# A new policy's first completions go before other training, after those that people wait for.
SOON: Final = 50


def advance_quietly(session: Session, cycle_id: int) -> None:
    """Advance inside another deed's transaction, which an error here must not undo: the scheduler tries again."""
    try:
        with session.begin_nested():
            judging.put_away_late(session, cycle_id)
            advance(session, cycle_id)
    except Exception:
        logger.exception("cycle %s could not be moved on; the scheduler will try again", cycle_id)


def advance(session: Session, cycle_id: int) -> None:
    """Move the cycle as far as it can go now; nothing when somebody else is just doing it."""
    cycle = session.scalars(
        select(Cycle)
        .where(Cycle.id == cycle_id, Cycle.state.in_(["running", "waiting"]))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    goes_on = cycle is not None and (cycle.state == "running" or _is_decided(session, cycle))
    while cycle is not None and goes_on and cycle.state == "running":
        goes_on = STAGES[cycle.stage](session, cycle)
        session.flush()


def _is_decided(session: Session, cycle: Cycle) -> bool:
    """Go on with a model that waited here for a person and was made live among the models meanwhile."""
    is_reward = cycle.stage == "reward"
    waiting = cycle.reward_model_version_id if is_reward else cycle.policy_model_version_id
    version = session.get_one(ModelVersion, waiting, populate_existing=True)
    if version.stage == "archived":
        text = f"{version.name} was put away by a person among the models; the cycle ends."
        tell(session, cycle, text)
        return end(session, cycle, "succeeded")
    if version.stage != "live":
        return not is_reward and _by_votes(session, cycle, version)
    text = f"{version.name} was made live by a person among the models; the cycle goes on with it."
    if not is_reward:
        return take_policy(session, cycle, version, text, actor=None)
    tell(session, cycle, text, tone="good", run_id=cycle.reward_run_id, numbers=version.metrics)
    return take_reward(session, cycle, version, actor=None)


def _after_reward(session: Session, cycle: Cycle) -> bool:
    run = _finished(session, cycle, cycle.reward_run_id)
    if run is None:
        return False
    version = _made_by(session, run)
    cycle.reward_model_version_id = version.id
    ruling = gating.rule(session, version, run, automatic=_loop_settings(session, cycle).promotion == "automatic")
    tell(session, cycle, ruling.text, tone=ruling.tone, run_id=run.id, numbers=ruling.numbers)
    if ruling.step == "ask":
        cycle.state = "waiting"
        return False
    if ruling.step == "refuse":
        return put_away(session, cycle, version, actor=None)
    return take_reward(session, cycle, version, actor=None)


def put_away(session: Session, cycle: Cycle, version: ModelVersion, *, actor: User | None) -> bool:
    """Archive a reward model that was refused and end the cycle: a policy would learn nothing new from the live one."""
    registry.archive(session, version, actor=actor)
    return end(session, cycle, "succeeded")


def take_reward(session: Session, cycle: Cycle, version: ModelVersion, *, actor: User | None) -> bool:
    """Make the cycle's reward model live and let a policy learn from it; whether the cycle goes on."""
    registry.promote(session, version, actor=actor)
    cycle.state = "running"
    if not _loop_settings(session, cycle).run_ppo:
        tell(session, cycle, "The project's settings leave PPO out, so the policy stays as it is.")
        return end(session, cycle, "succeeded")
    policy = registry.live_policy(session, cycle.project_id)
    models = {"reward": version.id} | ({"policy": policy.id} if policy else {})
    return _launch(session, cycle, "ppo", Launch(project_id=cycle.project_id, kind="ppo", models=models))


def _after_ppo(session: Session, cycle: Cycle) -> bool:
    run = _finished(session, cycle, cycle.ppo_run_id)
    if run is None:
        return False
    version = _made_by(session, run)
    cycle.policy_model_version_id = version.id
    cycle.stage = "promotion"
    return True


def _at_promotion(session: Session, cycle: Cycle) -> bool:
    version = session.get_one(ModelVersion, cycle.policy_model_version_id, populate_existing=True)
    if version.stage != "candidate":
        return _is_decided(session, cycle)
    words = decisions.policy_words(report_of(session, cycle))
    rule = _loop_settings(session, cycle).promotion
    if rule == "judge":
        return _by_judge(session, cycle, version)
    if rule == "blind":
        return _ask_people(session, cycle, version, words)
    if rule == "manual":
        cycle.state = "waiting"
        tell(session, cycle, f"{version.name} waits for a person to accept or refuse it: {words}.")
        return False
    text = f"{version.name} promoted by the project's rule (automatic, no gate yet): {words}."
    return take_policy(session, cycle, version, text, actor=None)


def _ask_people(session: Session, cycle: Cycle, version: ModelVersion, words: str) -> bool:
    """Put the new policy beside the live one before people who do not know of it; they or one who does may decide."""
    cycle.state = "waiting"
    most = _loop_settings(session, cycle).blind_votes
    wish = blind.Wish(project_id=cycle.project_id, candidate_id=version.id, prompts=most, cycle_id=cycle.id)
    try:
        with session.begin_nested():
            comparison = blind.ask(session, wish, actor=_starter(session, cycle))
    except AppError as refusal:
        tell(session, cycle, f"{version.name} waits for a person, blind people can't be asked: {refusal.detail}.")
        return False
    asked = f"up to {plural(comparison.prompts, 'vote')} on held-out prompts"
    text = f"{version.name} is put before blind people beside the live policy, {asked}: {words}."
    tell(session, cycle, text, run_id=comparison.run_id)
    return False


def _by_judge(session: Session, cycle: Cycle, version: ModelVersion) -> bool:
    """Follow the verdict of a judge that had no part in the policy; it is trained first, and reads then.

    While the loop is paused the judge begins nothing, and what it said is not followed.
    """
    if _loop_settings(session, cycle).paused:
        return False
    ruling = judging.rule(session, cycle, version, actor=_starter(session, cycle))
    if ruling is None:
        return False
    if ruling.step == "take":
        return take_policy(session, cycle, version, ruling.text, actor=None, numbers=ruling.numbers)
    tell(session, cycle, ruling.text, tone=ruling.tone, run_id=cycle.ppo_run_id, numbers=ruling.numbers)
    if ruling.step == "ask":
        cycle.state = "waiting"
        return False
    registry.archive(session, version, actor=None)
    return end(session, cycle, "succeeded")


def _by_votes(session: Session, cycle: Cycle, version: ModelVersion) -> bool:
    """Follow the verdict of blind people, if they have one on the policy that is still live and the rule is to."""
    settings, comparison = _loop_settings(session, cycle), blind.of_cycle(session, cycle.id)
    if settings.paused or settings.promotion != "blind" or comparison is None or comparison.state != "finished":
        return False
    here = blind.seen(session, [comparison])[0]
    if comparison.verdict == "undecided" or here.rival.stage != "live":
        return False
    said = votes_words(here.finding, comparison.error)
    if comparison.verdict == "better":
        text = f"{version.name} promoted by the project's rule (votes of blind people): {said}."
        return take_policy(session, cycle, version, text, actor=None)
    registry.archive(session, version, actor=None)
    text = f"{version.name} refused by the project's rule (votes of blind people): {said}. The policy stays as it is."
    tell(session, cycle, text, tone="bad", run_id=comparison.run_id)
    return end(session, cycle, "succeeded")


def report_of(session: Session, cycle: Cycle) -> dict[str, Any]:
    """What the cycle's PPO run reported."""
    run = session.get_one(Run, cycle.ppo_run_id)
    report: dict[str, Any] = (run.result or {}).get("report") or {}
    return report


def take_policy(
    session: Session,
    cycle: Cycle,
    version: ModelVersion,
    text: str,
    *,
    actor: User | None,
    numbers: dict[str, Any] | None = None,
) -> bool:
    """Make the cycle's policy live and let it write; whether the cycle goes on."""
    _stop_judging(session, cycle, actor)
    before = registry.promote(session, version, actor=actor)
    numbers = {**version.metrics, **(numbers or {}), "replaced": before.name if before else None}
    tell(session, cycle, text, tone="good", run_id=cycle.ppo_run_id, numbers=numbers)
    _keep_references(session, cycle, version)
    cycle.state = "running"
    wanted = pool.sampling(session, cycle.project_id, version, at_least=pool.FEWEST_PROMPTS)
    if wanted is None:
        tell(session, cycle, f"There are no prompts for {version.name} to answer.")
        return end(session, cycle, "succeeded")
    return _launch(session, cycle, "sample", wanted)


def _keep_references(session: Session, cycle: Cycle, version: ModelVersion) -> None:
    """Let the new policy answer the reference prompts, too; where that is refused the cycle goes on without it."""
    try:
        with session.begin_nested():
            references.keep(session, version, actor=_starter(session, cycle))
    except AppError as refusal:
        tell(session, cycle, f"{version.name}'s reference completions can't be kept: {refusal.detail}.")


def _after_sample(session: Session, cycle: Cycle) -> bool:
    run = _finished(session, cycle, cycle.sample_run_id)
    if run is None:
        return False
    tell(session, cycle, "The new policy's first completions are there to be ranked.", tone="good", run_id=run.id)
    return end(session, cycle, "succeeded")


STAGES: Final[dict[str, Callable[[Session, Cycle], bool]]] = {
    "reward": _after_reward,
    "ppo": _after_ppo,
    "promotion": _at_promotion,
    "sample": _after_sample,
}


def _finished(session: Session, cycle: Cycle, run_id: int | None) -> Run | None:
    """The stage's run, once it has succeeded. A run that failed or was cancelled ends the cycle likewise."""
    run = session.get_one(Run, run_id, populate_existing=True)
    if run.state == "succeeded":
        return run
    if run.state == "failed":
        why = (run.error or run.reason or "no reason given").splitlines()[0]
        end(session, cycle, "failed", f"The {run.kind} run {run.id} failed: {why}")
    if run.state == "cancelled":
        end(session, cycle, "cancelled", f"The {run.kind} run {run.id} was cancelled.")
    return None


def _made_by(session: Session, run: Run) -> ModelVersion:
    return session.scalars(select(ModelVersion).where(ModelVersion.run_id == run.id)).one()


def _launch(session: Session, cycle: Cycle, stage: str, wanted: Launch) -> bool:
    """Launch the next stage's run; a launch that is refused ends the cycle with the refusal's words."""
    priority = SOON if stage == "sample" else NORMAL
    try:
        run = launch(session, replace(wanted, cycle_id=cycle.id, priority=priority), actor=_starter(session, cycle))
    except AppError as refusal:
        end(session, cycle, "failed", f"The {wanted.kind} run could not start: {refusal.detail}.")
        return False
    setattr(cycle, f"{stage}_run_id", run.id)
    cycle.stage = stage
    return False


def _starter(session: Session, cycle: Cycle) -> User | None:
    return session.get(User, cycle.created_by) if cycle.created_by else None


def end(session: Session, cycle: Cycle, state: str, reason: str | None = None) -> bool:
    """End the cycle; always False, because nothing comes after."""
    _stop_judging(session, cycle, None)
    cycle.state, cycle.reason, cycle.finished_at = state, reason, func.now()
    if state == "succeeded":
        cycle.stage = "done"
    if reason is not None:
        tell(session, cycle, reason, tone="bad" if state == "failed" else "neutral")
    session.flush()
    audit.record(
        session,
        actor=None,
        action=f"cycle.{state}",
        object_type="cycle",
        object_id=cycle.id,
        project_id=cycle.project_id,
        detail={"stage": cycle.stage, "reason": reason},
    )
    return False


def _stop_judging(session: Session, cycle: Cycle, actor: User | None) -> None:
    """Nobody waits any more for what people or a judge say of the cycle's policy."""
    blind.stop_for_cycle(session, cycle.id, actor=actor)
    judging.stop(session, cycle, actor=actor)


def _loop_settings(session: Session, cycle: Cycle) -> LoopSettings:
    return settings_of(session.get_one(Project, cycle.project_id, populate_existing=True)).loop
