"""RLOO, GRPO, DPO and best-of-n against their formulas: by enumeration, by hand, and by plain transformers."""

from dataclasses import replace
from itertools import combinations, islice, product
from math import log
from pathlib import Path

import pytest
import torch
from torch import Tensor, tensor

from tests.workers.rlhf.conftest import ranked_rows, write_job
from tests.workers.rlhf.test_ppo import ask, save_reward
from workers.rlhf import best_of_n, cast, checkpoints, compare, dpo, rollout
from workers.rlhf.advantages import group_advantages, without_siblings_mean
from workers.rlhf.alternative_configs import BestOfNConfig, DpoConfig
from workers.rlhf.artifacts import artifact_sha256, read_description
from workers.rlhf.cast import Cast
from workers.rlhf.checkpoints import Training
from workers.rlhf.course import Course, Likelihood
from workers.rlhf.data import BadDataError, read_lines
from workers.rlhf.dpo import Pair
from workers.rlhf.job import Event, open_job
from workers.rlhf.judged_prompts import fingerprint, judged_behind
from workers.rlhf.launch import launch
from workers.rlhf.losses import completion_losses, group_losses
from workers.rlhf.pairs import RankedPrompt, ranked_prompt
from workers.rlhf.policy_configs import GrpoConfig, Online, RlooConfig

SMALL = {"max_new_tokens": 8, "lora_layers": 1, "lora_rank": 4, "prompts_per_chunk": 2}
ROUND = SMALL | {"updates": 3, "prompts_per_update": 3, "samples_per_prompt": 3, "warmup_updates": 0}


@pytest.fixture(scope="module")
def reward_folder(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_reward(tiny_base, tmp_path_factory.mktemp("reward") / "artifact")


# RLOO


@pytest.mark.parametrize("count", [2, 3])
def test_leave_one_out_is_the_gradient_of_the_expected_reward(count: int) -> None:
    """Over all outcomes of `count` draws among three completions of one token, weighted by their probability."""
    logit = tensor([0.3, -0.7, 0.1], requires_grad=True)
    reward = tensor([1.0, -2.0, 0.5])
    (exact,) = torch.autograd.grad((logit.softmax(0) * reward).sum(), logit)
    chance = logit.detach().softmax(0)
    estimate = torch.zeros(3)
    mask_BT, owner_B = torch.ones(count, 1, dtype=torch.bool), torch.zeros(count)
    for drawn in product(range(3), repeat=count):
        places = tensor(drawn)
        logprob_BT = logit.log_softmax(0)[places][:, None]
        advantage_B = without_siblings_mean(reward[places], owner_B)
        loss = completion_losses(logprob_BT, logprob_BT.detach(), advantage_B, mask_BT, clip=0.2) / count
        (gradient,) = torch.autograd.grad(loss, logit)
        estimate -= chance[places].prod() * gradient
    torch.testing.assert_close(estimate, exact, atol=1e-6, rtol=1e-5)


def test_a_completion_is_one_action_with_one_ratio() -> None:
    old, mask = tensor([[-1.0, -1.0, 9.0]]), tensor([[True, True, False]])
    new = old + tensor([[0.3, 0.2, 5.0]])
    # The ratio of the whole is exp(0.5) = 1.65: above the clip for a gain, and counted in full for a loss.
    loss = lambda a: float(completion_losses(new, old, tensor([a]), mask, clip=0.2))  # noqa: E731
    assert loss(2.0) == pytest.approx(-2.0 * 1.2)
    assert loss(-2.0) == pytest.approx(2.0 * 1.6487, rel=1e-4)


def test_what_a_completion_is_paid_in_rloo_is_its_score_less_the_price_of_its_distance(
    tiny_base: Path, reward_folder: Path
) -> None:
    config = RlooConfig(**ROUND, kl_coefficient=0.5, missing_stop_penalty=0.25)
    players = cast.assemble(tiny_base, reward_folder, config, seed=1)
    seen = rollout.look(players, rollout.answer(players, ask(players), config, count=3, seed=(1,)), config)
    seen = replace(seen, kl_NR=torch.rand(seen.kl_NR.shape) * seen.mask_NR)
    own = seen.score_N - 0.25 * (~seen.answers.stopped_N).float() - 0.5 * seen.kl_NR.sum(1)
    expected = [float(own[n] - (own[n // 3 * 3 : n // 3 * 3 + 3].sum() - own[n]) / 2) for n in range(18)]
    assert compare.advantages_of(seen, config).tolist() == pytest.approx(expected, abs=1e-5)


# GRPO


def test_group_advantages_have_mean_zero_and_the_groups_own_spread() -> None:
    score, owner = tensor([1.0, 2.0, 6.0, 5.0, 5.0]), tensor([0, 0, 0, 1, 1])
    around = [-2.0, -1.0, 3.0, 0.0, 0.0]
    assert group_advantages(score, owner, scaled=False).tolist() == pytest.approx(around)
    spread = 7**0.5
    expected = [one / (spread + 1e-4) for one in around]
    assert group_advantages(score, owner, scaled=True).tolist() == pytest.approx(expected)


def test_the_group_objective_is_that_of_equation_3() -> None:
    old = tensor([[-1.0, -2.0], [-0.5, 7.0]])
    new = tensor([[-0.9, -2.3], [-0.1, 3.0]])
    reference = tensor([[-1.2, -1.9], [-0.4, 0.0]])
    mask = tensor([[True, True], [True, False]])
    advantage, clip, beta = [1.5, -0.5], 0.2, 0.04

    def token(row: int, place: int) -> float:
        ratio = float((new - old)[row, place].exp())
        d = float((reference - new)[row, place])
        surrogate = min(ratio * advantage[row], min(max(ratio, 1 - clip), 1 + clip) * advantage[row])
        return surrogate - beta * (torch.tensor(d).exp().item() - d - 1)

    settings = {"clip": clip, "kl_coefficient": beta}
    loss = group_losses(new, old, reference, tensor(advantage), mask, **settings)
    assert float(loss) == pytest.approx(-((token(0, 0) + token(0, 1)) / 2 + token(1, 0)), rel=1e-5)
    evenly = group_losses(new, old, reference, tensor(advantage), mask, **settings, longest=10)
    assert float(evenly) == pytest.approx(-(token(0, 0) + token(0, 1) + token(1, 0)) / 10, rel=1e-5)


# Both


@pytest.mark.parametrize("config", [RlooConfig(**ROUND), GrpoConfig(**ROUND), GrpoConfig(**ROUND, length="sum")])
def test_chunks_are_only_a_matter_of_memory(tiny_base: Path, reward_folder: Path, config: Online) -> None:
    players = cast.assemble(tiny_base, reward_folder, config, seed=1)
    seen = rollout.look(players, rollout.answer(players, ask(players), config, count=3, seed=(1,)), config)
    compared = compare.Compared(seen=seen, advantage_N=compare.advantages_of(seen, config))
    gradients = []
    for size in (1, 6):
        numbers = compare.accumulate(players, compared, replace(config, prompts_per_chunk=size), [4, 0, 1, 5, 3, 2])
        assert numbers["policy/ratio_error"] < 1e-4
        gradients.append(torch.cat([w.grad.flatten() for w in cast.policy_weights(players.policy).values()]))
        for weight in players.trained().values():
            weight.grad = None
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-6, rtol=1e-3)
    assert float(gradients[0].norm()) > 0


@pytest.mark.parametrize("kind", [RlooConfig, GrpoConfig])
def test_the_policy_learns_what_is_rewarded(
    tiny_base: Path, reward_folder: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Online]
) -> None:
    config = kind(
        **ROUND
        | {"updates": 8, "prompts_per_update": 6, "samples_per_prompt": 6, "kl_coefficient": 0.01, "stop_kl": 0.0}
        | {"learning_rate": 1e-2, "missing_stop_penalty": 0.0, "epochs": 2, "minibatches": 2}
    )
    players = cast.assemble(tiny_base, reward_folder, config, seed=1)
    wanted = players.policy.model.chat.tokenizer.encode("B", add_special_tokens=False)[0]

    def has_letter(_: Cast, answers: rollout.Answers, __: Online) -> Tensor:
        return 2 * ((answers.batch.reply == wanted) & answers.action_NR).any(1).float()

    monkeypatch.setattr(rollout, "judge", has_letter)
    steps = list(compare.train(players, ask(players), config, compare.training_of(players, config), seed=1))
    assert steps[0].metrics["objective/kl"] == pytest.approx(0, abs=1e-3)
    assert steps[-1].metrics["objective/scores"] > steps[0].metrics["objective/scores"] + 0.4


@pytest.mark.parametrize("kind", [RlooConfig, GrpoConfig])
def test_a_resumed_run_ends_with_the_very_same_weights(
    tiny_base: Path, reward_folder: Path, tmp_path: Path, kind: type[Online]
) -> None:
    config = kind(**ROUND)

    def start() -> tuple[Cast, Training]:
        players = cast.assemble(tiny_base, reward_folder, config, seed=1)
        return players, compare.training_of(players, config)

    straight, whole = start()
    told = [step.metrics for step in compare.train(straight, ask(straight), config, whole, seed=1)]
    first, half = start()
    list(islice(compare.train(first, ask(first), config, half, seed=1), 2))
    saved = checkpoints.save(tmp_path, 2, half)
    second, resumed = start()
    done = checkpoints.load(saved.path, resumed)
    again = compare.train(second, ask(second), config, resumed, seed=1, done=done)
    assert [step.metrics for step in again] == told[2:]
    for name, weight in second.trained().items():
        assert torch.equal(weight, straight.trained()[name])


# DPO


def ranked(**how: object) -> list[RankedPrompt]:
    return [ranked_prompt(row) for row in ranked_rows(**how)]


def dpo_pair(base: Path, config: DpoConfig, *, moved: bool = True) -> Pair:
    alone = cast.without_judge(base, config, seed=1)
    if moved:
        torch.manual_seed(2)
        for weight in alone.policy.model.parameters_of("policy"):
            torch.nn.init.normal_(weight, std=0.1)
    return Pair(alone.policy, alone.reference, config)


def loss_of(pair: Pair, prompts: list[RankedPrompt]) -> float:
    reading = dpo.as_reward(pair.config)
    course = Course.of(prompts, reading, seed=0)
    likelihood = Likelihood(reading, tie_rate=0.3)
    return float(course.loss(likelihood, pair.rewards(prompts)[:, None], prompts).detach()) / len(prompts)


def spoken(pair: Pair, prompt: RankedPrompt, adapter: str | None) -> list[float]:
    """What plain transformers says of each whole completion, one row at a time."""
    model = pair.policy.model
    asked = model.chat.prompt(prompt.messages, 384).ids
    said = []
    for text in prompt.texts:
        reply = model.chat.completion(text, 192).ids
        model.activate(adapter)
        with torch.no_grad():
            logprob = model.causal(input_ids=tensor([asked + reply])).logits[0, :-1].log_softmax(-1)
        said.append(float(logprob[len(asked) - 1 :].gather(1, tensor(reply)[:, None]).sum()))
    return said


def test_the_loss_is_that_of_every_pair_of_a_ranking(tiny_base: Path) -> None:
    """Four completions in one forward; -log σ(β (Δ log π/π₀)) over all six pairs (Rafailov et al. 2023, eq. 7)."""
    pair = dpo_pair(tiny_base, DpoConfig(beta=0.3, ties="drop", lora_layers=1))
    prompts = ranked()[:2]
    expected = []
    for prompt in prompts:
        policy, reference = spoken(pair, prompt, "policy"), spoken(pair, prompt, None)
        reward = [0.3 * (one - other) for one, other in zip(policy, reference, strict=True)]
        rank = prompt.judgments[0].ranks
        order = sorted(range(4), key=lambda place: rank[place])
        margins = tensor([reward[first] - reward[second] for first, second in combinations(order, 2)])
        expected.append(float(torch.nn.functional.softplus(-margins).mean()))
    assert loss_of(pair, prompts) == pytest.approx(sum(expected) / 2, abs=1e-4)


def test_a_policy_that_has_not_moved_is_undecided(tiny_base: Path) -> None:
    plain = DpoConfig(ties="drop", lora_layers=1)
    assert loss_of(dpo_pair(tiny_base, plain, moved=False), ranked()[:2]) == pytest.approx(log(2), abs=1e-5)
    # Rao–Kupper with θ = (1 + 0.3) / (1 - 0.3): log(1 + θ) for a decided pair, log((θ + 1) / (θ - 1)) for a tie.
    theta = 1.3 / 0.7
    tied = replace(plain, ties="rao_kupper")
    decided = loss_of(dpo_pair(tiny_base, tied, moved=False), ranked()[:2])
    assert decided == pytest.approx(log(1 + theta), abs=1e-4)
    all_tied = loss_of(dpo_pair(tiny_base, tied, moved=False), ranked(ranks=[1, 1, 1, 1])[:2])
    assert all_tied == pytest.approx(log((theta + 1) / (theta - 1)), abs=1e-4)


@pytest.mark.parametrize("likelihood", ["pairs", "plackett_luce", "davidson_luce"])
def test_the_order_in_which_completions_are_listed_says_nothing(tiny_base: Path, likelihood: str) -> None:
    pair = dpo_pair(tiny_base, DpoConfig(lora_layers=1, likelihood=likelihood))
    rows = ranked_rows(ranks=[2, 1, 2, 3])[:1]
    turned = [
        row | {"completions": row["completions"][::-1], "annotations": [{"annotator": "1", "ranks": [3, 2, 1, 2]}]}
        for row in rows
    ]
    one, other = ([ranked_prompt(row) for row in given] for given in (rows, turned))
    assert loss_of(pair, one) == pytest.approx(loss_of(pair, other), abs=1e-5)


def launched(folder: Path) -> list[Event]:
    events: list[Event] = []
    launch(open_job(folder, events.append))
    return events


def test_dpo_learns_what_people_prefer(tiny_base: Path, tmp_path: Path) -> None:
    config = {"minimum_steps": 12, "learning_rate": 5e-3, "lora_layers": 0, "beta": 0.5, "shown_tokens": 6}
    folder = write_job(tmp_path / "dpo", "dpo", ranked_rows(), {"policy": tiny_base}, config=config)
    events = launched(folder)
    losses = [event["metrics"]["loss"] for event in events if event["type"] == "metric" and "loss" in event["metrics"]]
    assert losses[-1] < losses[0] - 0.2
    result = events[-1]
    assert result["report"]["last"]["accuracy/held_out"] > 0.9
    assert result["report"]["first"]["eval/kl"] == pytest.approx(0, abs=1e-5)
    assert result["report"]["last"]["eval/kl"] > 0
    written = read_description(folder / "out")
    assert (written.kind, written.rewarded_by) == ("policy", [])
    assert judged_behind(folder / "out") == {fingerprint(row["messages"]) for row in ranked_rows()}


def test_dpo_needs_something_that_was_said(tiny_base: Path, tmp_path: Path) -> None:
    rows = ranked_rows(ranks=[1, 1, 1, 1])
    folder = write_job(tmp_path / "dpo", "dpo", rows, {"policy": tiny_base}, config={"ties": "drop"})
    with pytest.raises(BadDataError, match="learn from"):
        launched(folder)


# Best of n


def test_the_best_are_chosen_of_each_prompt() -> None:
    score = tensor([0.1, 0.9, 0.9, 3.0, -1.0, 2.0])
    owner = tensor([0, 0, 0, 1, 1, 1])
    assert list(best_of_n.best(score, owner, 1)) == [1, 3]
    assert list(best_of_n.best(score, owner, 2)) == [1, 2, 3, 5]


def test_the_distance_of_the_best_of_n_is_that_of_enumeration() -> None:
    """Among equally likely completions without equal scores the bound is met as they grow many."""
    n, many = 4, 2000
    below = torch.arange(many + 1, dtype=torch.float64) / many
    best = below[1:] ** n - below[:-1] ** n
    exact = float((best * (best * many).log()).sum())
    assert best_of_n.best_of_n_kl(n) == pytest.approx(exact, abs=1e-3)
    assert best_of_n.best_of_n_kl(1) == 0


def test_what_is_learnt_is_what_the_reward_model_likes_best(
    tiny_base: Path, reward_folder: Path, tmp_path: Path
) -> None:
    config = SMALL | {"samples_per_prompt": 4, "epochs": 4, "rows_per_step": 3, "learning_rate": 3e-3, "prompts": 5}
    folder = write_job(
        tmp_path / "best", "best_of_n", ranked_rows(), {"policy": tiny_base, "reward": reward_folder}, config=config
    )
    events = launched(folder)
    written = [event for event in events if event["type"] == "completion"]
    assert len(written) == 5 * 4
    for prompt in {event["prompt_id"] for event in written}:
        mine = [event for event in written if event["prompt_id"] == prompt]
        worth = [event["score"] - 0.5 * (event["finish_reason"] == "length") for event in mine]
        assert [event["chosen"] for event in mine] == [one == max(worth) for one in worth]
    kept = list(read_lines(folder / "out" / "completions.jsonl"))
    assert [one["score"] for one in kept] == [event["score"] for event in written]
    losses = [event["metrics"]["loss"] for event in events if event["type"] == "metric" and "loss" in event["metrics"]]
    assert losses[-1] < losses[0]
    metrics = events[-1]["metrics"]
    assert metrics["scores/chosen"] > metrics["scores/all"]
    assert metrics["kl/best_of_n"] == pytest.approx(log(4) - 0.75)
    assert read_description(folder / "out").rewarded_by == [artifact_sha256(reward_folder)]
    assert judged_behind(folder / "out") == judged_behind(reward_folder)


def test_lessons_are_the_very_tokens_that_were_written(tiny_base: Path, reward_folder: Path) -> None:
    config = BestOfNConfig(**SMALL, samples_per_prompt=2)
    players = cast.assemble(tiny_base, reward_folder, config, seed=1)
    questions = ask(players)
    candidates = [one for part in best_of_n.write(players, questions, config, seed=1) for one in part]
    assert best_of_n.from_bytes(best_of_n.as_bytes(candidates)) == candidates
    rows = best_of_n.lessons(questions, candidates)
    chosen = [one for one in candidates if one.chosen]
    assert len(rows) == 6
    for row, one, question in zip(rows, chosen, questions, strict=True):
        assert list(row.ids) == question.ids + one.ids
        assert list(row.learnt) == [False] * len(question.ids) + [True] * len(one.ids)
