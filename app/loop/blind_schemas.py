"""Blind comparisons on the wire."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from app.inputs import Input
from app.loop.blind import Seen

MOST_PROMPTS = 5_000
TALLIED = ("wins", "losses", "ties", "identical", "most_by_one", "most_share")


class NewBlindComparison(Input):
    """Two versions to compare; without a rival the live policy. `prompts`: held-out ones, of different groups, at most.

    A true 60 % takes about 195 decided votes to be told from one half, a true 55 % about 780.
    """

    candidate_id: int = Field(ge=1, le=2**63 - 1)
    rival_id: int | None = Field(None, ge=1, le=2**63 - 1)
    prompts: int = Field(200, ge=1, le=MOST_PROMPTS)
    seed: int | None = Field(None, ge=0, le=2**31 - 1)


class BlindComparisonRead(BaseModel):
    """What blind people say of the candidate against the rival by now.

    A vote is what one person said of one task: for the version that won more of its pairs of one answer by each. `wins`
    and `losses` are votes for the candidate and for the rival, `ties` votes for neither, `identical` prompts that both
    gave the same answers to, which nobody was asked about. `share` of the decided votes preferred the candidate; `low`
    and `high` hold the true share with probability 1 − `error` over all looks at it together. `most_by_one` of the
    decided votes are one person's: there is no verdict while that is more than `most_share` of them. `needed`: votes
    that are missing if they go on as they did; null where nobody can say. `verdict` is null until the comparison has
    finished.
    """

    id: int
    project_id: int
    state: Literal["open", "finished", "cancelled"]
    verdict: Literal["better", "worse", "undecided"] | None
    text: str
    candidate_id: int
    candidate: str
    rival_id: int
    rival: str
    run_id: int
    cycle_id: int | None
    prompts: int
    open_tasks: int
    wins: int
    losses: int
    ties: int
    identical: int
    most_by_one: int
    most_share: float
    share: float | None
    low: float
    high: float
    needed: int | None
    error: float
    created_at: datetime
    finished_at: datetime | None


def blind_comparison_read(seen: Seen) -> BlindComparisonRead:
    """The wire form of a comparison."""
    own, tally, standing = seen.comparison, seen.finding.tally, seen.finding.standing
    return BlindComparisonRead.model_validate(
        {
            **{name: getattr(own, name) for name in BlindComparisonRead.model_fields if hasattr(own, name)},
            "text": seen.words,
            "candidate": seen.candidate.name,
            "rival": seen.rival.name,
            "open_tasks": seen.open_tasks,
            **{name: getattr(tally, name) for name in TALLIED},
            **{name: getattr(standing, name) for name in ("share", "low", "high")},
            "needed": seen.finding.needed,
        }
    )
