from dataclasses import replace

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from tests.tiny_model import tiny_tokenizer
from workers.rlhf import models, sampling, sampling_rows
from workers.rlhf.data import chat_of
from workers.rlhf.drawing import likeliest, penalty
from workers.rlhf.models import LanguageModel, Role
from workers.rlhf.sampling import Completion, Sampling, draw, nucleus, row_seed, sample, text_of

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
    monkeypatch.setattr(sampling_rows, "FINISHED_SHARE", 2.0)
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


MANY = [*ASKS, "Hello.", "Is the sea as deep as it is blue, and what do cats eat?", "Name a colour.", "Tea?"]


def asked(model: LanguageModel) -> list[list[int]]:
    return [model.chat.prompt([{"role": "user", "content": ask}], 256).ids for ask in MANY]


@pytest.mark.parametrize("width", [4, 7])
def test_waiting_completions_take_the_places_of_finished_ones_and_change_nobodys_text(
    tiny: LanguageModel, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    plan, prompts = Sampling(max_new_tokens=24), asked(tiny)
    together = written(tiny, prompts, plan)
    joined: list[tuple[int, int]] = []
    join = sampling_rows.Rows.join

    def watched(rows: sampling_rows.Rows, fresh: list[int]) -> torch.Tensor:
        before = len(rows.live)
        states = join(rows, fresh)
        joined.append((before, len(rows.rows)))
        return states

    monkeypatch.setattr(sampling_rows.Rows, "join", watched)
    queued = written(tiny, prompts, plan, width=width)
    assert [completion.ids for completion in queued] == [completion.ids for completion in together]
    for one, other in zip(queued, together, strict=True):
        assert torch.allclose(torch.tensor(one.logprobs), torch.tensor(other.logprobs), atol=1e-4)
    # Some came in while others were still writing, and the batch was never wider than it may be.
    assert any(before > 0 for before, _ in joined)
    assert all(after <= width for _, after in joined)
    again = written(tiny, prompts, plan, width=width)
    assert [one.logprobs for one in again] == [one.logprobs for one in queued]


def test_a_queue_of_a_model_with_virtual_tokens_or_without_a_cache_goes_in_waves(
    tiny: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, prompts = Sampling(max_new_tokens=12), asked(tiny)[:4]
    models.add_virtual_tokens(tiny, "soft", "p_tuning", [5, 6, 7])
    role = Role(tiny, "soft")
    owner, seeds = [0, 0, 1, 1, 2, 2, 3, 3], list(range(8))
    waves = sample(role, prompts, owner, seeds, plan, width=3)
    assert [one.ids for one in waves] == [one.ids for one in sample(role, prompts, owner, seeds, plan)]
    plain = written(tiny, prompts, plan)
    monkeypatch.setattr(sampling, "shares_prefix", lambda _: False)
    assert [one.ids for one in written(tiny, prompts, plan, width=5)] == [one.ids for one in plain]


def test_a_completion_that_waits_for_others_needs_no_further_position(monkeypatch: pytest.MonkeyPatch) -> None:
    """With learnt positions there is none behind the last: who fills them all stays quiet until the batch shrinks."""
    tokenizer = tiny_tokenizer()
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=24, n_embd=32, n_layer=1, n_head=2)
    model = LanguageModel(GPT2LMHeadModel(config).eval(), replace(chat_of(tokenizer), stop_id=-1), "")

    def ends(self: sampling_rows.Rows, done: Completion) -> str | None:
        """All but the first completion end after five tokens."""
        return "." if len(done.ids) == 5 and done is not self.completions[0] else None

    monkeypatch.setattr(sampling_rows.Rows, "_stop_string", ends)
    owner = [0, *[1] * 12]
    plan = Sampling(max_new_tokens=12)
    done = sample(Role(model, None), [[5] * 12, [7] * 3], owner, [row_seed(n) for n in owner], plan, width=5)
    assert [len(one.ids) for one in done] == [12, *[5] * 12]


def test_tokens_are_heard_of_as_they_are_written(tiny: LanguageModel, prompts: list[list[int]]) -> None:
    heard: dict[int, list[int]] = {row: [] for row in range(9)}
    done = written(
        tiny,
        prompts,
        Sampling(max_new_tokens=8),
        width=4,
        on_token=lambda row, token: heard[row].append(token),
    )
    assert [heard[row] for row in range(9)] == [completion.ids for completion in done]


def test_penalties_lower_what_was_written_before() -> None:
    count = torch.tensor([[0.0, 1.0, 3.0]])
    plan = Sampling(presence_penalty=0.5, frequency_penalty=0.25, max_new_tokens=1)
    assert penalty(count, plan).tolist() == [[0.0, 0.75, 1.25]]


def test_a_penalty_chooses_the_tokens_and_leaves_their_log_probabilities(
    tiny: LanguageModel, prompts: list[list[int]]
) -> None:
    plain = written(tiny, prompts, Sampling(temperature=0.0, max_new_tokens=20), count=1)
    strict = Sampling(temperature=0.0, frequency_penalty=50.0, max_new_tokens=20)
    done = written(tiny, prompts, strict, count=1)
    assert any(len(set(one.ids)) < len(one.ids) for one in plain)
    for prompt, completion in zip(prompts, done, strict=True):
        assert len(set(completion.ids)) == len(completion.ids)
        with torch.no_grad():
            logits = tiny.causal(input_ids=torch.tensor([prompt + completion.ids])).logits[0, len(prompt) - 1 : -1]
        chosen = logits.log_softmax(-1).gather(1, torch.tensor(completion.ids)[:, None])[:, 0]
        assert torch.allclose(chosen, torch.tensor(completion.logprobs), atol=1e-4)
    queued = written(tiny, prompts, strict, count=3, width=4)
    assert [one.ids for one in queued[::3]] == [one.ids for one in done]


def test_the_likeliest_few_and_their_nucleus() -> None:
    prob = torch.tensor([[0.1, 0.4, 0.2, 0.3]])
    kept, token = likeliest(prob, 3, 1.0)
    assert token.tolist() == [[1, 3, 2]]
    assert kept.tolist()[0] == pytest.approx([4 / 9, 3 / 9, 2 / 9])
    # Of the three the first two hold 7/9.
    assert (likeliest(prob, 3, 0.7)[0] > 0).tolist() == [[True, True, False]]
    uniform = torch.linspace(0, 0.999, 90, dtype=torch.float64)
    drawn = draw(prob.log().expand(90, 4), uniform, Sampling(top_k=2, max_new_tokens=1))
    assert set(drawn.tolist()) == {1, 3}
    one = draw(prob.log().expand(90, 4), uniform, Sampling(top_k=1, max_new_tokens=1))
    assert set(one.tolist()) == {1}


def test_a_completion_ends_before_a_stop_string(tiny: LanguageModel, prompts: list[list[int]]) -> None:
    plan = Sampling(max_new_tokens=24)
    plain = written(tiny, prompts, plan)
    stopping = written(tiny, prompts, Sampling(max_new_tokens=24, stop_strings=("an", " the")))
    ended = 0
    for one, other in zip(plain, stopping, strict=True):
        whole = tiny.chat.text(one.ids)
        assert one.ids[: len(other.ids)] == other.ids
        if other.stop_string is None:
            assert "an" not in whole
            assert " the" not in whole
            continue
        ended += 1
        text = text_of(tiny.chat, other)
        assert whole.startswith(text + other.stop_string)
        assert "an" not in text
        assert " the" not in text
        assert not other.stopped or other.ids[-1] == tiny.chat.stop_id
    assert ended > 0
