"""Values: on a copy of the reward model, and when they explain nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch

from tests.tiny_model import EXCHANGES
from tests.workers.rlhf.conftest import write_job
from tests.workers.rlhf.players import answered, credited, gradient_of, played
from tests.workers.rlhf.test_ppo import SMALL, ask, save_reward
from workers.rlhf import advantages, credit, models, ppo, rollout
from workers.rlhf.artifacts import Description, describe, seal
from workers.rlhf.cast import Cast
from workers.rlhf.credit import BlindValueError
from workers.rlhf.heads import ScoreHead, save_head
from workers.rlhf.job import Event, open_job
from workers.rlhf.launch import launch
from workers.rlhf.policy_run import in_memory

APART = replace(SMALL, value="apart")
LONE = replace(SMALL, prompt_baseline="none")


@pytest.fixture(scope="module")
def reward_folder(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_reward(tiny_base, tmp_path_factory.mktemp("reward") / "artifact")


# Values on the policy's own states


def test_first_values_come_from_the_other_half_of_the_prompts(tiny_base: Path, reward_folder: Path) -> None:
    players = played(tiny_base, reward_folder, SMALL)
    answers = answered(players)
    torch.manual_seed(0)
    noise_NR = torch.zeros(answers.action_NR.shape)
    rows = torch.arange(18)
    noise_NR[rows, answers.action_NR.sum(1) - 1] = torch.randn(18)
    value_NR = credit.first_values(players, answers, noise_NR, torch.zeros(18), SMALL)
    return_NR = torch.flip(torch.flip(noise_NR, [1]).cumsum(1), [1])
    mask = answers.action_NR
    own = players.value_head(rollout.action_states(players.policy, answers, SMALL)).detach()
    # Fitted on all, noise is partly memorised; across the halves it can't be.
    assert float(torch.corrcoef(torch.stack([own, return_NR[mask]]))[0, 1]) > 0.3
    assert float(torch.corrcoef(torch.stack([value_NR[mask], return_NR[mask]]))[0, 1]) < 0.3


def test_values_that_lag_behind_the_returns_pay_nobody_for_ending(tiny_base: Path, reward_folder: Path) -> None:
    """With the same pay for all, no token is better than another; a head that says 2 too little must not matter."""
    players = played(tiny_base, reward_folder, LONE)
    answers = answered(players, LONE)
    value_NR = torch.full(answers.action_NR.shape, -2.0) * answers.action_NR
    last_N = answers.action_NR.sum(dim=1) - 1
    rows = torch.arange(len(last_N))
    reward_NR = torch.zeros_like(value_NR)
    reward_NR[rows, last_N] = 1.0

    def surprise(value_NR: torch.Tensor) -> torch.Tensor:
        return advantages.estimate_advantages(reward_NR, value_NR, answers.action_NR, discount=1.0, trace=0.95)

    # The damage: the last token has the whole lag, the first of ten little more than half of it.
    assert surprise(value_NR)[rows, last_N].tolist() == pytest.approx([3.0] * len(rows))
    assert float(surprise(value_NR)[last_N == 9, 0][0]) == pytest.approx(3.0 * 0.95**9)
    level_NR = credit.levelled(players, value_NR, reward_NR, answers.action_NR, LONE)
    assert float(surprise(level_NR).abs().max()) < 1e-6
    # The head says so from now on, and learns from there.
    assert players.value_head.bias.item() == pytest.approx(3.0)
    assert float(level_NR[~answers.action_NR].abs().sum()) == 0


@pytest.mark.parametrize("value", ["shared", "apart"])
def test_in_every_round_after_the_first_values_are_at_the_level_of_the_returns(
    tiny_base: Path, reward_folder: Path, value: Literal["shared", "apart"]
) -> None:
    config = replace(LONE, value=value)
    players = played(tiny_base, reward_folder, config)
    with torch.no_grad():
        players.value_head.bias.sub_(5.0)
    seen = credited(players, config, fit=False)
    rewards_NR = advantages.shape_rewards(
        rollout.paid(seen.score_N, seen.answers, config), seen.kl_NR, seen.mask_NR, kl_coefficient=0.3
    )
    return_NR = torch.flip(torch.flip(rewards_NR * seen.mask_NR, [1]).cumsum(1), [1])
    assert float((return_NR - seen.value_NR)[seen.mask_NR].mean()) == pytest.approx(0.0, abs=1e-4)
    # The head has moved with them: what it says of the same states is what the round goes on from.
    part = next(iter(rollout.passes(players.policy, seen.answers, replace(config, prompts_per_chunk=6))))
    again_NR = credit.part_values(players, seen, part, players.policy.states(part.batch)) * seen.mask_NR
    torch.testing.assert_close(again_NR, seen.value_NR, atol=1e-4, rtol=1e-4)


# Values apart


def test_values_apart_start_as_what_the_reward_model_says(tiny_base: Path, reward_folder: Path) -> None:
    players = played(tiny_base, reward_folder, APART)
    answers = answered(players, APART)
    zero_N = torch.zeros(18)
    value_NR = credit.values_of(players, answers, zero_N, APART)
    ended = answers.stopped_N.nonzero()[:, 0]
    # The value before an action is the score of the text so far: before the last one, of all but the stop token.
    for row in ended[:3].tolist():
        batch = answers.batch
        text = batch.reply[row][batch.reply_mask_NR[row]].tolist()
        players.reward.model.activate("reward")
        with torch.no_grad():
            ids = torch.tensor([ask(players)[row // 3].ids + text[:-1]])
            hidden = players.reward.model.backbone(input_ids=ids).last_hidden_state[0, -1]
        assert value_NR[row, len(text) - 1].item() == pytest.approx(
            float(players.score_head(hidden[None])[0]), abs=1e-4
        )


def test_values_apart_are_counted_from_the_mean_of_the_prompts_other_completions(
    tiny_base: Path, reward_folder: Path
) -> None:
    players = played(tiny_base, reward_folder, APART)
    seen = credited(players, APART, fit=False)
    raw_NR = credit.values_of(players, seen.answers, torch.zeros(18), APART)
    paid_N = rollout.paid(seen.score_N, seen.answers, APART)
    others_N = torch.stack([(paid_N[n // 3 * 3 : n // 3 * 3 + 3].sum() - paid_N[n]) / 2 for n in range(18)])
    torch.testing.assert_close(seen.value_NR, (raw_NR - others_N[:, None]) * seen.mask_NR, atol=1e-5, rtol=1e-4)


def test_a_critic_learns_beside_the_policy_and_the_judge_stays(tiny_base: Path, reward_folder: Path) -> None:
    players = played(tiny_base, reward_folder, APART)
    before = {name: weight.detach().clone() for name, weight in players.trained().items()}
    judge = [weight.detach().clone() for weight in players.reward.model.parameters_of("reward")]
    steps = list(ppo.train(players, ask(players), APART, ppo.training_of(players, APART), seed=1))
    assert in_memory(players) == "Models in memory: 0.00 GB for policy, reference, reward, critic."
    assert len(steps) == 4
    assert all(step.metrics["gradient_norm/policy"] > 0 for step in steps)
    assert all(step.metrics["gradient_norm/value"] > 0 for step in steps)
    moved = {name.split("/")[0] for name, weight in players.trained().items() if not torch.equal(before[name], weight)}
    assert moved == {"policy", "value", "critic"}
    for old, new in zip(judge, players.reward.model.parameters_of("reward"), strict=True):
        assert torch.equal(old, new)


def test_a_critic_changes_nothing_of_the_policys_gradient(tiny_base: Path, reward_folder: Path) -> None:
    """Its pass switches adapters; the policy's gradient must be in the buffer by then."""
    apart = played(tiny_base, reward_folder, APART)
    seen = credited(apart, APART, fit=False)
    ppo.accumulate(apart, seen, APART, range(6))
    alone = replace(SMALL, value_weight=0.0)
    shared = played(tiny_base, reward_folder, alone)
    ppo.accumulate(shared, replace(seen, answers=answered(shared)), alone, range(6))
    torch.testing.assert_close(gradient_of(apart), gradient_of(shared), atol=1e-6, rtol=1e-4)
    assert float(gradient_of(apart, "critic/").norm()) > 0


@pytest.fixture(scope="module")
def whole_reward(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "artifact"
    model = models.load_base(tiny_base)
    folder.mkdir()
    models.save_whole(model, folder)
    models.save_tokenizer(model, folder)
    save_head(ScoreHead(model.width), folder)
    describe(folder, Description(kind="reward", base_sha256=model.base_sha256))
    seal(folder)
    return folder


def test_a_whole_reward_model_gets_a_critic_of_its_own(tiny_base: Path, whole_reward: Path) -> None:
    players = played(tiny_base, whole_reward, APART)
    assert players.reward.model is not players.policy.model
    assert players.critic.model is players.reward.model
    assert in_memory(players) == "Models in memory: 0.00 GB for policy, reference; 0.00 GB for reward, critic."
    step = next(ppo.train(players, ask(players), APART, ppo.training_of(players, APART), seed=1))
    assert step.metrics["gradient_norm/value"] > 0


def test_where_all_weights_learn_a_critic_is_a_whole_copy_of_a_whole_reward_model(
    tiny_base: Path, whole_reward: Path
) -> None:
    config = replace(APART, method="full", full_learning_rate=1e-3)
    players = played(tiny_base, whole_reward, config)
    assert players.critic.adapter is None
    assert len({id(role.model) for role in (players.policy, players.reference, players.reward, players.critic)}) == 4
    judge = [weight.detach().clone() for weight in players.reward.model.causal.parameters()]
    start = {name: weight.detach().clone() for name, weight in players.trained().items()}
    training = ppo.training_of(players, config)
    assert [group["peak"] for group in training.optimizer.param_groups] == [1e-3, config.value_learning_rate, 1e-3]
    first, *_, last = ppo.train(players, ask(players), config, training, seed=1)
    assert first.metrics["policy/ratio_error"] < 1e-4
    assert last.metrics["gradient_norm/value"] > 0
    assert not {name for name, weight in players.trained().items() if torch.equal(start[name], weight)}
    for old, new in zip(judge, players.reward.model.causal.parameters(), strict=True):
        assert torch.equal(old, new)


# Values that explain nothing


def returns_like(players: Cast, noise: float, prompts: int = 6) -> credit.Rollout:
    answers = rollout.answer(players, ask(players, prompts), SMALL, count=3, seed=(1,))
    seen = credit.credit(players, answers, SMALL, kl_coefficient=0.3, fit_values=False)
    draw = torch.Generator().manual_seed(3)
    return_NR = torch.randn(seen.mask_NR.shape, generator=draw) * seen.mask_NR
    off_NR = torch.randn(seen.mask_NR.shape, generator=draw)
    return replace(seen, return_NR=return_NR, value_NR=(return_NR + noise * off_NR) * seen.mask_NR)


def test_values_that_surely_explain_nothing_stop_the_run_at_the_third_update(
    tiny_base: Path, reward_folder: Path
) -> None:
    players = played(tiny_base, reward_folder, SMALL)
    blind, sharp = returns_like(players, 4.0), returns_like(players, 0.3)
    explained, error = credit.explained_with_error(sharp)
    assert explained == pytest.approx(1 - 0.09, abs=0.05)
    assert 0 < error < 0.1
    strict = replace(SMALL, blind_value="stop")
    credit.require_sight(sharp, 3, strict)
    with pytest.raises(BlindValueError, match="at update 3 the values explain -"):
        credit.require_sight(blind, 3, strict)
    credit.require_sight(blind, 2, strict)
    credit.require_sight(blind, 3, SMALL)
    # Three prompts can't tell noise from nothing.
    credit.require_sight(returns_like(players, 4.0, prompts=3), 3, strict)


def test_what_values_explained_is_in_the_report_and_nothing_is_a_warning(
    tiny_base: Path, reward_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def launched(folder: Path, explained: float) -> list[Event]:
        monkeypatch.setattr(credit.advantages, "explained_variance", lambda *_: torch.tensor(explained))
        rows = [{"prompt_id": n, "messages": [{"role": "user", "content": EXCHANGES[n][0]}]} for n in range(4)]
        config = {"updates": 3, "prompts_per_update": 2, "max_new_tokens": 4, "lora_layers": 1}
        events: list[Event] = []
        launch(
            open_job(
                write_job(folder, "ppo", rows, {"policy": tiny_base, "reward": reward_folder}, config=config),
                events.append,
            )
        )
        return events

    events = launched(tmp_path / "blind", -0.25)
    assert events[-1]["report"]["explained_variance"] == {"1": -0.25, "3": -0.25}
    warnings = [event["text"] for event in events if event["type"] == "log" and event["level"] == "warning"]
    assert len(warnings) == 1
    assert "update 3" in warnings[0]
    assert "value=apart" in warnings[0]
    calm = [event for event in launched(tmp_path / "sharp", 0.25) if event["type"] == "log"]
    assert [event["level"] for event in calm] == ["info"]
