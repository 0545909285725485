"""What a blind comparison says, in words with their numbers. Pure."""

from dataclasses import dataclass
from math import ceil
from typing import Self

from app.loop.retraining import plural
from app.rankings.blind_votes import Standing, more_needed, standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Votes for the candidate, for the rival and for neither; `identical` pairs nobody was asked about."""

    wins: int
    losses: int
    ties: int
    identical: int = 0

    @property
    def votes(self) -> int:
        """Judgments that people made."""
        return self.wins + self.losses + self.ties


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Where a comparison stands. `needed`: votes, ties among them, that are missing if they go on as they did."""

    tally: Tally
    standing: Standing
    needed: int | None

    @classmethod
    def of(cls, tally: Tally, error: float) -> Self:
        """The standing of these votes at the promised error."""
        decided = tally.wins + tally.losses
        more = more_needed(tally.wins, tally.losses, error=error)
        needed = None if more is None else ceil(more * tally.votes / decided)
        return cls(tally=tally, standing=standing(tally.wins, tally.losses, error=error), needed=needed)

    def numbers(self) -> dict[str, object]:
        """What a decision keeps of it."""
        tally, here = self.tally, self.standing
        return {
            "verdict": here.verdict,
            "wins": tally.wins,
            "losses": tally.losses,
            "ties": tally.ties,
            "identical": tally.identical,
            "share": here.share,
            "low": here.low,
            "high": here.high,
            "needed": self.needed,
        }


def verdict_words(candidate: str, rival: str, finding: Finding, error: float) -> str:
    """The verdict of blind people, or that there is none and about how many votes it takes."""
    said = votes_words(finding, error)
    if finding.standing.verdict == "undecided":
        return f"Blind people can't tell {candidate} from {rival} yet: {said}. {missing_words(finding)}"
    return f"Blind people find {candidate} {finding.standing.verdict} than {rival}: {said}."


def votes_words(finding: Finding, error: float) -> str:
    """The votes and what they say of the share that prefers the candidate."""
    tally, here = finding.tally, finding.standing
    counts = f"{plural(tally.wins, 'win')}, {tally.losses:,} {'loss' if tally.losses == 1 else 'losses'}"
    text = f"{counts}, {plural(tally.ties, 'tie')} of {plural(tally.votes, 'vote')}"
    if tally.identical:
        text += f" (and {plural(tally.identical, 'pair')} of the same text)"
    if here.share is None:
        return text
    promised = f"{100 * (1 - error):g} % confidence sequence {here.low:.3f}–{here.high:.3f}"
    return f"{text}; win rate {here.share:.2f} of the decided votes, {promised}"


def missing_words(finding: Finding) -> str:
    """How much evidence is missing."""
    if finding.needed is None:
        return "Not enough evidence, and as the votes fall nobody can say how many more it takes."
    return f"Not enough evidence: it needs about {plural(finding.needed, 'more vote')} if they go on like this."
