"""A policy that writes from a copy of its weights writes what it would write without one."""

import pytest
import torch
from torch import nn

from tests.workers.rlhf.test_sampling import ASKS
from workers.rlhf import evaluate, models, products, swift_layers
from workers.rlhf.evaluate import Asked
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.sampling import Completion, Sampling, row_seed, sample

TOKENS = 24


@pytest.fixture(autouse=True)
def small_weights_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "SMALLEST", 1)


@pytest.fixture
def role(tiny: LanguageModel) -> Role:
    models.add_adapter(tiny, "policy", rank=4, alpha=8, layers=0)
    models.add_adapter(tiny, "other", rank=4, alpha=8, layers=1)
    torch.manual_seed(0)
    for adapter in ("policy", "other"):
        for weight in tiny.parameters_of(adapter):
            nn.init.normal_(weight, std=0.1)
    return Role(tiny, "policy")


def copied(model: LanguageModel) -> int:
    return sum("forward" in vars(layer) for layer in model.causal.modules())


def written(role: Role, tokens: int = TOKENS, **hearers) -> list[Completion]:
    prompts = [role.model.chat.prompt([{"role": "user", "content": ask}], 256).ids for ask in ASKS]
    owner = [0, 0, 1, 1, 2, 2]
    seeds = [row_seed(7, place) for place in range(len(owner))]
    return sample(role, prompts, owner, seeds, Sampling(max_new_tokens=tokens), width=4, **hearers)


@pytest.mark.parametrize("adapter", [None, "policy", "other"])
def test_the_copy_writes_what_the_weights_would(
    role: Role, adapter: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = Role(role.model, adapter)
    before = [weight.detach().clone() for weight in role.model.causal.parameters()]
    during: list[int] = []
    swift = written(role, on_token=lambda *_: during.append(copied(role.model)))
    # Seven products a layer, two layers, and the vocabulary's.
    assert set(during) == {15}
    assert copied(role.model) == 0
    assert all(map(torch.equal, before, role.model.causal.parameters()))
    monkeypatch.setattr(swift_layers, "MOST_BYTES", 0)
    plain = written(role, on_token=lambda *_: during.append(copied(role.model)))
    assert set(during) == {15, 0}
    for one, other in zip(swift, plain, strict=True):
        assert one.ids == other.ids
        for name in ("logprobs", "entropies"):
            torch.testing.assert_close(*(torch.tensor(getattr(side, name)) for side in (one, other)), atol=1e-4, rtol=0)


def test_adapters_write_apart(role: Role) -> None:
    texts = {
        adapter: [done.ids for done in written(Role(role.model, adapter))] for adapter in (None, "policy", "other")
    }
    assert texts["policy"] != texts[None] != texts["other"] != texts["policy"]


def test_adapters_that_are_more_than_one_matrix_write_as_they_are(role: Role) -> None:
    layer = role.model.causal.model.layers[0].self_attn.q_proj
    layer.lora_B["policy"].bias = nn.Parameter(torch.ones(layer.out_features))
    during: list[int] = []
    written(role, on_token=lambda *_: during.append(copied(role.model)))
    assert set(during) == {14}


def test_it_is_known_whether_a_copy_writes(role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    assert swift_layers.writes_from_copy(role, TOKENS)
    assert not swift_layers.writes_from_copy(role, swift_layers.FEWEST_TOKENS - 1)
    monkeypatch.setattr(swift_layers, "MOST_BYTES", 0)
    assert not swift_layers.writes_from_copy(role, TOKENS)


def test_few_tokens_are_not_worth_a_copy(role: Role) -> None:
    during: list[int] = []
    written(role, swift_layers.FEWEST_TOKENS - 1, on_token=lambda *_: during.append(copied(role.model)))
    assert set(during) == {0}


def test_an_evaluation_lays_the_weights_out_once(role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    lay_out = swift_layers.laid_out
    monkeypatch.setattr(swift_layers, "laid_out", lambda weight: made.append(1) or lay_out(weight))
    messages = [[{"role": "user", "content": ask}] for ask in ASKS]
    prompts = [role.model.chat.prompt(one, 256).ids for one in messages]
    asked = [Asked(place, one, ids) for place, (one, ids) in enumerate(zip(messages, prompts, strict=True))]
    config = EvaluateConfig(samples_per_prompt=2, max_new_tokens=TOKENS, prompts_per_chunk=1)
    parts = list(evaluate.write(role, asked, config, seed=1))
    assert (len(parts), len(made), copied(role.model)) == (3, 15, 0)
    # What each chunk would have written with a copy of its own.
    alone = [group for one in asked for group in next(evaluate.write(role, [one], config, seed=1))]
    assert len(made) == 15 * 4
    assert [said.text for said in parts[0][0]] == [said.text for said in alone[0]]
    # A chunk that fails leaves no copy behind either.
    unfinished = evaluate.write(role, asked, config, seed=1)
    next(unfinished)
    assert copied(role.model) == 15
    unfinished.close()
    assert copied(role.model) == 0


def test_the_copy_is_gone_after_an_error(role: Role) -> None:
    def fail(*_: int) -> None:
        raise OSError("nobody listens")

    with pytest.raises(OSError, match="nobody listens"):
        written(role, on_token=fail)
    assert copied(role.model) == 0
