"""The engine as the service starts it: a process with an event pipe and a parent."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tiny_model import EXCHANGES
from tests.workers.rlhf.conftest import ranked_rows, write_job
from workers.rlhf.artifacts import read_description, verify
from workers.rlhf.child import emitter, speakable

ROOT = Path(__file__).resolve().parents[3]
ALLOWED = {
    "PATH": os.environ["PATH"],
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "PYTHONPATH": str(ROOT),
}


@contextmanager
def started(folder: Path) -> Iterator[tuple[subprocess.Popen, int]]:
    """The child on `folder`, and the reading end of its event pipe."""
    read_end, write_end = os.pipe()
    # The child finds its pipe at 3, whatever number it has here.
    start = f"exec 3>&{write_end}; exec {sys.executable} -m workers.rlhf.cli --job {folder}"
    with (folder / "child.log").open("wb") as log:
        child = subprocess.Popen(
            ["bash", "-c", start],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=ALLOWED | {"HOME": str(folder)},
            cwd=ROOT,
            pass_fds=[write_end],
        )
    os.close(write_end)
    try:
        yield child, read_end
    finally:
        os.close(read_end)
        child.kill()
        child.wait()
        child.stdin.close()


def events_of(folder: Path) -> tuple[list[dict], int]:
    with started(folder) as (child, pipe):
        with os.fdopen(os.dup(pipe), encoding="utf-8") as lines:
            events = [json.loads(line) for line in lines]
        return events, child.wait(timeout=60)


def prompt_rows() -> list[dict]:
    return [
        {"prompt_id": n, "split": "train", "messages": [{"role": "user", "content": ask}]}
        for n, (ask, _) in enumerate(EXCHANGES)
    ]


def test_reward_then_ppo_then_samples_of_the_new_policy(tiny_base: Path, tmp_path: Path) -> None:
    quick = {"lora_layers": 1, "minimum_steps": 4}
    reward = write_job(tmp_path / "1", "reward", ranked_rows(), {"base": tiny_base}, config=quick)
    events, code = events_of(reward)
    assert code == 0, (reward / "child.log").read_text()
    assert {event["type"] for event in events} == {"log", "step", "metric", "result"}
    result = events[-1]
    assert result["sha256"] == verify(reward / "out")
    assert result["metrics"]["accuracy/held_out"] is not None
    assert read_description(reward / "out").kind == "reward"

    (reward / "out" / "base").symlink_to(tiny_base)
    roles = {"policy": tiny_base, "reward": reward / "out"}
    small = {"updates": 2, "prompts_per_update": 2, "samples_per_prompt": 2, "max_new_tokens": 6, "lora_layers": 1}
    ppo = write_job(tmp_path / "2", "ppo", prompt_rows(), roles, config=small | {"checkpoint_every": 1})
    events, code = events_of(ppo)
    assert code == 0, (ppo / "child.log").read_text()
    samples = [event for event in events if event["type"] == "sample"]
    assert [event["step"] for event in samples] == [0] * 8 + [2] * 8
    assert [event["prompt"] for event in samples[:8]] == [event["prompt"] for event in samples[8:]]
    assert all(event["kl"] == 0 for event in samples[:8])
    (checkpoint,) = [event for event in events if event["type"] == "checkpoint"]
    assert verify(ppo / checkpoint["path"]) == checkpoint["sha256"]
    assert events[-1]["sha256"] == verify(ppo / "out")

    (ppo / "out" / "base").symlink_to(tiny_base)
    wanted = [row | {"requests": [{"model": "new", "count": 2, "first_index": 4}]} for row in prompt_rows()[:2]]
    sample = write_job(tmp_path / "3", "sample", wanted, {"new": ppo / "out"}, config={"max_new_tokens": 8})
    events, code = events_of(sample)
    assert code == 0, (sample / "child.log").read_text()
    written = {(e["prompt_id"], e["sample_index"]): e for e in events if e["type"] == "completion"}
    assert sorted(written) == [(0, 4), (0, 5), (1, 4), (1, 5)]
    assert all(e["finish_reason"] in {"stop", "length"} and e["logprob"] < 0 for e in written.values())
    assert events[-1]["type"] == "result"
    assert events[-1]["artifact"] is None


def test_a_child_dies_with_its_parent(tiny_base: Path, tmp_path: Path) -> None:
    endless = {"minimum_steps": 10_000, "lora_layers": 1}
    folder = write_job(tmp_path / "1", "reward", ranked_rows(), {"base": tiny_base}, config=endless)
    with started(folder) as (child, pipe):
        assert os.read(pipe, 1)
        child.stdin.close()
        assert child.wait(timeout=30) == 70


@pytest.mark.parametrize(
    ("kind", "rows", "config", "reason", "text"),
    [
        ("reward", [], {}, "bad_data", "no comparison"),
        ("reward", ranked_rows(), {"epochs": 0}, "error", "epochs"),
    ],
)
def test_a_failure_has_a_reason_and_advice(
    tiny_base: Path, tmp_path: Path, kind: str, rows: list, config: dict, reason: str, text: str
) -> None:
    events, code = events_of(write_job(tmp_path / "1", kind, rows, {"base": tiny_base}, config=config))
    assert code == 1
    log, failure = events[-2:]
    assert log["type"] == "log"
    assert log["level"] == "error"
    assert failure["type"] == "failure"
    assert failure["reason"] == reason
    assert text in failure["text"]
    assert failure["advice"]


def test_numbers_that_json_has_no_word_for_become_null() -> None:
    said: list[str] = []
    emitter(said.append)({"type": "metric", "metrics": {"a": float("nan"), "b": [float("inf"), 1.5]}})
    assert said == ['{"type": "metric", "metrics": {"a": null, "b": [null, 1.5]}}\n']
    assert speakable("NaN") == "NaN"
