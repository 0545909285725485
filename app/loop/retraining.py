"""When the loop starts a cycle by itself. Pure: what is known comes in, a decision and its words go out."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal

from app.projects.settings import LoopSettings

Trigger = Literal["comparisons", "time"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """What the day (UTC) has had: cycles that were started, by whomever, and minutes in which runs were at work."""

    cycles: int = 0
    compute_minutes: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the rule looks at. `new_comparisons` and `since` count from the last training's snapshot.

    `since` is None before the first training; `now` is the database's clock. `today` is counted where a limit is set.
    """

    new_comparisons: int
    since: datetime | None
    now: datetime
    under_way: bool
    today: Today = Today()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit of the day that is reached: the setting's name, what it allows, and both in words."""

    setting: Literal["cycles_per_day", "compute_minutes_per_day"]
    allowed: float
    words: str


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


def reached(settings: LoopSettings, today: Today) -> Limit | None:
    """The limit of the day that keeps a cycle from starting by itself, if one does."""
    cycles, minutes = settings.cycles_per_day, settings.compute_minutes_per_day
    if cycles is not None and today.cycles >= cycles:
        words = f"{plural(today.cycles, 'cycle')} today, the project allows {cycles:,} a day"
        return Limit(setting="cycles_per_day", allowed=cycles, words=words)
    if minutes is not None and today.compute_minutes >= minutes:
        words = f"{today.compute_minutes:,.0f} minutes of compute today, the project allows {minutes:,.0f} a day"
        return Limit(setting="compute_minutes_per_day", allowed=minutes, words=words)
    return None


def tomorrow(now: datetime) -> datetime:
    """When the day's limits begin anew: the next midnight (UTC)."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


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
    limit = reached(settings, situation.today)
    if limit is not None:
        words = f"Nothing starts by itself before midnight (UTC): {limit.words}. A person may start a cycle."
        return Next(words, at=tomorrow(situation.now))
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
