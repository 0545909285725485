"""What adapters do in one function is what peft does in several: outputs, gradients, and less kept for the way back."""

from contextlib import AbstractContextManager, nullcontext

import pytest
import torch
from peft import LoraConfig
from torch import Tensor, nn

from tests.workers.rlhf.test_lean_layers import IDS, built, kept
from workers.rlhf import products
from workers.rlhf.lean_layers import lean_layers


@pytest.fixture(params=[False, True], ids=["blas", "onednn"], autouse=True)
def multiplied(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param:
        monkeypatch.setattr(products, "SMALLEST", 1)


def adapted(name: str, *, targets: str | list[str] = "all-linear") -> nn.Module:
    model = built(name)
    for adapter in ("first", "second"):
        model.add_adapter(LoraConfig(r=2, lora_alpha=6, target_modules=targets), adapter_name=adapter)
    for weight_name, weight in model.named_parameters():
        weight.requires_grad_(requires_grad="lora" in weight_name)
        if "lora" in weight_name:
            nn.init.normal_(weight, std=0.3)
    model.set_adapter("second")
    return model


def outputs_and_gradients(model, context: AbstractContextManager[None]) -> dict[str, Tensor]:
    model.zero_grad(set_to_none=True)
    found = {}
    with context:
        for scale in (1.0, 0.5):
            states = model.base_model(input_ids=IDS, use_cache=False).last_hidden_state
            (states.square().sum() * scale).backward()
        with torch.no_grad():
            found["read"] = model.base_model(input_ids=IDS, use_cache=False).last_hidden_state
    return found | {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("name", ["tied", "with_biases", "gelu", "qwen2", "gpt2"])
def test_an_adapter_gives_the_plain_states_and_gradients(name: str) -> None:
    model = adapted(name)
    plain, lean = outputs_and_gradients(model, nullcontext()), outputs_and_gradients(model, lean_layers(model))
    assert plain.keys() == lean.keys()
    assert all("second" in weight for weight in plain if weight != "read")
    for weight, values in plain.items():
        torch.testing.assert_close(lean[weight], values, atol=2e-4, rtol=2e-4)


@pytest.mark.parametrize("targets", [["down_proj"], ["gate_proj", "q_proj"]], ids=["down", "gate_and_query"])
def test_adapters_on_some_layers_learn_the_same(targets: list[str]) -> None:
    model = adapted("with_biases", targets=targets)
    plain, lean = outputs_and_gradients(model, nullcontext()), outputs_and_gradients(model, lean_layers(model))
    assert plain.keys() == lean.keys()
    for weight, values in plain.items():
        torch.testing.assert_close(lean[weight], values, atol=2e-4, rtol=2e-4)


def test_which_adapter_is_on_is_asked_at_every_pass() -> None:
    model = adapted("tied")
    with lean_layers(model), torch.no_grad():
        second = model(input_ids=IDS).logits
        model.set_adapter("first")
        first = model(input_ids=IDS).logits
        model.disable_adapters()
        bare = model(input_ids=IDS).logits
    torch.testing.assert_close(bare, model(input_ids=IDS).logits, atol=1e-5, rtol=1e-5)
    model.enable_adapters()
    model.set_adapter("first")
    torch.testing.assert_close(first, model(input_ids=IDS).logits, atol=1e-5, rtol=1e-5)
    assert (first - second).abs().max() > 0.1 < (first - bare).abs().max()


def test_dropout_half_precision_and_biases_that_learn_are_left_alone() -> None:
    forgets = built("tied")
    forgets.add_adapter(LoraConfig(r=2, lora_dropout=0.5, target_modules="all-linear"))
    half = adapted("tied").bfloat16()
    biased = adapted("tied")
    biased.model.layers[0].self_attn.q_proj.base_layer.bias = nn.Parameter(torch.zeros(1))
    for model in (forgets, half, biased):
        layer = model.model.layers[0].self_attn.q_proj
        with lean_layers(model):
            assert "forward" not in vars(layer)


def test_less_is_kept_for_the_backward_pass() -> None:
    model = adapted("tied")
    assert kept(model, lean_layers(model)) < 0.75 * kept(model, nullcontext())
