"""A recipe that is asked to rest writes a checkpoint after its step and ends; going on, it ends with the same bits."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workers.rlhf.conftest import ranked_rows, write_job
from tests.workers.rlhf.test_child import prompt_rows, started
from tests.workers.rlhf.test_kill import BEST, DPO, PPO, REWARD, SFT, TEXT, launched, told
from tests.workers.rlhf.test_ppo import save_reward
from tests.workers.rlhf.test_sft import demonstrations
from workers.rlhf import checkpoints
from workers.rlhf.artifacts import verify
from workers.rlhf.job import Event, PausedError, open_job
from workers.rlhf.launch import launch

# No checkpoint but the one that a pause asks for.
CONFIGS = {
    "sft": SFT | {"minimum_steps": 8, "evaluate_every": 5, "checkpoint_every": 0},
    "reward": REWARD | {"minimum_steps": 8, "checkpoint_every": 0},
    "ppo": PPO | {"updates": 3, "checkpoint_every": 0},
    "dpo": DPO | {"minimum_steps": 8, "checkpoint_every": 0},
    "best_of_n": BEST | {"epochs": 3, "checkpoint_every": 0},
}
Write = Callable[..., Path]


@pytest.fixture
def write(tiny_base: Path, tmp_path: Path) -> Write:
    """A function that writes the folder of a run of some kind."""

    def write(name: str, kind: str, **more: object) -> Path:
        rows, roles = demonstrations() if kind == "sft" else ranked_rows(), {"base": tiny_base}
        if kind in {"ppo", "best_of_n"}:
            judge = tmp_path / "reward"
            roles = {"policy": tiny_base, "reward": judge if judge.exists() else save_reward(tiny_base, judge)}
            rows = prompt_rows()
        if kind == "dpo":
            roles = {"policy": tiny_base}
        folder = write_job(tmp_path / name, kind, rows, roles, **{"config": CONFIGS.get(kind, {}), **more})
        (folder / "pretrain.txt").write_text(TEXT)
        return folder

    return write


def rested(folder: Path, after: int) -> tuple[int, list[Event]]:
    """Let the run rest after a training step; the step of its checkpoint and what it told."""
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        if event["type"] == "step" and event["phase"] == "training" and event["step"] >= after:
            job.rest.set()

    job = open_job(folder, emit)
    with pytest.raises(PausedError) as paused:
        launch(job)
    assert paused.value.step is not None
    return paused.value.step, events


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_rested_run_ends_as_if_it_had_gone_through(write: Write, kind: str) -> None:
    folder = write("rested", kind)
    step, events = rested(folder, 2)
    newest = checkpoints.newest_valid(folder / "checkpoints")
    assert newest is not None
    assert checkpoints.step_of(newest) == step
    assert events[-1]["type"] == "checkpoint"
    assert not (folder / "out").exists()

    resumed = launched(write("rested", kind, resume=str(newest)))
    straight = write("straight", kind)
    assert told(resumed, step) == told(launched(straight), step)
    assert verify(folder / "out") == verify(straight / "out")


@pytest.mark.parametrize("kind", ["reward", "ppo"])
def test_after_its_last_step_a_run_goes_on_to_its_end(write: Write, kind: str) -> None:
    folder = write("last", kind)
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        if event["type"] == "step" and event["phase"] == "training" and event["step"] == event["total"]:
            job.rest.set()

    job = open_job(folder, emit)
    launch(job)
    assert events[-1]["type"] == "result"
    assert "checkpoint" not in {event["type"] for event in events}


def test_writing_completions_rests_between_two_of_them(write: Write, tiny_base: Path) -> None:
    folder = write("sample", "sample", config={"max_new_tokens": 4, "completions_per_prompt": 2, "rows_per_batch": 2})
    (folder / "config.json").write_text(
        json.dumps(
            json.loads((folder / "config.json").read_text()) | {"models": {"policy": str(tiny_base)}, "before": 5}
        )
    )
    events: list[Event] = []
    job = open_job(folder, events.append)
    job.rest.set()
    with pytest.raises(PausedError) as paused:
        launch(job)
    assert paused.value.step is None
    assert [event["type"] for event in events].count("completion") == 1
    # What earlier attempts have stored counts as done.
    steps = [event for event in events if event["type"] == "step"]
    assert [event["step"] for event in steps] == [5, 6]
    assert {event["total"] - 5 for event in steps} == {2 * len((folder / "data.jsonl").read_text().splitlines())}


def test_the_process_hears_the_wish_on_its_standard_input(write: Write) -> None:
    endless = CONFIGS["reward"] | {"minimum_steps": 10_000}
    folder = write("process", "reward", config=endless)
    with started(folder) as (child, pipe), os.fdopen(os.dup(pipe), encoding="utf-8") as lines:
        events: list[Event] = []
        for line in lines:
            events.append(json.loads(line))
            if events[-1]["type"] == "metric":
                child.stdin.write(b"pause\n")
                child.stdin.flush()
                break
        events += [json.loads(line) for line in lines]
        assert child.wait(timeout=60) == 0
    assert [event["type"] for event in events[-2:]] == ["checkpoint", "paused"]
    assert events[-1]["step"] == events[-2]["step"] >= 1
    assert verify(folder / events[-2]["path"]) == events[-2]["sha256"]
