"""Packed rows, padded rows and rows alone say the same, with and without virtual tokens before them."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from tests.tiny_model import conversations, tiny_tokenizer
from workers.rlhf import models, next_token
from workers.rlhf.attention import packable
from workers.rlhf.checkpoints import Training
from workers.rlhf.data import chat_of
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.next_token import learn, mean_loss, pupil, states
from workers.rlhf.packing import Row, end_to_end, side_by_side
from workers.rlhf.processes import Team
from workers.rlhf.training import NonFiniteError, adam


def texts(model: LanguageModel) -> list[Row]:
    rows = [model.chat.tokenizer.encode(text, add_special_tokens=False) for text in conversations()]
    return [Row(ids, [place > 5 for place in range(len(ids))], f"line {n + 1}") for n, ids in enumerate(rows)]


def reader_of(role: Role, *, packed: bool = True, tokens: int = 10_000, twice: bool = False) -> next_token.Pupil:
    return pupil(role, tokens_per_forward=tokens, packed=packed, team=Team(), layers_twice=twice)


def gpt2() -> LanguageModel:
    tokenizer = tiny_tokenizer()
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=256, n_embd=32, n_layer=2, n_head=2)
    return LanguageModel(GPT2LMHeadModel(config).eval(), chat_of(tokenizer), "none")


def gradient_of(role: Role, rows: list[Row], **how) -> tuple[float, Tensor]:
    reader = reader_of(role, **how)
    weights = list(role.model.causal.parameters()) if role.adapter is None else role.model.parameters_of(role.adapter)
    total = 0.0
    with reader.reading():
        for group in reader.batches(rows):
            loss = reader.nll(group)
            loss.backward()
            total += float(loss.detach())
    gradient = torch.cat([weight.grad.flatten() for weight in weights if weight.grad is not None])
    for weight in weights:
        weight.grad = None
    return total, gradient


def virtual(model: LanguageModel, method: str) -> Role:
    with models.fresh_seed(5):
        models.add_virtual_tokens(model, "sft", method, [20, 21, 22])
    return Role(model, "sft")


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_packed_texts_see_only_themselves(kind: str, tiny: LanguageModel) -> None:
    model = tiny if kind == "llama" else gpt2()
    role, rows = Role(model, None), texts(model)
    assert packable(model.backbone)
    with torch.no_grad(), reader_of(role).reading():
        packed = states(role, end_to_end(rows))[0].split([row.width for row in rows])
        for row, together in zip(rows, packed, strict=True):
            alone = states(role, side_by_side([row], model.chat.pad_id))[0]
            torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
        # The control: as one long text the second one sees the first.
        joined = Row([*rows[0].ids, *rows[1].ids], [True] * (len(rows[0].ids) + len(rows[1].ids)))
        seen = states(role, end_to_end([joined]))[0, len(rows[0].ids) :]
        assert not torch.allclose(seen, packed[1], atol=1e-2)


@pytest.mark.parametrize("method", ["full", "p_tuning", "prefix"])
def test_packed_padded_and_single_rows_give_the_same_loss_and_gradient(tiny: LanguageModel, method: str) -> None:
    role = Role(tiny, None) if method == "full" else virtual(tiny, method)
    rows = texts(tiny)
    expected, wanted = gradient_of(role, rows, packed=False, tokens=1)
    for how in ({"packed": True}, {"packed": True, "tokens": 80}, {"packed": False}):
        loss, gradient = gradient_of(role, rows, **how)
        assert loss == pytest.approx(expected, rel=1e-6)
        assert torch.cosine_similarity(gradient, wanted, dim=0) > 0.999999
        assert float(gradient.norm()) == pytest.approx(float(wanted.norm()), rel=1e-5)


def test_the_loss_is_that_of_transformers(tiny: LanguageModel, tiny_base: Path) -> None:
    rows = texts(tiny)
    plain = AutoModelForCausalLM.from_pretrained(tiny_base)
    total, count = 0.0, 0
    for row in rows:
        ids = torch.tensor([row.ids])
        labels = torch.where(torch.tensor([row.learnt]), ids, -100)
        total += float(plain(input_ids=ids, labels=labels).loss) * row.targets
        count += row.targets
    assert mean_loss(reader_of(Role(tiny, None)), rows) == pytest.approx(total / count, rel=1e-5)


def test_layers_worked_out_twice_give_the_same_gradient(tiny: LanguageModel) -> None:
    role, rows = Role(tiny, None), texts(tiny)
    expected, wanted = gradient_of(role, rows)
    calls: list[int] = []
    tiny.backbone.layers[0].mlp.register_forward_pre_hook(lambda *_: calls.append(1))
    loss, gradient = gradient_of(role, rows, twice=True)
    assert loss == pytest.approx(expected, rel=1e-6)
    torch.testing.assert_close(gradient, wanted, atol=1e-6, rtol=1e-5)
    assert len(calls) == 2
    assert not any(part.training for part in tiny.causal.modules())
    with pytest.raises(ValueError, match="gradient_checkpointing"):
        reader_of(virtual(tiny, "prefix"), twice=True)


def test_every_token_weighs_the_same_however_a_step_is_cut(tiny_base: Path) -> None:
    """Mean over all tokens of the step, not of micro-batch means: two short texts do not outweigh a long one."""
    after, told = [], []
    for tokens in (10_000, 60, 1):
        model = models.load_base(tiny_base, full=True)
        weights = dict(model.causal.named_parameters())
        training = Training(weights, adam([(weights.values(), 1e-2)]), {})
        reader = reader_of(Role(model, None), tokens=tokens)
        told.append([learn(reader, texts(model), training, 1.0) for _ in range(2)])
        after.append(torch.cat([weight.detach().flatten() for weight in weights.values()]))
    for other, numbers in zip(after[1:], told[1:], strict=True):
        torch.testing.assert_close(other, after[0], atol=1e-5, rtol=1e-5)
        for mine, first in zip(numbers, told[0], strict=True):
            assert mine["tokens"] == first["tokens"]
            assert mine["loss"] == pytest.approx(first["loss"], rel=1e-5)


def test_a_loss_that_is_no_number_stops_before_any_weight_moves(tiny: LanguageModel) -> None:
    role, rows = Role(tiny, None), texts(tiny)
    weights = dict(tiny.causal.named_parameters())
    training = Training(weights, adam([(weights.values(), 1e-2)]), {})
    with torch.no_grad():
        tiny.backbone.layers[0].mlp.up_proj.weight[0, 0] = float("nan")
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    with pytest.raises(NonFiniteError, match="loss of line"):
        learn(reader_of(role, tokens=60), rows, training, 1.0)
    assert all(torch.equal(weight, before[name]) or "up_proj" in name for name, weight in weights.items())
