"""One step of each recipe on a GPU where there is one: adapters on a bf16 base, whole weights in fp32."""

from pathlib import Path

import pytest
import torch

from tests.tiny_model import EXCHANGES
from tests.workers.rlhf.conftest import ranked_rows, write_job
from workers.rlhf.job import Event, open_job
from workers.rlhf.launch import launch

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_one_reward_and_one_ppo_step(tiny_base: Path, tmp_path: Path, method: str) -> None:
    reward = write_job(
        tmp_path / "1", "reward", ranked_rows(), {"base": tiny_base}, config={"minimum_steps": 1, "lora_layers": 1}
    )
    events: list[Event] = []
    launch(open_job(reward, events.append))
    assert events[-1]["type"] == "result"
    (reward / "out" / "base").symlink_to(tiny_base)
    prompts = [{"prompt_id": 1, "messages": [{"role": "user", "content": EXCHANGES[0][0]}]}]
    roles = {"policy": tiny_base, "reward": reward / "out"}
    config = {"updates": 1, "max_new_tokens": 8, "lora_layers": 1, "method": method}
    ppo = write_job(tmp_path / "2", "ppo", prompts, roles, config=config)
    launch(open_job(ppo, events.append))
    assert events[-1]["type"] == "result"
    assert torch.cuda.max_memory_allocated() > 0
