"""Keep tasks ready: when few are left to rank, the live policy answers more prompts."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import locks
from app.completions import service as completions
from app.completions.tables import Completion
from app.loop import mixture
from app.projects.settings import settings_of
from app.projects.tables import Project
from app.prompts.tables import Prompt
from app.registry import service as registry
from app.registry.tables import ModelVersion
from app.runs import lifecycle
from app.runs.launching import Launch, launch
from app.runs.priorities import URGENT
from app.runs.tables import Run
from app.tasks import service as tasks

FEWEST_PROMPTS: Final = 4
# With fewer tasks than this people are about to wait: writing more goes before training, else after it.
DRY: Final = 4
LATER: Final = 150
MOST_PROMPTS: Final = 64
PAUSE_AFTER_FAILURE_SECONDS: Final = 15.0
LONGEST_PAUSE_DOUBLINGS: Final = 6


def fill(session: Session, project_id: int) -> Run | None:
    """Launch a sample run when the pool is low, nobody is writing, and there is a prompt left to answer."""
    project = session.get_one(Project, project_id)
    keep = settings_of(project).loop
    policy = registry.live_policy(session, project_id)
    if keep.paused or policy is None or policy.artifact_sha256 is None:
        return None
    ready = tasks.count_ready_tasks(session, project_id, enough=keep.keep_tasks_ready)
    missing = keep.keep_tasks_ready - ready
    if missing <= 0 or not locks.try_to_hold(session, f"loop:{project_id}"):
        return None
    if _is_writing(session, project_id) or _rests_after_failures(session, project_id):
        return None
    wanted = sampling(session, project_id, policy, at_least=missing)
    if wanted is None:
        return None
    return launch(session, replace(wanted, priority=URGENT if ready < DRY else LATER), actor=None)


def sampling(session: Session, project_id: int, policy: ModelVersion, *, at_least: int) -> Launch | None:
    """A run that lets `policy` answer prompts it has not answered yet, or None when there are none left."""
    settings = settings_of(session.get_one(Project, project_id)).loop
    keep = settings.keep_tasks_ready
    most = min(MOST_PROMPTS, max(FEWEST_PROMPTS, at_least, min(keep, 2 * FEWEST_PROMPTS)))
    open_prompts = unanswered(session, project_id, policy, limit=most)
    if open_prompts == 0:
        return None
    writers = mixture.writers(session, policy, settings.writers)
    return Launch(
        project_id=project_id,
        kind="sample",
        config={"prompts": open_prompts},
        models={role: version.id for role, (version, _) in writers.items()},
        shares={role: share for role, (_, share) in writers.items()} if len(writers) > 1 else {},
    )


def unanswered(session: Session, project_id: int, policy: ModelVersion, *, limit: int) -> int:
    """How many active prompts have no completion by `policy` that people are to rank, counted up to `limit`."""
    answered = select(Completion.id).where(
        Completion.prompt_id == Prompt.id, Completion.model_version_id == policy.id, completions.is_to_be_ranked()
    )
    some = (
        select(Prompt.id)
        .where(Prompt.project_id == project_id, Prompt.state == "active", ~answered.exists())
        .limit(limit)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(some)) or 0


def _is_writing(session: Session, project_id: int) -> bool:
    """Whether a run writes for the pool, or would if nobody had paused it: another one would undo the pause.

    Those of blind comparisons fill no pool.
    """
    at_work = select(Run.id).where(
        Run.project_id == project_id,
        Run.kind == "sample",
        Run.state.in_(lifecycle.STATES - lifecycle.FINAL),
        Run.inputs["purpose"].is_(None),
    )
    return session.scalar(at_work.limit(1)) is not None


def _rests_after_failures(session: Session, project_id: int) -> bool:
    """Whether the last sample runs failed or were cancelled so recently that another try should wait.

    Those of blind comparisons say nothing: they are cancelled whenever votes tell enough before all is written.
    """
    last = session.execute(
        select(Run.state, Run.finished_at)
        .where(Run.project_id == project_id, Run.kind == "sample", Run.inputs["purpose"].is_(None))
        .order_by(Run.id.desc())
        .limit(LONGEST_PAUSE_DOUBLINGS)
    ).all()
    failures = 0
    while failures < len(last) and last[failures].state in {"failed", "cancelled"}:
        failures += 1
    if failures == 0:
        return False
    pause = timedelta(seconds=PAUSE_AFTER_FAILURE_SECONDS * 2 ** (failures - 1))
    now = session.execute(select(func.now())).scalar_one()
    return bool(last[0].finished_at + pause > now)
