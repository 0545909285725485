"""kill -9 at a step nobody chose, then the same again: not one bit of weights, metrics or samples differs."""

import json
import os
import signal
import time
from pathlib import Path
from random import SystemRandom

import pytest

from tests.tiny_model import EXCHANGES
from tests.workers.rlhf.conftest import ranked_rows, write_job
from tests.workers.rlhf.test_ppo import save_reward
from tests.workers.rlhf.test_sft import demonstrations
from workers.rlhf import checkpoints
from workers.rlhf.artifacts import verify
from workers.rlhf.job import Event, open_job
from workers.rlhf.launch import launch

ONCE = {"tokens_per_second"}
TEXT = "Rivers run to the sea, and the sea is deep and cold. " * 20
# Runs in which the step at which the child is killed is as likely to lie on a checkpoint as between two.
SFT = {
    "method": "lora",
    "minimum_steps": 60,
    "rows_per_step": 3,
    "evaluate_every": 25,
    "checkpoint_every": 10,
    "samples_to_read": 1,
    "sample_tokens": 4,
    "learning_rate": 1e-3,
    "lora_rank": 4,
}
REWARD = {"minimum_steps": 50, "prompts_per_step": 2, "checkpoint_every": 10, "lora_layers": 1, "ties": "davidson"}
PPO = {
    "updates": 6,
    "prompts_per_update": 2,
    "max_new_tokens": 6,
    "lora_layers": 1,
    "checkpoint_every": 1,
    "value": "apart",
    "ema": 0.5,
    "pretrain_weight": 0.5,
    "pretrain_rows": 2,
    "pretrain_tokens": 8,
}
DPO = {"minimum_steps": 40, "prompts_per_step": 2, "checkpoint_every": 5, "lora_layers": 1, "shown_tokens": 4}
BEST = {
    "samples_per_prompt": 2,
    "max_new_tokens": 6,
    "epochs": 30,
    "rows_per_step": 4,
    "checkpoint_every": 5,
    "lora_layers": 1,
}
CONFIGS = {"sft": SFT, "reward": REWARD, "ppo": PPO, "dpo": DPO, "best_of_n": BEST}
JUDGED = ("ppo", "best_of_n")


def launched(folder: Path) -> list[Event]:
    events: list[Event] = []
    launch(open_job(folder, events.append))
    return [json.loads(json.dumps(event)) for event in events]


def killed(folder: Path, first_checkpoint: int) -> None:
    """Start the run in a process of its own, which dawdles, and kill it some time after its first checkpoint."""
    child = os.fork()
    if child == 0:
        try:
            launch(open_job(folder, lambda _: time.sleep(0.01)))
        finally:
            os._exit(0)
    try:
        while not (folder / "checkpoints" / f"step-{first_checkpoint}").exists():
            assert os.waitpid(child, os.WNOHANG) == (0, 0), "the run ended before its first checkpoint"
            time.sleep(0.01)
        time.sleep(SystemRandom().uniform(0.0, 0.3))
    finally:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the run ended before it could be killed"


def told(events: list[Event], done: int) -> list[Event]:
    """What was told of steps after `done`, without what a clock says."""
    kept = [event for event in events if event["type"] in {"metric", "sample"} and event["step"] > done]
    return [
        event | {"metrics": {name: value for name, value in event["metrics"].items() if name not in ONCE}}
        if event["type"] == "metric"
        else event
        for event in kept
    ]


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_killed_run_ends_as_if_nothing_had_happened(tiny_base: Path, tmp_path: Path, kind: str) -> None:
    config = CONFIGS[kind]
    rows, roles = demonstrations() if kind == "sft" else ranked_rows(), {"base": tiny_base}
    if kind == "dpo":
        roles = {"policy": tiny_base}
    if kind in JUDGED:
        judge = save_reward(tiny_base, tmp_path / "reward")
        rows = [
            {"prompt_id": n, "messages": [{"role": "user", "content": ask}]} for n, (ask, _) in enumerate(EXCHANGES)
        ]
        roles = {"policy": tiny_base, "reward": judge}
    broken = write_job(tmp_path / "broken", kind, rows, roles, config=config)
    (broken / "pretrain.txt").write_text(TEXT)
    killed(broken, 2 if kind == "best_of_n" else config["checkpoint_every"])
    newest = checkpoints.newest_valid(broken / "checkpoints")
    assert newest is not None
    write_job(broken, kind, rows, roles, config=config, resume=str(newest))
    resumed = launched(broken)
    write_job(tmp_path / "straight", kind, rows, roles, config=config)
    (tmp_path / "straight" / "pretrain.txt").write_text(TEXT)
    straight = launched(tmp_path / "straight")
    done = checkpoints.step_of(newest)
    assert told(resumed, done) == told(straight, done)
    names = sorted(path.name for path in (tmp_path / "straight" / "out").glob("*.safetensors"))
    for name in names:
        assert (broken / "out" / name).read_bytes() == (tmp_path / "straight" / "out" / name).read_bytes()
    assert names
    assert verify(broken / "out") == verify(tmp_path / "straight" / "out")
