"""People's work on the wire."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class StandingRead(BaseModel):
    """Where a member stands: what they did today (UTC), and how far they are with the practice round.

    `practice_attempt` counts from 1; `practice_passed_at` is null until an attempt passed.
    """

    model_config = ConfigDict(from_attributes=True)

    user_id: int
    judged_today: int
    written_today: int
    practice_attempt: int
    practice_passed_at: datetime | None


class StandingsRead(BaseModel):
    """Every member's standing, in the order of their accounts."""

    items: list[StandingRead]
