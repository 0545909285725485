import pytest
import torch

from workers.rlhf import models, sampling
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.sampling import Completion, Sampling, draw, nucleus, row_seed, sample

ASKS = ["What is a river?", "Say hello.", "Please tell me where all of the birds sleep."]


@pytest.fixture
def prompts(tiny: LanguageModel) -> list[list[int]]:
    return [tiny.chat.prompt([{"role": "user", "content": ask}], 256).ids for ask in ASKS]


def written(
    model: LanguageModel, prompts: list[list[int]], plan: Sampling, *, count: int = 3, **more
) -> list[Completion]:
    owner = [place for place in range(len(prompts)) for _ in range(count)]
    seeds = [row_seed(7, len(prompts[place]), index) for index, place in enumerate(owner)]
    return sample(Role(model, None), prompts, owner, seeds, plan, **more)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_logprobs_are_those_of_the_model_reading_the_text(
    tiny: LanguageModel, prompts: list[list[int]], temperature: float
) -> None:
    done = written(tiny, prompts, Sampling(temperature=temperature, max_new_tokens=24))
    assert len({len(completion.ids) for completion in done}) > 1
    for row, completion in enumerate(done):
        ids = torch.tensor([prompts[row // 3] + completion.ids])
        with torch.no_grad():
            logits = tiny.causal(input_ids=ids).logits[0, len(prompts[row // 3]) - 1 : -1]
        expected = torch.log_softmax(logits / temperature, -1)
        chosen = expected.gather(1, torch.tensor(completion.ids)[:, None])[:, 0]
        assert (chosen - torch.tensor(completion.logprobs)).abs().max() <= 1e-4
        entropy = -(expected.exp() * expected).sum(-1)
        assert (entropy - torch.tensor(completion.entropies)).abs().max() <= 1e-4


def test_the_same_seed_writes_the_same_text(tiny: LanguageModel, prompts: list[list[int]]) -> None:
    plan = Sampling(max_new_tokens=24)
    one, other = written(tiny, prompts, plan), written(tiny, prompts, plan)
    assert [completion.ids for completion in one] == [completion.ids for completion in other]
    assert [completion.logprobs for completion in one] == [completion.logprobs for completion in other]
    assert len({tuple(completion.ids) for completion in one[:3]}) > 1


def test_a_text_does_not_depend_on_its_company(tiny: LanguageModel, prompts: list[list[int]]) -> None:
    plan = Sampling(max_new_tokens=24)
    together = written(tiny, prompts, plan)
    seeds = [row_seed(7, len(prompts[0]), index) for index in range(3)]
    alone = sample(Role(tiny, None), prompts[:1], [0], seeds[1:2], plan)
    assert alone[0].ids == together[1].ids
    assert torch.allclose(torch.tensor(alone[0].logprobs), torch.tensor(together[1].logprobs), atol=1e-4)


def test_temperature_zero_is_what_generate_writes_greedily(tiny: LanguageModel, prompts: list[list[int]]) -> None:
    done = written(tiny, prompts, Sampling(temperature=0.0, max_new_tokens=24), count=1)
    for prompt, completion in zip(prompts, done, strict=True):
        ids = torch.tensor([prompt])
        expected = tiny.causal.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=24,
            eos_token_id=tiny.chat.stop_id,
            pad_token_id=tiny.chat.pad_id,
        )
        assert completion.ids == expected[0, len(prompt) :].tolist()


def test_a_completion_stops_at_the_stop_token_or_at_its_longest(tiny: LanguageModel, prompts: list[list[int]]) -> None:
    heard: list[int] = []
    done = written(tiny, prompts, Sampling(max_new_tokens=12), count=6, on_finished=lambda row, _: heard.append(row))
    assert sorted(heard) == list(range(18))
    assert {completion.stopped for completion in done} == {True, False}
    for completion in done:
        assert completion.ids.count(tiny.chat.stop_id) == int(completion.stopped)
        assert completion.stopped == (completion.ids[-1] == tiny.chat.stop_id)
        assert completion.stopped or len(completion.ids) == 12


def test_leaving_early_changes_nothing_for_those_who_stay(
    tiny: LanguageModel, prompts: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Sampling(max_new_tokens=24)
    compacted = written(tiny, prompts, plan)
    monkeypatch.setattr(sampling, "FINISHED_SHARE", 2.0)
    assert [completion.ids for completion in written(tiny, prompts, plan)] == [c.ids for c in compacted]


def test_values_are_read_before_each_token(tiny: LanguageModel, prompts: list[list[int]]) -> None:
    done = written(tiny, prompts, Sampling(max_new_tokens=6), value_of=lambda hidden: hidden.sum(-1))
    ids = torch.tensor([prompts[0] + done[0].ids])
    with torch.no_grad():
        states = tiny.backbone(input_ids=ids).last_hidden_state[0, len(prompts[0]) - 1 : -1]
    assert torch.allclose(torch.tensor(done[0].values), states.sum(-1), atol=1e-3)


def test_an_adapter_writes_its_own_text(tiny: LanguageModel, prompts: list[list[int]]) -> None:
    models.add_adapter(tiny, "policy", rank=2, alpha=8, layers=0)
    for weight in tiny.parameters_of("policy"):
        torch.nn.init.normal_(weight, std=0.5)
    plan = Sampling(max_new_tokens=12)
    bare = sample(Role(tiny, None), prompts[:1], [0], [1], plan)
    assert sample(Role(tiny, "policy"), prompts[:1], [0], [1], plan)[0].ids != bare[0].ids


def test_draws_follow_the_probabilities() -> None:
    logprob = torch.tensor([[0.2, 0.5, 0.3]]).log().expand(1000, 3)
    token = draw(logprob, (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000, Sampling(max_new_tokens=1))
    assert torch.bincount(token).tolist() == [200, 500, 300]


def test_the_nucleus_is_the_smallest_set_that_holds_enough() -> None:
    prob, token = nucleus(torch.tensor([[0.1, 0.6, 0.3]]), 0.7)
    assert token.tolist() == [[1, 2, 0]]
    assert (prob > 0).tolist() == [[True, True, False]]
    uniform = torch.linspace(0, 0.999, 100, dtype=torch.float64)
    logprob = torch.tensor([[0.1, 0.6, 0.3]]).log().expand(100, 3)
    assert set(draw(logprob, uniform, Sampling(top_p=0.7, max_new_tokens=1)).tolist()) == {1, 2}


def test_seeds_tell_their_parts_apart() -> None:
    assert row_seed(1, 23, 4) == row_seed(1, 23, 4)
    assert len({row_seed(1, 23, 4), row_seed(12, 3, 4), row_seed(1, 2, 34), row_seed(1, 23, 5)}) == 4
    assert 0 <= row_seed(1) < 2**63
