"""What an independent judge says of a new policy, in words with their numbers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from app.loop.judge_gate import FEWEST_PROMPTS, Finding
from app.loop.retraining import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """How well a judge foretells people whom it did not learn from. `low`, `high`: a 95 % interval over prompts."""

    comparisons: int
    pairs: int
    accuracy: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, report: Mapping[str, Any], counts: Mapping[str, Any]) -> Self:
        """From a reward run's report and the counts of what it learnt from."""
        judged = report.get("judged") or {}
        accuracy = judged.get("accuracy") or {}
        return cls(
            comparisons=int(counts.get("comparisons") or 0),
            pairs=int(judged.get("decided") or 0),
            accuracy=accuracy.get("value"),
            low=accuracy.get("low"),
            high=accuracy.get("high"),
        )

    @property
    def is_enough(self) -> bool:
        """Whether it surely foretells better than a coin."""
        return self.low is not None and self.low > 0.5

    @property
    def words(self) -> str:
        """What it learnt from, and how well it does."""
        learnt = f"trained on {plural(self.comparisons, 'comparison')} held back for it"
        if self.accuracy is None:
            return f"{learnt}, with no held-out judgments to try it on"
        between = "" if self.low is None or self.high is None else f" ({self.low:.0%}–{self.high:.0%})"
        return f"{learnt}, right on {self.accuracy:.0%}{between} of {plural(self.pairs, 'decided held-out pair')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far a policy is from the model that it came from in the beginning, on the prompts that the judge read.

    `kl` in nats a completion, the exact sum over its tokens; lengths in tokens.
    """

    kl: float | None
    kl_standard_error: float | None
    tokens: float | None
    live_tokens: float | None

    @classmethod
    def of(cls, report: Mapping[str, Any], live: str) -> Self:
        """From an evaluation's report, where the live policy has that role."""
        models = report.get("models") or {}
        own, other = (models.get(role) or {} for role in ("policy", live))
        far = own.get("kl") or {}
        lengths = [(one.get("tokens") or {}).get("value") for one in (own, other)]
        return cls(
            kl=far.get("value"),
            kl_standard_error=far.get("standard_error"),
            tokens=lengths[0],
            live_tokens=lengths[1],
        )

    def words(self, root: str) -> str:
        """As far as it is known."""
        parts = []
        if self.kl is not None:
            error = "" if self.kl_standard_error is None else f" (standard error {self.kl_standard_error:.2f})"
            parts.append(f"{self.kl:.2f} nats from {root}{error}")
        if self.tokens is not None and self.live_tokens is not None:
            parts.append(f"{self.tokens:.0f} tokens an answer, live {self.live_tokens:.0f}")
        return ", ".join(parts)


def verdict_words(name: str, live: str, judge: str, finding: Finding, matched: float | None, drift: str) -> str:
    """The verdict: what was measured, what the rule asks for, on how much evidence."""
    outcome = {"better": f"{name} promoted", "worse": f"{name} not promoted"}.get(
        finding.verdict, f"{name}: not enough evidence"
    )
    share = "unknown" if finding.share is None else f"{finding.share:.1%}"
    text = (
        f"{outcome}: {judge}, which had no part in either, prefers its answers to those of live ({live}) in {share} of "
        f"pairs on {plural(finding.prompts, 'held-out prompt')}, bounds {finding.low:.1%} and {finding.high:.1%}; the "
        f"rule asks for a lower bound above 50% (gate {finding.number}, error {finding.error:.2%})"
    )
    if matched is not None:
        text += f"; {matched:.1%} among answers of the same length"
    if drift:
        text += f"; {drift}"
    return f"{text}. {missing_words(finding)}".rstrip()


def missing_words(finding: Finding) -> str:
    """How much evidence is missing, where it is."""
    if finding.verdict == "too_little":
        return f"The gate needs {FEWEST_PROMPTS} prompts at least."
    if finding.verdict != "undecided":
        return ""
    if finding.needed is None:
        return "As the answers fall nobody can say how many more prompts it takes."
    return f"If the rest falls like this it needs about {plural(finding.needed, 'prompt')}."
