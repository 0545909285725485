"""PPO in two processes over gloo: the same policy as in one, step for step."""

import json
from pathlib import Path

import pytest

from tests.tiny_model import EXCHANGES
from tests.workers.rlhf.test_ppo import save_reward
from tests.workers.rlhf.test_processes import curve, in_processes
from workers.rlhf.artifacts import artifact_sha256
from workers.rlhf.cli import main

# Five updates of two passes over two minibatches: twenty steps. Chunks of one prompt, so that there is some to share.
CONFIG = {
    "updates": 5,
    "prompts_per_update": 4,
    "samples_per_prompt": 3,
    "max_new_tokens": 8,
    "prompts_per_chunk": 1,
    "lora_layers": 1,
    "stop_kl": 0.0,
    "checkpoint_every": 2,
    "pretrain_weight": 0.5,
    "pretrain_rows": 2,
    "pretrain_tokens": 12,
    "value": "apart",
}


def arguments(folder: Path, base: Path, reward: Path) -> list[str]:
    folder.mkdir()
    rows = [{"prompt_id": n, "messages": [{"role": "user", "content": ask}]} for n, (ask, _) in enumerate(EXCHANGES)]
    files = {"data": folder / "data.jsonl", "text": folder / "text.txt", "config": folder / "settings.json"}
    files["data"].write_text("".join(json.dumps(row) + "\n" for row in rows))
    files["text"].write_text("Rivers run to the sea, and the sea is deep and cold. " * 20)
    files["config"].write_text(json.dumps(CONFIG))
    named = files | {"model": base, "reward-model": reward, "out": folder / "run"}
    return ["train", "ppo", *(word for name, path in named.items() for word in (f"--{name}", str(path)))]


def test_two_processes_are_one(tiny_base: Path, tmp_path: Path) -> None:
    reward = save_reward(tiny_base, tmp_path / "reward")
    assert main([*arguments(tmp_path / "one", tiny_base, reward), "--quiet"]) == 0
    first, second = in_processes(2, arguments(tmp_path / "two", tiny_base, reward), tmp_path)
    assert json.loads(first.splitlines()[-1])["kind"] == "ppo"
    assert second == ""
    for name in ("loss/policy", "loss/value", "loss/pretraining", "objective/scores", "gradient_norm", "eval/kl"):
        alone, together = curve(tmp_path / "one", name), curve(tmp_path / "two", name)
        assert len(alone) == len(together) >= 2
        assert together == pytest.approx(alone, rel=1e-5, abs=1e-6), name
    assert sorted(path.name for path in (tmp_path / "two" / "run" / "checkpoints").iterdir()) == ["step-2", "step-4"]
    assert artifact_sha256(tmp_path / "two" / "run" / "out")
