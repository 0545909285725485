"""When the loop starts a cycle by itself. Pure: what is known comes in, a decision and its words go out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from app.projects.settings import LoopSettings

Trigger = Literal["comparisons", "time"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the rule looks at. `new_comparisons` and `since` count from the last training's snapshot.

    `since` is None before the first training; `now` is the database's clock.
    """

    new_comparisons: int
    since: datetime | None
    now: datetime
    under_way: bool


@dataclass(frozen=True, slots=True)
class Next:
    """What will start the next cycle, for a person to read."""

    text: str
    comparisons_needed: int | None = None
    at: datetime | None = None


def due(settings: LoopSettings, situation: Situation) -> Trigger | None:
    """Why a cycle should start now, if it should. Without a new comparison there is nothing to learn from."""
    if settings.paused or situation.under_way or situation.new_comparisons == 0:
        return None
    wanted = settings.retrain_after_comparisons
    if wanted is not None and situation.new_comparisons >= wanted:
        return "comparisons"
    at = due_at(settings, situation)
    return "time" if at is not None and situation.now >= at else None


def due_at(settings: LoopSettings, situation: Situation) -> datetime | None:
    """When the time rule strikes: so many hours after the last training, at once before the first."""
    if settings.retrain_every_hours is None:
        return None
    if situation.since is None:
        return situation.now
    return situation.since + timedelta(hours=settings.retrain_every_hours)


def what_is_next(settings: LoopSettings, situation: Situation) -> Next:
    """The rule in words, with how much is missing."""
    if situation.under_way:
        return Next("A cycle is under way.")
    if settings.paused:
        return Next("The loop is paused: nothing starts by itself.")
    parts = []
    needed = None
    if settings.retrain_after_comparisons is not None:
        needed = max(0, settings.retrain_after_comparisons - situation.new_comparisons)
        parts.append(f"after {plural(needed, 'more comparison')}")
    at = due_at(settings, situation)
    if at is not None:
        parts.append(f"{settings.retrain_every_hours:g} h after the last training, if there is a new comparison")
    if not parts:
        return Next("Nothing starts by itself: press Run a cycle, or set a rule.")
    return Next(f"The next cycle starts {' or '.join(parts)}.", needed, at)


def plural(count: int, noun: str) -> str:
    """`plural(1, "run")` → "1 run", `plural(2, "run")` → "2 runs"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
