"""One run in two processes: from the queue through the job to one artifact, the same as one process makes."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from sqlalchemy import select

from app import isolation
from app.config import Settings
from app.db import transaction
from app.runs.tables import RunMetric
from app.storage import store
from tests.app.judgment_rows import World, a_world
from tests.conftest import Database
from tests.tiny_model import EXCHANGES, build_tiny_model
from tests.workers.jobs.stage import events_of, launched, made_by, read_run
from workers.jobs import devices, execution, folders
from workers.rlhf import crew
from workers.rlhf.crew import Crew, words_of
from workers.rlhf.job import Event, open_job
from workers.rlhf.launch import launch

SFT = {
    "method": "full",
    "minimum_steps": 4,
    "epochs": 1,
    "rows_per_step": 4,
    "tokens_per_forward": 60,
    "evaluate_every": 2,
    "samples_to_read": 1,
    "sample_tokens": 4,
}
COMPARED = ("loss", "eval/loss", "gradient_norm")


@pytest.fixture
def world(database: Database, use_settings: Callable[..., object], tmp_path: Path) -> World:
    """A project with a tiny live model and an answer of a person to each of eight prompts."""
    use_settings(run_lease_seconds=30, worker_devices=2, torch_threads=2)
    with transaction() as session:
        made = a_world(session)
        stored = store().put(build_tiny_model(tmp_path / "tiny", steps=4))
        made.model.artifact_sha256, made.model.artifact_bytes = stored.sha256, stored.size
        author = made.person()
        for number in range(8):
            prompt = made.prompt("validation" if number < 2 else "train", text=EXCHANGES[number % len(EXCHANGES)][0])
            made.completions(prompt, 1, author=author)
    return made


def curves(told: list[tuple[str, int, float | None]]) -> dict[str, list[float | None]]:
    return {name: [value for one, _, value in sorted(told) if one == name] for name in COMPARED}


def by_one_process(folder: Path, place: Path) -> dict[str, list[float | None]]:
    """The same run's folder worked off by this process alone; its curves."""
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns("out", "checkpoints", "meeting"))
    plan = json.loads((place / "config.json").read_text())
    assert (plan["processes"], plan["threads"]) == (2, 1)
    (place / "config.json").write_text(json.dumps(plan | {"processes": 1}))
    told: list[Event] = []
    launch(open_job(place, told.append))
    metrics = [event for event in told if event["type"] == "metric"]
    return curves([(name, one["step"], value) for one in metrics for name, value in one["metrics"].items()])


@pytest.mark.commits
@pytest.mark.timeout(300)
@pytest.mark.parametrize("sandbox", ["auto", pytest.param("off", marks=pytest.mark.slow)])
def test_two_processes_leave_what_one_would(
    world: World, use_settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: str
) -> None:
    """In a sandbox, where there is one: they meet over its own loopback, and it has no other network."""
    where = isolation.found(use_settings(isolation=sandbox))
    worked_in: list[Path] = []
    monkeypatch.setattr(folders, "forget_run", lambda held: worked_in.append(folders.path_of(held)))
    with transaction() as session:
        world.session = session
        run_id = launched(world, "sft", config=SFT, seed=3)
    assert execution.execute(run_id) == run_id
    run = read_run(run_id)
    assert run.state == "succeeded", run.error
    said = " ".join(str(event.data) for event in events_of(run_id, "log"))
    assert "2 processes share it" in said
    assert where.words in said

    with transaction() as session:
        rows = session.execute(
            select(RunMetric.name, RunMetric.step, RunMetric.value).where(RunMetric.run_id == run_id)
        )
        together = curves([(row.name, row.step, row.value) for row in rows])
    alone = by_one_process(worked_in[0], tmp_path / "alone")
    for name in COMPARED:
        assert len(alone[name]) >= 2
        assert together[name] == pytest.approx(alone[name], rel=1e-5), name
    one = load_file(tmp_path / "alone" / "out" / "model.safetensors")
    artifact = tmp_path / "two"
    store().link(made_by(run_id).artifact_sha256 or "", artifact)
    two = load_file(artifact / "model.safetensors")
    assert two.keys() == one.keys()
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=1e-4, atol=1e-5)
    if sandbox == "auto" and not where.holds:
        pytest.skip(f"it holds, but was not seen in a sandbox: {where.words}")


@pytest.mark.parametrize(
    ("kind", "asked", "has", "share"),
    [("sft", None, 4, (4, 2)), ("sft", 2, 4, (2, 4)), ("sft", 4, 2, (2, 4)), ("reward", None, 4, (1, 8))],
)
def test_a_run_gets_the_devices_that_it_asks_for_or_all(
    use_settings: Callable[..., object], kind: str, asked: int | None, has: int, share: tuple[int, int]
) -> None:
    use_settings(worker_devices=has, torch_threads=8)
    held = type("Held", (), {"kind": kind, "devices": asked})()
    assert devices.share_of(held) == devices.Share(*share)


OTHERS = {
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "failed": "import os, pathlib, sys; pathlib.Path(sys.argv[1], 'failure-1.jsonl')"
    """.write_text('{"type": "failure", "reason": "bad_data", "text": "no row", "advice": null}\\n'); sys.exit(1)""",
}


@pytest.mark.parametrize(("how", "code", "told"), [("killed", -signal.SIGKILL, []), ("failed", 1, ["bad_data"])])
def test_the_end_of_another_process_is_the_end_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, code: int, told: list[str]
) -> None:
    """Killed by the same signal, so that the run is taken up again; or with the other's own words of its failure."""
    (tmp_path / "config.json").write_text('{"processes": 2}')
    monkeypatch.setattr(crew, "COMMAND", [sys.executable, "-c", OTHERS[how]])
    first = os.fork()
    if not first:
        with (tmp_path / "told").open("w", buffering=1) as file:
            Crew(tmp_path, lambda event: file.write(json.dumps(event) + "\n")).start()
            signal.pause()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) == code
    assert [json.loads(line)["reason"] for line in (tmp_path / "told").read_text().splitlines()] == told
    assert words_of(tmp_path, 1).exists() is bool(told)


def test_one_process_starts_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(crew, "COMMAND", ["/no/such/program"])
    alone = Crew(tmp_path, print)
    alone.start()
    alone.give_way()
    alone.part()
    assert crew.own_rank() == 0
