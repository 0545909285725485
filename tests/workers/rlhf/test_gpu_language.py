"""Fine-tuning and pretraining on a GPU where there is one: bf16 products beside fp32 weights, texts in one kernel."""

from pathlib import Path

import pytest
import torch

from tests.workers.rlhf.conftest import write_job
from tests.workers.rlhf.test_next_token import reader_of, texts, virtual
from tests.workers.rlhf.test_pretrain import pretrain_job
from tests.workers.rlhf.test_sft import METHODS, QUICK, demonstrations, launched, metrics_of
from workers.rlhf import attention, models
from workers.rlhf.models import Role
from workers.rlhf.next_token import mean_loss, states
from workers.rlhf.packing import end_to_end, side_by_side

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns(tiny_base: Path, tmp_path: Path, method: str) -> None:
    folder = write_job(tmp_path / "a", "sft", demonstrations(), {"base": tiny_base}, config=QUICK | {"method": method})
    events = launched(folder)
    held_out = metrics_of(events, "eval/loss")
    assert min(held_out) < held_out[0]
    assert events[-1]["type"] == "result"


def test_masters_are_fp32_and_products_bf16(tiny_base: Path) -> None:
    model = models.load_base(tiny_base, full=True)
    assert {weight.dtype for weight in model.causal.parameters()} == {torch.float32}
    seen: list[torch.dtype] = []
    model.backbone.layers[0].mlp.up_proj.register_forward_hook(lambda _, __, out: seen.append(out.dtype))
    reader = reader_of(Role(model, None))
    with reader.reading():
        loss = reader.nll(texts(model))
        loss.backward()
    assert seen == [torch.bfloat16]
    assert loss.dtype == torch.float32
    assert {weight.grad.dtype for weight in model.causal.parameters()} == {torch.float32}


@pytest.mark.parametrize("method", ["full", "prefix"])
def test_one_kernel_for_all_texts_is_each_text_alone(
    tiny_base: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models.load_base(tiny_base, full=True)
    role = Role(model, None) if method == "full" else virtual(model, method)
    rows, kernels = texts(model), []
    by_kernel = attention.by_kernel
    monkeypatch.setattr(attention, "by_kernel", lambda *given: kernels.append(1) or by_kernel(*given))
    with torch.no_grad(), reader_of(role).reading():
        together = states(role, end_to_end(rows).to(model.device))[0].split([row.width for row in rows])
        for row, packed in zip(rows, together, strict=True):
            alone = states(role, side_by_side([row], model.chat.pad_id).to(model.device))[0]
            assert float((packed - alone).norm() / alone.norm()) < 0.02
    assert kernels
    packed_loss, padded_loss = (mean_loss(reader_of(role, packed=packed), rows) for packed in (True, False))
    assert packed_loss == pytest.approx(padded_loss, rel=2e-3)


def test_the_gradient_of_packed_texts_is_that_of_padded_ones(tiny_base: Path) -> None:
    found = []
    for packed in (True, False):
        model = models.load_base(tiny_base, full=True)
        reader = reader_of(Role(model, None), packed=packed)
        with reader.reading():
            torch.autograd.backward(sum(reader.nll(group) for group in reader.batches(texts(model))))
        found.append(torch.cat([weight.grad.flatten() for weight in model.causal.parameters()]))
    assert torch.cosine_similarity(*found, dim=0) > 0.999


@pytest.mark.parametrize("preset", ["gpt1", "gpt2", "llama-small"])
def test_pretraining_learns(tmp_path: Path, preset: str) -> None:
    config = {"preset": preset, "dropout": 0.1, "gradient_checkpointing": "off" if preset == "gpt1" else "on"}
    losses = metrics_of(launched(pretrain_job(tmp_path / "a", config=config)), "eval/loss")
    assert losses[-1] < losses[0] - 1
