"""One step of each recipe on a GPU where there is one: adapters on a bf16 base, whole weights in fp32."""

from pathlib import Path

import pytest
import torch

from tests.tiny_model import EXCHANGES
from tests.workers.rlhf.conftest import ranked_rows, write_job
from workers.rlhf import models
from workers.rlhf.forms import choose, run
from workers.rlhf.job import Event, open_job
from workers.rlhf.launch import launch
from workers.rlhf.prefix import dialogues

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


@pytest.mark.parametrize(("dtype", "close", "cosine"), [(torch.float32, 2e-3, 0.9999), (torch.bfloat16, 5e-2, 0.99)])
@pytest.mark.parametrize("form", ["cache", "tree"])
def test_a_shared_prompt_is_separate_rows_on_a_gpu(
    tiny_base: Path, form: str, dtype: torch.dtype, close: float, cosine: float
) -> None:
    model = models.load_base(tiny_base, full=True)
    model.causal.to(dtype)
    draw = torch.Generator().manual_seed(0)

    def tokens(count: int) -> list[int]:
        return torch.randint(5, 300, (count,), generator=draw).tolist()

    batch = dialogues([tokens(90), tokens(40)], [[tokens(n) for n in (30, 7, 55)], [tokens(n) for n in (80, 3)]], 0)
    batch = batch.to(model.device)
    found = []
    for way in (form, "rows"):
        model.causal.zero_grad()
        states = run(model.backbone, batch, form=way).last(batch.reply_mask_NR)
        states.float().pow(2).sum().backward()
        gradient = torch.cat([weight.grad.float().flatten() for weight in model.backbone.parameters()])
        found.append((states.detach().float(), gradient))
    (one, one_gradient), (many, many_gradient) = found
    assert float((one - many).norm() / many.norm()) < close
    assert float(torch.cosine_similarity(one_gradient, many_gradient, dim=0)) > cosine
    assert choose(model.backbone, form) == form
    # So small a model waits for Python, not for the GPU.
    assert choose(model.backbone) == "rows"


@pytest.mark.parametrize("prefix", ["cache", "tree"])
def test_a_reward_run_of_every_form_ends_well(tiny_base: Path, tmp_path: Path, prefix: str) -> None:
    config = {"minimum_steps": 6, "lora_layers": 1, "prefix": prefix, "ties": "rao_kupper"}
    folder = write_job(tmp_path / "1", "reward", ranked_rows(), {"base": tiny_base}, config=config)
    events: list[Event] = []
    launch(open_job(folder, events.append))
    assert events[-1]["report"]["lineage"]["prefix"] == prefix
    assert events[-1]["metrics"]["log_loss/held_out"] is not None
