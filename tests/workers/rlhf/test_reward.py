from itertools import chain, islice
from pathlib import Path

import pytest
import torch

from tests.workers.rlhf.conftest import ranked_rows
from workers.rlhf import checkpoints, models, reward, reward_report
from workers.rlhf.course import Course
from workers.rlhf.heads import ScoreHead
from workers.rlhf.pairs import RankedPrompt, ranked_prompt
from workers.rlhf.reward import Reader, RewardModel
from workers.rlhf.reward_configs import RewardConfig
from workers.rlhf.scale import anchor, within_prompt_deviation
from workers.rlhf.training import NonFiniteError

QUICK = {"lora_layers": 1, "lora_rank": 4, "minimum_steps": 4, "learning_rate": 5e-3, "head_learning_rate": 5e-2}


def prompts_of(**more) -> list[RankedPrompt]:
    return [ranked_prompt(row) for row in ranked_rows(**more)]


def build(base: Path, config: RewardConfig) -> tuple[RewardModel, Reader, checkpoints.Training]:
    model = models.load_base(base, full=config.method == "full")
    trained = RewardModel(model, config, tie_rate=0.2, seed=1, annotators=["1"])
    return trained, Reader(model, config), reward.training_of(trained, config)


def train(base: Path, prompts: list[RankedPrompt], config: RewardConfig):
    trained, reader, training = build(base, config)
    learnt_from = [prompt for prompt in prompts if prompt.split == "train"]
    steps = list(reward.train(trained, reader, Course.of(learnt_from, config, seed=1), training, seed=2))
    metrics, report = reward_report.settle(trained, reader, prompts, config)
    return trained, steps, metrics, report


@pytest.mark.parametrize("method", ["lora", "full"])
def test_it_learns_what_people_prefer_and_holds_out_what_it_must(tiny_base: Path, method: str) -> None:
    config = RewardConfig(**QUICK | {"method": method, "minimum_steps": 20, "full_learning_rate": 1e-3})
    _, steps, metrics, report = train(tiny_base, prompts_of(), config)
    assert len(steps) == 20
    assert steps[0].metrics["loss"] == pytest.approx(0.69, abs=0.35)
    assert metrics["accuracy/train"] == 1.0
    assert metrics["accuracy/held_out"] == 1.0
    assert metrics["pairs/held_out"] == 12
    assert report["held_out"] == {"prompts": 2, "reason": None}


@pytest.mark.parametrize(
    "more",
    [
        {"likelihood": "plackett_luce"},
        {"likelihood": "davidson_luce", "annotators": "parameters"},
        {"ties": "rao_kupper", "annotators": "parameters", "heads": 3},
    ],
)
def test_every_likelihood_learns_what_people_prefer(tiny_base: Path, more: dict) -> None:
    config = RewardConfig(**QUICK | {"minimum_steps": 15} | more)
    trained, steps, metrics, _ = train(tiny_base, prompts_of(ranks=[2, 3, 1, 2]), config)
    assert metrics["accuracy/held_out"] == 1.0
    assert steps[-1].metrics["loss"] < steps[0].metrics["loss"]
    assert (metrics["ties/parameter"] is None) == (config.likelihood == "plackett_luce")
    assert (trained.likelihood.annotators is None) == (config.annotators == "equal")


@pytest.mark.parametrize("ties", ["drop", "half", "rao_kupper", "davidson"])
def test_one_ranking_is_enough(tiny_base: Path, ties: str) -> None:
    config = RewardConfig(**QUICK | {"ties": ties})
    _, steps, metrics, report = train(tiny_base, prompts_of(prompts=1, held_out=0, ranks=[1, 2, 2, 3]), config)
    assert len(steps) == 4
    assert metrics["accuracy/held_out"] is None
    assert report["held_out"]["reason"].startswith("no ranked prompt")
    assert metrics["ties/pairs"] == 1
    assert (metrics["ties/parameter"] is not None) == (ties in {"rao_kupper", "davidson"})


@pytest.mark.parametrize(("ties", "steps"), [("drop", 0), ("half", 4), ("davidson", 4)])
def test_when_all_tied_nothing_or_only_closeness_is_learnt(tiny_base: Path, ties: str, steps: int) -> None:
    config = RewardConfig(**QUICK | {"ties": ties})
    _, done, metrics, report = train(tiny_base, prompts_of(ranks=[1, 1, 1, 1]), config)
    assert len(done) == steps
    assert metrics["accuracy/train"] is None
    assert metrics["ties/share"] == 1.0
    assert report["held_out"]["reason"] == "every held-out pair is a tie"


def test_the_scale_is_one_within_prompts_and_zero_on_average(tiny_base: Path) -> None:
    prompts = prompts_of()
    config = RewardConfig(**QUICK)
    trained, _, metrics, report = train(tiny_base, prompts, config)
    scored = reward_report.score(trained, Reader(trained.language_model, config), prompts)
    scores = [trained.head.gain * entry.raw_N + trained.head.bias for entry in scored]
    assert within_prompt_deviation(scores) == pytest.approx(1, rel=1e-4)
    assert float(torch.cat(scores).mean()) == pytest.approx(0, abs=1e-4)
    assert metrics["scale/deviation"] == pytest.approx(1 / float(trained.head.gain), rel=1e-5)
    assert report["anchored_on"]["prompts"] == len(prompts)


def test_the_scale_by_hand() -> None:
    head = ScoreHead(4)
    # Deviations from the prompts' means are ±1 and ±2, freedom is 2: the SD is √((1 + 1 + 4 + 4) / 2).
    raw = [torch.tensor([9.0, 11.0]), torch.tensor([-2.0, 2.0])]
    anchor(head, raw)
    assert float(head.gain) == pytest.approx(5**-0.5)
    assert float(head.bias) == pytest.approx(-5 * 5**-0.5)


def test_chunks_are_only_a_matter_of_memory(tiny_base: Path) -> None:
    after = []
    for size in (1, 3, 8):
        config = RewardConfig(**QUICK | {"prompts_per_chunk": size, "minimum_steps": 2})
        trained, _, _, _ = train(tiny_base, prompts_of(), config)
        after.append(torch.cat([weight.detach().flatten() for weight in trained.trunk().values()]))
    for other in after[1:]:
        assert torch.cosine_similarity(after[0], other, dim=0) > 0.99999


def test_prompts_go_together_while_their_tokens_with_padding_fit(tiny_base: Path) -> None:
    _, reader, _ = build(tiny_base, RewardConfig(**QUICK))
    prompts = prompts_of()
    batches = {id(prompt): reader.tokens(prompt) for prompt in prompts}
    for room in (1, 200, 450, 10**6):
        parts = [list(part) for part in reader.that_fit(prompts, room)]
        assert [prompt for part in parts for prompt in part] == prompts
        sizes = []
        for part in parts:
            inside = [batches[id(prompt)] for prompt in part]
            width = max(batch.prompt.size(1) for batch in inside) + max(batch.reply.size(1) for batch in inside)
            sizes.append(width * sum(len(batch.reply) for batch in inside))
        assert all(size <= room or len(part) == 1 for size, part in zip(sizes, parts, strict=True))
        assert len(parts) == {1: 8, 10**6: 1}.get(room, len(parts))
    assert 1 < len(list(reader.that_fit(prompts, 450))) < 8
    # Without a number, a CPU takes a few hundred tokens.
    assert list(reader.parts(prompts)) == list(reader.that_fit(prompts, 512))


def test_the_order_of_completions_changes_no_score(tiny_base: Path) -> None:
    config = RewardConfig(**QUICK)
    trained, reader, _ = build(tiny_base, config)
    row = ranked_rows()[0]
    straight = reward_report.score(trained, reader, [ranked_prompt(row)])[0].raw_N
    row["completions"].reverse()
    turned = reward_report.score(trained, reader, [ranked_prompt(row)])[0].raw_N
    torch.testing.assert_close(turned.flip(0), straight, atol=1e-6, rtol=1e-5)


def test_the_stop_token_is_read(tiny_base: Path) -> None:
    """A completion that was never ended would get another score: the head sits on the stop token."""
    trained, reader, _ = build(tiny_base, RewardConfig(**QUICK))
    batch = reader.read([prompts_of()[0]])
    stop = trained.language_model.chat.stop_id
    tokens = reader.tokens(prompts_of()[0])
    last_N = tokens.reply_mask_NR.sum(1) - 1
    assert tokens.reply[torch.arange(4), last_N].tolist() == [stop] * 4
    shorter = tokens.reply_mask_NR.clone()
    shorter[torch.arange(4), last_N] = False
    states = trained.role.states(batch)
    assert not torch.allclose(states.last(shorter), states.last(tokens.reply_mask_NR))


@pytest.mark.parametrize("read", ["stop", "mean"])
def test_a_resumed_run_ends_with_the_very_same_weights(tiny_base: Path, tmp_path: Path, read: str) -> None:
    more = {"prompts_per_step": 2, "ties": "davidson", "minimum_steps": 6, "annotators": "parameters", "heads": 2}
    config = RewardConfig(**QUICK | more | {"read": read})
    course = Course.of(prompts_of(), config, seed=1)
    straight, reader, training = build(tiny_base, config)
    assert len(list(reward.train(straight, reader, course, training, seed=2))) == 6
    first, reader, training = build(tiny_base, config)
    for step in islice(reward.train(first, reader, course, training, seed=2), 3):
        done = step.number
    saved = checkpoints.save(tmp_path, done, training)
    second, reader, training = build(tiny_base, config)
    done = checkpoints.load(saved.path, training)
    assert [step.number for step in reward.train(second, reader, course, training, seed=2, done=done)] == [
        4,
        5,
        6,
    ]
    expected = reward.training_of(straight, config).weights
    for name, weight in training.weights.items():
        assert torch.equal(weight, expected[name]), name


def test_numbers_that_are_none_stop_the_run(tiny_base: Path) -> None:
    config = RewardConfig(**QUICK)
    trained, reader, training = build(tiny_base, config)
    with torch.no_grad():
        trained.head.weight[0] = float("nan")
    with pytest.raises(NonFiniteError, match="loss is nan"):
        list(reward.train(trained, reader, Course.of(prompts_of(), config, seed=1), training, seed=2))


def test_long_texts_are_cut(tiny_base: Path) -> None:
    config = RewardConfig(**QUICK | {"max_completion_tokens": 4, "max_prompt_tokens": 8})
    _, _, metrics, _ = train(tiny_base, prompts_of(), config)
    assert metrics["accuracy/train"] is not None


def test_every_pass_shows_every_prompt_once_in_an_order_of_its_own() -> None:
    prompts = prompts_of()
    config = RewardConfig(prompts_per_step=3, epochs=2, minimum_steps=1)
    steps = [[prompt.prompt_id for prompt in chosen] for chosen in reward.batches(prompts, config, 1)]
    assert [len(step) for step in steps] == [3, 3, 2, 3, 3, 2]
    first, second = list(chain(*steps[:3])), list(chain(*steps[3:]))
    assert sorted(first) == sorted(second) == list(range(8))
    assert first != second


def test_a_small_set_is_repeated_up_to_the_fewest_steps() -> None:
    config = RewardConfig(prompts_per_step=8, epochs=1, minimum_steps=5)
    assert len(list(reward.batches(prompts_of(), config, 1))) == 5
    assert list(reward.batches([], config, 1)) == []
