"""Decisions of the loop, in words with their numbers. A figure that nobody measured is said to be unknown."""

from typing import Any, Literal

from sqlalchemy.orm import Session

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


def reward_words(version: ModelVersion, counts: dict[str, Any]) -> str:
    """What a new reward model learnt from, and how well it does on prompts it has not seen, as far as known."""
    trained = plural(int(counts.get("comparisons") or 0), "comparison")
    accuracy = number(version.metrics, "accuracy/held_out")
    if accuracy is None:
        held_out = "held-out accuracy not known: no held-out rankings yet"
    else:
        pairs = version.metrics.get("pairs/held_out")
        of = f" of {plural(int(pairs), 'decided pair')}" if isinstance(pairs, int | float) else ""
        held_out = f"right on {accuracy:.0%}{of} on held-out prompts"
    return f"{version.name} is live: trained on {trained}, {held_out}. No gate is built yet, each new one is taken."


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
