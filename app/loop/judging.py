"""Promotion by an independent judge: a reward model that had no part in a policy compares it with the live one.

The judge is trained anew for every cycle, on judgments held back from all other training, so that no judge ever rules
on what it has chosen before.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.auth.tables import User
from app.datasets.tables import DatasetSnapshot
from app.errors import AppError, Conflict
from app.loop.decisions import tell
from app.loop.gating import Ruling
from app.loop.holding_back import PURPOSE
from app.loop.judge_gate import FEWEST_PROMPTS, Finding, judge
from app.loop.judge_words import Drift, Skill, verdict_words
from app.loop.retraining import plural
from app.loop.tables import Cycle, LoopDecision
from app.projects.settings import settings_of
from app.projects.tables import Project
from app.registry import service as registry
from app.registry.tables import ModelVersion
from app.runs import lifecycle
from app.runs import service as runs
from app.runs.kinds import ROOTS
from app.runs.launching import Launch, launch
from app.runs.tables import Run
from app.tasks import blind as tasks

# Every look that could have passed spends error; one at too few prompts could not.
SPENDING: Final = ("better", "worse", "undecided")
# How a policy wrote while it was trained, and so writes when it is judged.
AS_TRAINED: Final[tuple[str, ...]] = ("max_new_tokens", "max_prompt_tokens")


def rule(session: Session, cycle: Cycle, version: ModelVersion, *, actor: User | None) -> Ruling | None:
    """What the judge says of the cycle's policy; None while the judge is trained or reads. Safe to call at any time.

    Whatever keeps it from a verdict leaves it to a person.
    """
    live = registry.live_policy(session, cycle.project_id)
    if live is None or live.artifact_sha256 is None:
        return _ask(version, "there is no live policy to compare it with")
    training = run_of(session, cycle, "reward")
    evaluation = run_of(session, cycle, "evaluate")
    for run in (training, evaluation):
        if run is not None and run.state not in lifecycle.FINAL:
            return None
        if run is not None and run.state != "succeeded":
            why = (run.error or "it was cancelled").splitlines()[0]
            return _ask(version, f"the judge's {run.kind} run {run.id} did not succeed ({why})", live)
    if training is None:
        return _train(session, cycle, version, live, actor)
    if training.inputs["judged"] != [version.id, live.id]:
        return _ask(version, f"its judge learnt apart from another live policy; {live.name} is live now", live)
    if evaluation is None:
        return _evaluate(session, cycle, version, live, training, actor)
    return _verdict(session, cycle, version, live, training, evaluation)


def run_of(session: Session, cycle: Cycle, kind: str) -> Run | None:
    """The cycle's run of this kind that serves its judge."""
    query = select(Run).where(Run.cycle_id == cycle.id, Run.kind == kind, Run.inputs["purpose"].astext == PURPOSE)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def stop(session: Session, cycle: Cycle, *, actor: User | None) -> None:
    """End the judge's work that nobody waits for any more, and put its model away: it is none to train with."""
    query = select(Run).where(Run.cycle_id == cycle.id, Run.inputs["purpose"].astext == PURPOSE)
    for run in session.scalars(query.execution_options(populate_existing=True)).all():
        if run.state not in lifecycle.FINAL:
            _cancel(session, run, actor)
        made = select(ModelVersion).where(ModelVersion.run_id == run.id, ModelVersion.stage == "candidate")
        for version in session.scalars(made).all():
            registry.archive(session, version, actor=actor)


def put_away_late(session: Session, cycle_id: int) -> None:
    """Put away what a judge's run made although it was being stopped, once the cycle waits for its judge no more.

    Its worker calls it after it has registered the model: whoever stopped the run could not see that yet.
    """
    query = select(Cycle).where(Cycle.id == cycle_id).execution_options(populate_existing=True)
    cycle = session.scalars(query).one()
    if cycle.stage != "promotion" or cycle.finished_at is not None:
        stop(session, cycle, actor=None)


def _cancel(session: Session, run: Run, actor: User | None) -> None:
    try:
        runs.cancel(session, run.id, actor=actor)
    except Conflict:
        # It has just ended; its verdict is not wanted all the same.
        return


def _ask(
    version: ModelVersion, why: str, live: ModelVersion | None = None, numbers: Mapping[str, Any] | None = None
) -> Ruling:
    follows = f"A person may decide; until then {live.name} stays live." if live else "A person may decide."
    text = f"{version.name} was not judged: {why}. {follows}"
    return Ruling(step="ask", text=text, tone="neutral", numbers=dict(numbers or {}))


def _train(
    session: Session, cycle: Cycle, version: ModelVersion, live: ModelVersion, actor: User | None
) -> Ruling | None:
    """Let a reward model learn from what was held back; not where there is too little to read with it afterwards."""
    found = len(_prompts(session, cycle, seed=0))
    if found < FEWEST_PROMPTS:
        why = f"{plural(found, 'held-out prompt')} of different groups, a judge needs {FEWEST_PROMPTS}"
        return _ask(version, why, live)
    wanted = Launch(project_id=cycle.project_id, kind="reward", cycle_id=cycle.id)
    run = _launched(session, wanted, actor)
    if isinstance(run, AppError):
        return _ask(version, f"its judge could not be trained ({run.detail})", live)
    # It is compared with no live reward model: it does not want its place.
    models = {role: model for role, model in run.inputs["models"].items() if role != "live"}
    run.inputs = {**run.inputs, "models": models, "purpose": PURPOSE, "judged": [version.id, live.id]}
    session.flush()
    text = (
        f"{version.name} is to be judged by a model that has no part in it or in {live.name}: it learns from judgments "
        "that were held back from all other training."
    )
    tell(session, cycle, text, run_id=run.id)
    return None


def _launched(session: Session, wanted: Launch, actor: User | None) -> Run | AppError:
    """The run, or why there is none."""
    try:
        with session.begin_nested():
            return launch(session, wanted, actor=actor)
    except AppError as refusal:
        return refusal


def _prompts(session: Session, cycle: Cycle, *, seed: int) -> list[int]:
    """Held-out prompts, one of each group, drawn anew for every cycle."""
    most = settings_of(session.get_one(Project, cycle.project_id)).loop.judge_prompts
    return tasks.held_out_prompts(session, cycle.project_id, most=most, seed=seed)


def _evaluate(
    session: Session, cycle: Cycle, version: ModelVersion, live: ModelVersion, training: Run, actor: User | None
) -> Ruling | None:
    """Let both policies answer and the judge read, if it can tell good from bad at all."""
    its_model = _model_of(session, training)
    skill = _skill(session, training)
    if not skill.is_enough:
        why = f"{its_model.name} is no better a judge than a coin as far as anybody knows: {skill.words}"
        return _ask(version, why, live, {"judge_skill": asdict(skill)})
    prompt_ids = _prompts(session, cycle, seed=training.seed)
    learnt = session.get_one(Run, cycle.ppo_run_id).config
    how = {name: learnt[name] for name in AS_TRAINED if name in learnt}
    wanted = Launch(
        project_id=cycle.project_id,
        kind="evaluate",
        config={"prompts": len(prompt_ids), **how},
        models={"policy": version.id, "judge": its_model.id, _opponent(live): live.id},
        cycle_id=cycle.id,
    )
    run = _launched(session, wanted, actor)
    if isinstance(run, AppError):
        return _ask(version, f"the judge can't read it ({run.detail})", live)
    run.inputs = {**run.inputs, "prompt_ids": prompt_ids, "purpose": PURPOSE}
    session.flush()
    text = (
        f"{its_model.name} judges {version.name} beside {live.name} on {plural(len(prompt_ids), 'held-out prompt')}: "
        f"it is {skill.words}."
    )
    tell(session, cycle, text, run_id=run.id, numbers={"judge_skill": asdict(skill)})
    return None


def _opponent(live: ModelVersion) -> str:
    """The live policy's role: where it is a root, it is the reference itself, which every evaluation has anyway."""
    return "reference" if live.kind in ROOTS else "rival"


def _model_of(session: Session, training: Run) -> ModelVersion:
    return session.scalars(select(ModelVersion).where(ModelVersion.run_id == training.id)).one()


def _skill(session: Session, training: Run) -> Skill:
    snapshot = session.get(DatasetSnapshot, training.dataset_snapshot_id) if training.dataset_snapshot_id else None
    report = (training.result or {}).get("report") or {}
    return Skill.of(report, snapshot.counts if snapshot else {})


def _verdict(
    session: Session, cycle: Cycle, version: ModelVersion, live: ModelVersion, training: Run, evaluation: Run
) -> Ruling:
    """What follows from the evaluation under the gate's rule."""
    its_model, models = _model_of(session, training), evaluation.inputs["models"]
    against = _opponent(live)
    report = (evaluation.result or {}).get("report") or {}
    compared = _row(report, against)
    if compared is None:
        return _ask(version, f"the evaluation {evaluation.id} says nothing of it beside {live.name}", live)
    if compared["standing"] != "judge":
        why = next((one["why"] for one in report.get("judges", []) if one["name"] == "judge"), "nobody knows why")
        return _ask(version, f"{its_model.name} may not judge it: {why}", live)
    finding = judge(compared["shares"], next_number(session, cycle.project_id))
    matched = (compared.get("length_matched_win_rate") or {}).get("value")
    drift = Drift.of(report, against)
    root = session.get_one(ModelVersion, models["reference"]).name
    said = verdict_words(version.name, live.name, its_model.name, finding, matched, drift.words(root))
    numbers = {"judge": _numbers(finding, matched, its_model, live, evaluation, _skill(session, training))}
    numbers |= {"drift": {**asdict(drift), "from_id": models["reference"]}}
    if finding.verdict == "better":
        return Ruling(step="take", text=said, tone="good", numbers=numbers)
    if finding.verdict == "worse":
        return Ruling(step="refuse", text=f"{said} The policy stays as it is.", tone="bad", numbers=numbers)
    text = f"{said} A person may decide; until then {live.name} stays live."
    return Ruling(step="ask", text=text, tone="neutral", numbers=numbers)


def _row(report: Mapping[str, Any], against: str) -> dict[str, Any] | None:
    """The evaluation's comparison with that model before the judge, if it has the shares of every prompt."""
    rows = [one for one in report.get("comparisons", []) if (one["judge"], one["against"]) == ("judge", against)]
    return next((one for one in rows if one.get("shares")), None)


def _numbers(
    finding: Finding, matched: float | None, its_model: ModelVersion, live: ModelVersion, evaluation: Run, skill: Skill
) -> dict[str, Any]:
    """What a decision keeps of it."""
    named = {"judge_id": its_model.id, "live_id": live.id, "evaluation_run_id": evaluation.id}
    return {**asdict(finding), "length_matched_share": matched, "skill": asdict(skill), **named}


def next_number(session: Session, project_id: int) -> int:
    """The place of the project's next gate of a policy among those that spent error."""
    verdict = LoopDecision.numbers["judge"]["verdict"].astext
    spent = select(func.count()).where(LoopDecision.project_id == project_id, verdict.in_(SPENDING))
    return (session.scalar(spent) or 0) + 1
