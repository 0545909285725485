"""How long the rest takes: from the last steps of what is done now, never from what was done before."""

from pathlib import Path
from typing import Any

import pytest

from workers.rlhf.evaluate_run import phases
from workers.rlhf.job import Event, Job
from workers.rlhf.pace import RECENT_SECONDS, RECENT_STEPS, Pace


def test_nothing_is_known_until_a_step_has_been_timed() -> None:
    pace = Pace()
    assert pace.seconds_left("training", 0, 10, now=100.0) is None
    assert pace.seconds_left("training", 1, 10, now=103.0) == pytest.approx(27.0)


def test_loading_counts_for_no_later_phase() -> None:
    pace = Pace()
    pace.seconds_left("loading", 0, 1, now=0.0)
    assert pace.seconds_left("training", 0, 4, now=1000.0) is None
    assert pace.seconds_left("training", 1, 4, now=1002.0) == pytest.approx(6.0)


def test_a_resumed_run_goes_by_its_own_steps() -> None:
    pace = Pace()
    assert pace.seconds_left("training", 90, 100, now=0.0) is None
    assert pace.seconds_left("training", 91, 100, now=5.0) == pytest.approx(45.0)


def test_only_the_pace_of_late_counts() -> None:
    pace = Pace()
    for step in range(100):
        pace.seconds_left("training", step, 1000, now=float(step))
    slow = 100 + RECENT_STEPS + RECENT_SECONDS
    left = None
    for place in range(2 * RECENT_STEPS):
        left = pace.seconds_left("training", 100 + place, 1000, now=slow + 10.0 * place)
    assert left == pytest.approx(10.0 * (1000 - (99 + 2 * RECENT_STEPS)))


def test_steps_that_end_in_one_moment_do_not_make_the_pace() -> None:
    pace = Pace()
    pace.seconds_left("writing", 0, 200, now=0.0)
    for done in range(1, 101):
        left = pace.seconds_left("writing", done, 200, now=50.0)
    assert left == pytest.approx(50.0)


def test_work_that_begins_again_is_timed_again() -> None:
    pace = Pace()
    pace.seconds_left("judging", 0, 4, now=0.0)
    pace.seconds_left("judging", 4, 4, now=8.0)
    assert pace.seconds_left("judging", 0, 4, now=100.0) is None


def a_job(folder: Path, told: list[Event], **models: Path) -> Job:
    return Job(folder, "evaluate", None, 0, 1, models, None, {}, told.append)


def test_parts_that_are_counted_each_by_itself_are_numbered(tmp_path: Path) -> None:
    told: list[Event] = []
    job = a_job(tmp_path, told, policy=tmp_path, reference=tmp_path, judge=tmp_path)
    (tmp_path / "pretrain.txt").touch()
    job.step("loading", 0, 2)
    job.phases = phases(job, ["policy", "reference"])
    assert job.phases == ["writing policy", "writing reference", "measuring policy", "reading", "judging"]
    job.step("writing policy", 1, 8)
    # A part that turned out to be nothing is passed over.
    job.step("reading", 0, 2)
    parts: list[tuple[Any, Any]] = [(event.get("part"), event.get("parts")) for event in told]
    assert parts == [(None, None), (1, 5), (4, 5)]
