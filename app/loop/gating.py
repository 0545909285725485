"""What the gate says of a cycle's new reward model, and what follows from it under the project's settings."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.datasets.tables import DatasetSnapshot
from app.errors import Conflict
from app.loop import decisions
from app.loop.decisions import Tone
from app.loop.gate import Columns, Finding, is_worse_so_far, judge
from app.loop.tables import LoopDecision
from app.registry import service as registry
from app.registry.tables import ModelVersion
from app.runs.tables import Run

Step = Literal["take", "refuse", "ask"]
# Only a verdict spends error: what can't pass can't pass by mistake.
SPENDING: Final = ("pass", "refuse")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What to do with a new reward model, in words with their numbers."""

    step: Step
    text: str
    tone: Tone
    numbers: dict[str, Any]


def rule(session: Session, version: ModelVersion, run: Run, *, automatic: bool) -> Ruling:
    """Compare a new reward model with the live one as its run measured both.

    Where evidence is missing it goes live if promotion is `automatic`, saying so; else, or where what there is tells
    against it, a person is asked.
    """
    live = registry.live_reward(session, version.project_id)
    if live is not None and live.id == version.id:
        text = f"{version.name} is live already: a person promoted it."
        return Ruling(step="take", text=text, tone="neutral", numbers=version.metrics)
    if live is None:
        snapshot = session.get(DatasetSnapshot, run.dataset_snapshot_id) if run.dataset_snapshot_id else None
        learnt = decisions.trained_words(version, snapshot.counts if snapshot else {})
        text = f"{learnt}. It goes live: there was none to compare it with."
        return Ruling(step="take", text=text, tone="good", numbers=version.metrics)
    finding = compared(session, version.project_id, run, live)
    if finding is None:
        words = f"{version.name} was not compared with {live.name}, which is live now"
        return _without_evidence(version, live, words, {}, automatic=automatic)
    numbers = {"gate": {**asdict(finding), "live_id": live.id}}
    if finding.verdict == "too_little":
        words = decisions.too_little_words(version.name, live.name, finding)
        if is_worse_so_far(finding.loss):
            words += decisions.worse_words(finding)
            automatic = False
        return _without_evidence(version, live, words, numbers, automatic=automatic)
    passed = finding.verdict == "pass"
    return Ruling(
        step="take" if passed else "refuse",
        text=decisions.gate_words(version.name, live.name, finding),
        tone="good" if passed else "bad",
        numbers=version.metrics | numbers,
    )


def _without_evidence(
    version: ModelVersion, live: ModelVersion, words: str, numbers: dict[str, Any], *, automatic: bool
) -> Ruling:
    follows = (
        "It goes live by the project's setting (automatic), not on evidence."
        if automatic
        else f"A person may decide; until then {live.name} stays live."
    )
    step: Step = "take" if automatic else "ask"
    return Ruling(step=step, text=f"{words}. {follows}", tone="neutral", numbers=version.metrics | numbers)


def compared(session: Session, project_id: int, run: Run, live: ModelVersion) -> Finding | None:
    """The gate's finding; None when the run did not read this live model, or wrote nothing that could be judged."""
    if run.inputs.get("models", {}).get("live") != live.id:
        return None
    return measured(session, project_id, run)


def measured(session: Session, project_id: int, run: Run) -> Finding | None:
    """What the gate would say now of the columns that a run wrote; None when it wrote none that can be judged."""
    gate = ((run.result or {}).get("report") or {}).get("gate") or {}
    try:
        columns = Columns.of(gate["columns"])
    except (KeyError, TypeError, ValueError):
        return None
    return judge(columns, next_number(session, project_id))


def seen(session: Session, run: Run) -> tuple[dict[str, Any], bool]:
    """The gate's finding of a reward run, and whether a cycle decided on it; if none did, as it would be now.

    Raises:
        Conflict: `no-gate`, where the run was compared with no live model.
    """
    query = select(LoopDecision.numbers["gate"]).where(
        LoopDecision.run_id == run.id, LoopDecision.numbers.has_key("gate")
    )
    decided = session.scalars(query.order_by(LoopDecision.id.desc()).limit(1)).one_or_none()
    if decided is not None:
        return decided, True
    finding = measured(session, run.project_id, run)
    if finding is None:
        raise Conflict(f"run {run.id} was not compared with a live reward model", type="no-gate")
    return asdict(finding), False


def next_number(session: Session, project_id: int) -> int:
    """The place of the project's next gate among those that spent error."""
    verdict = LoopDecision.numbers["gate"]["verdict"].astext
    spent = select(func.count()).where(LoopDecision.project_id == project_id, verdict.in_(SPENDING))
    return (session.scalar(spent) or 0) + 1
