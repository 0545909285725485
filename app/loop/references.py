"""Reference completions: what each version of the policy answers to the same few held-out prompts, kept for good.

They are left by an evaluation of the version beside the model that it came from in the beginning and beside the version
before it, always of the same prompts, with the same seed and the same settings: what differs is the policy. Nothing is
learnt from them, and no verdict rests on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.orm import Session

from app import locks
from app.auth.tables import User
from app.errors import AppError, Conflict, Unprocessable
from app.loop import drift
from app.projects.settings import settings_of
from app.projects.tables import Project
from app.registry import service as registry
from app.registry.service import WRITERS
from app.registry.tables import ModelVersion
from app.runs import lifecycle
from app.runs.launching import Launch, launch
from app.runs.priorities import BACKGROUND
from app.runs.tables import Run

PURPOSE: Final = "drift"
# The same for every version, so that they draw the same random numbers and chance parts them less.
SEED: Final = 1
SAMPLES_PER_PROMPT: Final = 2
TEMPERATURE: Final = 1.0
MEASURED: Final = (drift.POLICY, drift.REFERENCE)
MOST_VERSIONS: Final = 50
MOST_AT_ONCE: Final = 20
# One of each group, because prompts that are alike say the same twice; the oldest, so that an upload replaces none.
OLDEST_HELD_OUT: Final = text(
    """
    SELECT id FROM (
      SELECT DISTINCT ON (group_hash) id FROM prompts
      WHERE project_id = :project AND state = 'active' AND split IN ('validation', 'test')
      ORDER BY group_hash, id) one_each
    ORDER BY id LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class Basis:
    """What every version is asked, and how it is to answer. Figures on another basis are not to be compared."""

    prompt_ids: list[int]
    config: dict[str, Any]

    def is_of(self, run: drift.Evaluation) -> bool:
        """Whether an evaluation asked just that."""
        asked: list[int] | None = run.inputs.get("prompt_ids")
        return asked == self.prompt_ids and self.config.items() <= run.config.items()


@dataclass(frozen=True, slots=True)
class Line:
    """The versions that a project's policy has been, oldest first, each with what is known of it."""

    basis: Basis
    steps: list[drift.Step]
    unmeasured: list[ModelVersion]
    measuring: list[int]


def basis_of(session: Session, project_id: int) -> Basis:
    """The project's reference prompts as they are now, and the settings of their answers."""
    settings = settings_of(session.get_one(Project, project_id))
    asked = {"project": project_id, "most": settings.loop.reference_prompts}
    prompt_ids = list(session.scalars(OLDEST_HELD_OUT, asked))
    config = {
        "prompts": len(prompt_ids),
        "samples_per_prompt": SAMPLES_PER_PROMPT,
        "temperature": TEMPERATURE,
        "max_new_tokens": settings.sampling.max_new_tokens,
    }
    return Basis(prompt_ids, config)


def versions(session: Session, project_id: int) -> list[ModelVersion]:
    """Every version that was live, and policies that wait to be, in the order of their making.

    The loop promotes in this order; the time of a promotion would put a version that was gone back to at the end. Of
    many versions the first and the newest ones.
    """
    written = _line(project_id) & (_was_live() | _waits())
    newest = select(ModelVersion).where(written).order_by(ModelVersion.id.desc()).limit(MOST_VERSIONS)
    found = list(session.scalars(newest))[::-1]
    oldest = select(ModelVersion).where(_line(project_id), _was_live()).order_by(ModelVersion.id).limit(1)
    first = session.scalars(oldest).one_or_none()
    return found if first is None or first in found else [first, *found]


def _line(project_id: int) -> ColumnElement[bool]:
    return (ModelVersion.project_id == project_id) & ModelVersion.kind.in_(WRITERS)


def _was_live() -> ColumnElement[bool]:
    return (ModelVersion.stage == "live") | ModelVersion.promoted_at.is_not(None)


def _waits() -> ColumnElement[bool]:
    return (ModelVersion.stage == "candidate") & (ModelVersion.kind == "policy")


def was_live(version: ModelVersion) -> bool:
    """The same of a version at hand."""
    return version.stage == "live" or version.promoted_at is not None


def line_of(session: Session, project_id: int) -> Line:
    """The policy's way so far. Changes nothing."""
    basis = basis_of(session, project_id)
    steps = drift.follow(session, versions(session, project_id), basis.is_of, was_live)
    under_way = _under_way(session, project_id)
    answering = set().union(*under_way.values())
    lacking = [step.version for step in steps if not _is_measured(step)]
    can = [one for one in lacking if one.artifact_sha256 is not None and root_of(session, one) is not None]
    return Line(
        basis=basis,
        steps=steps,
        unmeasured=[one for one in can if one.id not in answering] if basis.prompt_ids else [],
        measuring=sorted(under_way),
    )


def _is_measured(step: drift.Step) -> bool:
    return step.measured is not None and step.measured.comparable and step.measured.role in MEASURED


def _under_way(session: Session, project_id: int) -> dict[int, set[int]]:
    """The versions that a run just measures, by its number; nobody says how often a rival wins."""
    query = select(Run).where(
        Run.project_id == project_id,
        Run.kind == "evaluate",
        Run.state.in_(lifecycle.STATES - lifecycle.FINAL),
        Run.inputs["purpose"].astext == PURPOSE,
    )
    return {run.id: _measured_in(run) for run in session.scalars(query)}


def _measured_in(run: Run) -> set[int]:
    models: dict[str, int] = run.inputs["models"]
    return {version_id for role, version_id in models.items() if role in MEASURED}


def root_of(session: Session, version: ModelVersion) -> ModelVersion | None:
    """The model that the version came from in the beginning, if that is known and has weights."""
    try:
        root = registry.root_of(session, version)
    except Conflict:
        return None
    return root if root.artifact_sha256 is not None else None


def keep(session: Session, version: ModelVersion, *, actor: User | None) -> Run | None:
    """Let a version answer the reference prompts; None where it has, or does so just now, or nothing can be asked."""
    _hold(session, version.project_id)
    line = line_of(session, version.project_id)
    if version.id not in {one.id for one in line.unmeasured}:
        return None
    return _ask(session, line, version, actor)


def keep_all(session: Session, project_id: int, *, actor: User | None) -> list[Run]:
    """The same for every version that has not answered them; the oldest ones first, where there are many.

    Raises:
        Unprocessable: `no-prompts`, there is none to answer.
        AppError: not one run could be launched.
    """
    _hold(session, project_id)
    line = line_of(session, project_id)
    if not line.basis.prompt_ids:
        raise Unprocessable(
            "there is no reference prompt to answer",
            type="no-prompts",
            advice="Upload prompts: a tenth of them each is kept for validation and test. Or let the project's "
            "settings keep reference completions of one prompt at least.",
        )
    runs, refusals = [], []
    for version in line.unmeasured[:MOST_AT_ONCE]:
        try:
            with session.begin_nested():
                runs.append(_ask(session, line, version, actor))
        except AppError as refusal:
            refusals.append(refusal)
    if refusals and not runs:
        raise refusals[0]
    return runs


def _hold(session: Session, project_id: int) -> None:
    """Let nobody else ask for reference completions before this transaction ends."""
    locks.hold(session, f"references:{project_id}")


def _ask(session: Session, line: Line, version: ModelVersion, actor: User | None) -> Run:
    wanted = Launch(
        project_id=version.project_id,
        kind="evaluate",
        config=line.basis.config,
        models={"policy": version.id, **_rival(session, line.steps, version)},
        seed=SEED,
        priority=BACKGROUND,
    )
    run = launch(session, wanted, actor=actor)
    run.inputs = {**run.inputs, "prompt_ids": line.basis.prompt_ids, "purpose": PURPOSE}
    session.flush()
    return run


def _rival(session: Session, steps: Sequence[drift.Step], version: ModelVersion) -> dict[str, int]:
    """The version before, where it can write and is not the reference anyway."""
    before = next((step.before for step in steps if step.version.id == version.id), None)
    root = root_of(session, version)
    if before is None or before.artifact_sha256 is None or (root is not None and before.id == root.id):
        return {}
    return {"rival": before.id}
