"""When the loop starts by itself, in numbers worked by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.loop.retraining import Situation, due, what_is_next
from app.projects.settings import LoopSettings

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def situation(**known: Any) -> Situation:
    return Situation(**{"new_comparisons": 0, "since": None, "now": NOW, "under_way": False, **known})


@pytest.mark.parametrize(("new", "expected"), [(0, None), (59, None), (60, "comparisons"), (61, "comparisons")])
def test_after_so_many_comparisons(new: int, expected: str | None) -> None:
    assert due(LoopSettings(retrain_after_comparisons=60), situation(new_comparisons=new)) == expected


@pytest.mark.parametrize(("hours_ago", "new", "expected"), [(5.9, 6, None), (6, 6, "time"), (7, 0, None)])
def test_after_so_many_hours_if_there_is_something_new(hours_ago: float, new: int, expected: str | None) -> None:
    since = NOW - timedelta(hours=hours_ago)
    assert due(LoopSettings(retrain_every_hours=6), situation(new_comparisons=new, since=since)) == expected


def test_the_first_training_by_time_starts_with_the_first_comparison() -> None:
    assert due(LoopSettings(retrain_every_hours=6), situation(new_comparisons=1)) == "time"


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        (LoopSettings(), {}),
        (LoopSettings(retrain_after_comparisons=1, paused=True), {}),
        (LoopSettings(retrain_after_comparisons=1), {"under_way": True}),
    ],
)
def test_nothing_starts_without_a_rule_or_while_paused_or_under_way(settings: LoopSettings, known: Any) -> None:
    assert due(settings, situation(new_comparisons=999, **known)) is None


def test_what_comes_next_is_said_with_what_is_missing() -> None:
    following = what_is_next(LoopSettings(retrain_after_comparisons=60), situation(new_comparisons=18))
    assert following.text == "The next cycle starts after 42 more comparisons."
    assert following.comparisons_needed == 42
    assert "paused" in what_is_next(LoopSettings(paused=True), situation()).text
    assert "by itself" in what_is_next(LoopSettings(), situation()).text
    by_time = what_is_next(LoopSettings(retrain_every_hours=6), situation(since=NOW))
    assert by_time.at == NOW + timedelta(hours=6)
