"""How a child can end without a word, told apart: the run goes on from its checkpoint, as often as is allowed."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.config import get_settings
from app.db import transaction
from app.runs import leases, service
from app.runs.tables import Run
from tests.conftest import Database
from tests.workers.jobs.stage import Working, behave, events_of, read_run, until
from workers.jobs import child, execution, outcome
from workers.jobs.outcome import ADVICE, Pause, Stall, Success

pytestmark = pytest.mark.timeout(300)

Start = Callable[..., int]
QUIET = {"result": None, "told": None, "paused": None, "ran_out_of_memory": False, "log": ""}


@pytest.fixture
def patient(database: Database, use_settings: Callable[..., object]) -> None:
    """Leases that a busy machine does not lose."""
    use_settings(run_lease_seconds=6)


def is_due(run_id: int) -> bool:
    """Whether the run may be tried again."""
    with transaction() as session:
        return bool(session.scalar(select(Run.run_after <= func.now()).where(Run.id == run_id)))


def tried_again(run_id: int) -> Run:
    """The run after its next attempt."""
    until(lambda: is_due(run_id), 60)
    assert execution.execute(run_id) == run_id
    return read_run(run_id)


@pytest.mark.commits
@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("behaviour", "reason", "words"),
    [
        ("die", "killed", "SIGKILL"),
        ("segfault", "crashed", "SIGSEGV"),
        ("end_like_a_wrapper_of_the_killed", "killed", "SIGKILL"),
    ],
)
def test_a_child_that_always_dies_fails_its_run_at_the_limit(
    start: Start, monkeypatch: pytest.MonkeyPatch, behaviour: str, reason: str, words: str
) -> None:
    behave(monkeypatch, behaviour)
    run_id = start("reward")
    execution.execute(run_id)
    run = read_run(run_id)
    assert (run.state, run.stalls, run.lease_owner, run.finished_at) == ("queued", 1, None, None), run.error
    assert words in (run.notice or "")
    assert "Time 1 of 2" in (run.notice or "")

    run = tried_again(run_id)
    assert (run.state, run.reason, run.attempt) == ("failed", reason, 2)
    assert words in (run.error or "")
    assert run.advice == ADVICE[reason]


@pytest.mark.commits
@pytest.mark.usefixtures("patient")
def test_a_child_that_is_killed_goes_on_from_its_checkpoint(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "save_then_die")
    run_id = start("reward")
    execution.execute(run_id)
    assert read_run(run_id).state == "queued"
    run = tried_again(run_id)
    assert run.state == "succeeded", run.error
    assert run.result is not None
    assert run.result["report"]["resumed"] == "resume"
    assert run.notice is None


@pytest.mark.commits
@pytest.mark.usefixtures("patient")
def test_a_child_that_hangs_is_ended_and_its_run_tried_again(
    start: Start, use_settings: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_settings(run_hang_seconds=2)
    behave(monkeypatch, "hang")
    run_id = start("reward")
    execution.execute(run_id)
    run = read_run(run_id)
    assert (run.state, run.stalls) == ("queued", 1)
    assert "said nothing for 2 seconds" in (run.notice or "")

    use_settings(run_hang_seconds=600)
    behave(monkeypatch, "behave_well")
    assert tried_again(run_id).state == "succeeded"


@pytest.mark.commits
@pytest.mark.usefixtures("patient")
def test_a_hung_run_goes_on_from_its_checkpoint_and_the_log_says_where_it_hung(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over = threading.Event()
    monkeypatch.setattr(child.Child, "silent_seconds", lambda _: 1e9 if is_over.is_set() else 0.0)
    monkeypatch.setattr(execution, "STACK_SECONDS", 5.0)
    behave(monkeypatch, "save_then_hang")
    run_id = start("reward")
    job = Working(run_id).start()
    until(lambda: read_run(run_id).progress, 60)
    is_over.set()
    job.join(60)
    assert read_run(run_id).state == "queued"
    assert "in hang" in events_of(run_id, "log")[-1].data["text"]

    is_over.clear()
    run = tried_again(run_id)
    assert run.state == "succeeded"
    assert run.result is not None
    assert run.result["report"]["resumed"] == "resume"


@pytest.mark.commits
@pytest.mark.usefixtures("patient")
def test_a_child_that_always_hangs_fails_its_run(
    start: Start, use_settings: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_settings(run_max_stalls=1, run_hang_seconds=1)
    behave(monkeypatch, "hang")
    run_id = start("reward")
    execution.execute(run_id)
    run = read_run(run_id)
    assert (run.state, run.reason, run.advice) == ("failed", "hung", ADVICE["hung"])


@pytest.mark.commits
@pytest.mark.usefixtures("patient")
def test_without_the_guard_a_hung_child_stays(
    start: Start, use_settings: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the worker's heart goes on beating for a child that does nothing, so no lease ever ends it."""
    use_settings(run_max_stalls=1, run_hang_seconds=604_800)
    behave(monkeypatch, "hang")
    run_id = start("reward")
    job = Working(run_id).start()
    until(lambda: read_run(run_id).progress, 60)
    told = len(events_of(run_id))

    def has_outlived_a_lease() -> bool:
        with transaction() as session:
            started = select(Run.heartbeat_at - Run.started_at).where(Run.id == run_id)
            return session.scalars(started).one().total_seconds() > get_settings().run_lease_seconds

    until(has_outlived_a_lease, 60)
    with transaction() as session:
        assert leases.reap(session, lease_seconds=0.0, max_stalls=1) == []
    assert read_run(run_id).state == "running"
    assert len(events_of(run_id)) == told
    with transaction() as session:
        service.cancel(session, run_id, actor=None)
    job.join()
    assert read_run(run_id).state == "cancelled"


@pytest.mark.parametrize(
    ("code", "reason"),
    [(-9, "killed"), (137, "killed"), (-11, "crashed"), (139, "crashed"), (-6, "crashed"), (-7, "crashed")],
)
def test_a_signal_is_a_stall_with_its_reason(code: int, reason: str) -> None:
    ended = outcome.judge(code, **QUIET)
    assert isinstance(ended, Stall)
    assert (ended.failure.reason, ended.failure.advice) == (reason, ADVICE[reason])


def test_only_a_sigkill_is_laid_to_the_out_of_memory_killer() -> None:
    killed = outcome.judge(-9, **QUIET | {"ran_out_of_memory": True})
    crashed = outcome.judge(-11, **QUIET | {"ran_out_of_memory": True})
    assert isinstance(killed, Stall)
    assert isinstance(crashed, Stall)
    assert (killed.failure.reason, crashed.failure.reason) == ("out_of_memory", "crashed")


@pytest.mark.parametrize("code", [1, 2, 70, 128])
def test_a_plain_exit_code_is_a_failure(code: int) -> None:
    ended = outcome.judge(code, **QUIET | {"log": "the end"})
    assert not isinstance(ended, Success | Stall | Pause)
    assert (ended.reason, ended.error.splitlines()[-1]) == ("error", "the end")
    assert f"exit code {code}" in ended.error


@pytest.mark.parametrize("content", ["low 0\noom 3\noom_kill 2\noom_group_kill 1\n", "oom_kill 2\n"])
def test_the_systems_own_count_of_kills_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    (tmp_path / "counter").write_text(content)
    monkeypatch.setattr(outcome, "OOM_COUNTERS", (tmp_path / "absent", tmp_path / "counter", tmp_path / "never"))
    assert outcome.memory_kills() == 2
    monkeypatch.setattr(outcome, "OOM_COUNTERS", (tmp_path / "absent",))
    assert outcome.memory_kills() == 0


@pytest.mark.commits
@pytest.mark.usefixtures("patient")
def test_the_child_offers_itself_to_the_out_of_memory_killer(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "work_for_ever")
    run_id = start("reward")
    job = Working(run_id).start()
    until(lambda: read_run(run_id).progress, 60)
    pid = int((get_settings().runs_dir / str(run_id) / "pid").read_text())
    mine, its = (int(Path(f"/proc/{one}/oom_score_adj").read_text()) for one in ("self", pid))
    assert its > mine
    with transaction() as session:
        service.cancel(session, run_id, actor=None)
    job.join(60)
