"""Decisions of the loop, in words with their numbers. A figure that nobody measured is said to be unknown."""

from typing import Any, Literal

from sqlalchemy.orm import Session

from app.loop.gate import ACCURACY_MARGIN, FEWEST_JUDGMENTS, LOSS_MARGIN, Finding
from app.loop.retraining import plural
from app.loop.tables import Cycle, LoopDecision
from app.registry.tables import ModelVersion

Tone = Literal["neutral", "good", "bad"]
STARTED = {
    "person": "A cycle was started by {who}: {new} since the last training.",
    "comparisons": "A cycle starts by the project's rule: {new} since the last training, the rule asks for {wanted}.",
    "time": "A cycle starts by the project's rule: {hours:g} h have passed since the last training, with {new}.",
}


def tell(
    session: Session,
    cycle: Cycle,
    text: str,
    *,
    tone: Tone = "neutral",
    run_id: int | None = None,
    numbers: dict[str, Any] | None = None,
) -> None:
    """Write a decision down."""
    session.add(
        LoopDecision(
            project_id=cycle.project_id, cycle_id=cycle.id, run_id=run_id, tone=tone, text=text, numbers=numbers or {}
        )
    )


def number(metrics: dict[str, Any], name: str) -> float | None:
    """A measured figure, or None where it was not measured."""
    value = metrics.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def trained_words(version: ModelVersion, counts: dict[str, Any]) -> str:
    """What a new reward model learnt from, and how well it does on prompts it has not seen, as far as known."""
    trained = plural(int(counts.get("comparisons") or 0), "comparison")
    accuracy = number(version.metrics, "accuracy/held_out")
    if accuracy is None:
        held_out = "held-out accuracy not known: no held-out rankings yet"
    else:
        pairs = version.metrics.get("pairs/held_out")
        of = f" of {plural(int(pairs), 'decided pair')}" if isinstance(pairs, int | float) else ""
        held_out = f"right on {accuracy:.0%}{of} on held-out prompts"
    return f"{version.name} is trained on {trained}, {held_out}"


def gate_words(name: str, live: str, finding: Finding) -> str:
    """A verdict: what was measured, what the rule allows, on how much evidence."""
    loss, accuracy = finding.loss, finding.accuracy
    judgments = plural(round(finding.effective), "effective judgment")
    text = (
        f"{name} {'promoted' if finding.verdict == 'pass' else 'not promoted'}: held-out log loss "
        f"{signed(loss.value)} nats a judgment over live ({live}), upper bound {signed(loss.bound)}, the rule allows "
        f"{signed(LOSS_MARGIN)}; accuracy {points(accuracy.value)} points, lower bound {points(accuracy.bound)}, the "
        f"rule allows {points(-ACCURACY_MARGIN)}; {judgments} since live was promoted (gate {finding.number}, error "
        f"{finding.error:.2%})"
    )
    more = finding.needed is not None and finding.verdict == "refuse" and finding.needed > finding.effective
    return f"{text}; an equal model would need about {finding.needed:,}." if more else f"{text}."


def too_little_words(name: str, live: str, finding: Finding) -> str:
    """That there is no verdict, how much there is and how much it takes."""
    needs = f"about {finding.needed:,}" if finding.needed else f"at least {FEWEST_JUDGMENTS}"
    there = plural(round(finding.effective), "effective judgment")
    where = f"on {plural(finding.groups, 'held-out prompt group')} since live was promoted"
    return f"{name}: not enough evidence against live ({live}): {there} {where}, the gate needs {needs}"


def worse_words(finding: Finding) -> str:
    """That it looks worse by what there is."""
    return f"; by these it is worse: log loss {signed(finding.loss.value)} nats a judgment over live"


def signed(value: float | None) -> str:
    """A difference in nats."""
    return "unknown" if value is None else f"{value:+.3f}"


def points(value: float | None) -> str:
    """A difference of shares in percentage points."""
    return "unknown" if value is None else f"{100 * value:+.1f}"


def policy_words(report: dict[str, Any]) -> str:
    """What PPO changed, by its own reward model: a PPO run's report, `first` and `last` on the same prompts."""
    first, last = report.get("first") or {}, report.get("last") or {}
    before, after, kl = number(first, "eval/scores"), number(last, "eval/scores"), number(last, "eval/kl")
    parts = []
    if before is not None and after is not None:
        parts.append(f"the reward model's mean score went from {before:+.2f} to {after:+.2f} (a proxy, not a verdict)")
    if kl is not None:
        parts.append(f"{kl:.2f} nats from the policy before it")
    return ", ".join(parts) or "no figures were reported"
