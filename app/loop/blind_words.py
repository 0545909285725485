"""What a blind comparison says, in words with their numbers. Pure."""

from dataclasses import dataclass
from math import ceil
from typing import Final, Self

from app.loop.retraining import plural
from app.rankings.blind_votes import Standing, Verdict, more_needed, standing

# How much of the decided votes one person may have cast for them to be a verdict, by how many people judge in the
# project: where only one does, their taste is all there is; of three or more, nobody is the majority alone.
MOST_BY_ONE: Final = (1.0, 1.0, 0.75, 0.5)


def most_share(people: int) -> float:
    """The share of the decided votes that one person may have cast, where so many judge."""
    return MOST_BY_ONE[min(people, len(MOST_BY_ONE) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Votes for the candidate, for the rival and for neither; `identical` prompts nobody was asked about.

    `most_by_one`: decided votes of the person who cast most of them, `most_share` what one person may cast.
    """

    wins: int
    losses: int
    ties: int
    identical: int = 0
    most_by_one: int = 0
    most_share: float = 1.0

    @property
    def votes(self) -> int:
        """Judgments that people made."""
        return self.wins + self.losses + self.ties

    @property
    def rests_on_one(self) -> bool:
        """Whether one person cast more of the decided votes than a verdict may rest on."""
        return self.most_by_one > self.most_share * (self.wins + self.losses)


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

    @property
    def verdict(self) -> Verdict:
        """What the votes say, unless they are mostly one person's."""
        return "undecided" if self.tally.rests_on_one else self.standing.verdict

    def numbers(self) -> dict[str, object]:
        """What a decision keeps of it."""
        tally, here = self.tally, self.standing
        return {
            "verdict": self.verdict,
            "wins": tally.wins,
            "losses": tally.losses,
            "ties": tally.ties,
            "identical": tally.identical,
            "most_by_one": tally.most_by_one,
            "most_share": tally.most_share,
            "share": here.share,
            "low": here.low,
            "high": here.high,
            "needed": self.needed,
        }


def verdict_words(candidate: str, rival: str, finding: Finding, error: float) -> str:
    """The verdict of blind people, or that there is none and about how many votes it takes."""
    said = votes_words(finding, error)
    if finding.verdict == "undecided":
        return f"Blind people can't tell {candidate} from {rival} yet: {said}. {missing_words(finding)}"
    return f"Blind people find {candidate} {finding.verdict} than {rival}: {said}."


def votes_words(finding: Finding, error: float) -> str:
    """The votes and what they say of the share that prefers the candidate."""
    tally, here = finding.tally, finding.standing
    counts = f"{plural(tally.wins, 'win')}, {tally.losses:,} {'loss' if tally.losses == 1 else 'losses'}"
    text = f"{counts}, {plural(tally.ties, 'tie')} of {plural(tally.votes, 'vote')}"
    if tally.identical:
        text += f" (and {plural(tally.identical, 'prompt')} answered alike)"
    if here.share is None:
        return text
    promised = f"{100 * (1 - error):g} % confidence sequence {here.low:.3f}–{here.high:.3f}"
    return f"{text}; win rate {here.share:.2f} of the decided votes, {promised}"


def missing_words(finding: Finding) -> str:
    """How much evidence is missing."""
    if finding.standing.verdict != "undecided":
        tally = finding.tally
        decided = plural(tally.wins + tally.losses, "decided vote")
        return (
            f"They would be enough, but one person cast {tally.most_by_one:,} of the {decided}, and a verdict may rest "
            f"on one person for {tally.most_share:.0%} at most."
        )
    if finding.needed is None:
        return "Not enough evidence, and as the votes fall nobody can say how many more it takes."
    return f"Not enough evidence: it needs about {plural(finding.needed, 'more vote')} if they go on like this."
