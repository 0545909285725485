from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
import torch

from tests.tiny_model import EXCHANGES
from workers.rlhf import cast, checkpoints, credit, models, ppo, rollout, rounds
from workers.rlhf.artifacts import BadArtifactError, Description, describe, seal
from workers.rlhf.cast import Cast
from workers.rlhf.configs import PpoConfig
from workers.rlhf.heads import ScoreHead, save_head
from workers.rlhf.mixing import beside
from workers.rlhf.rollout import Question
from workers.rlhf.rounds import BrokenInvariantError
from workers.rlhf.training import NonFiniteError

SMALL = PpoConfig(
    updates=4,
    prompts_per_update=3,
    samples_per_prompt=3,
    max_new_tokens=10,
    prompts_per_chunk=2,
    lora_layers=1,
    lora_rank=4,
    learning_rate=2e-3,
    warmup_updates=0,
)


@pytest.fixture(scope="module")
def reward_folder(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_reward(tiny_base, tmp_path_factory.mktemp("reward") / "artifact")


def save_reward(base: Path, folder: Path) -> Path:
    folder.mkdir()
    model = models.load_base(base)
    with models.fresh_seed(5):
        models.add_adapter(model, "reward", rank=2, alpha=4, layers=1)
        for weight in model.parameters_of("reward"):
            torch.nn.init.normal_(weight, std=0.1)
        head = ScoreHead(model.width)
    models.save_adapter(model, "reward", folder)
    save_head(head, folder)
    describe(folder, Description(kind="reward", base_sha256=model.base_sha256, adapter=True))
    seal(folder)
    (folder / "base").symlink_to(base)
    return folder


@pytest.fixture
def players(tiny_base: Path, reward_folder: Path) -> Cast:
    return cast.assemble(tiny_base, reward_folder, SMALL, seed=1)


def ask(players: Cast, count: int = 6) -> list[Question]:
    chat = players.policy.model.chat
    said = [[{"role": "user", "content": EXCHANGES[n][0]}] for n in range(count)]
    return [Question(n, chat.prompt(messages, 64).ids, messages[0]["content"]) for n, messages in enumerate(said)]


def first_rollout(players: Cast, config: PpoConfig = SMALL) -> credit.Rollout:
    answers = rollout.answer(players, ask(players), config, count=3, seed=(1,))
    return credit.credit(players, answers, config, kl_coefficient=config.kl_coefficient, fit_values=True)


def weights_of(players: Cast) -> torch.Tensor:
    return torch.cat([weight.detach().flatten().clone() for weight in players.trained().values()])


def test_all_roles_share_one_base(players: Cast) -> None:
    assert players.policy.model is players.reference.model is players.reward.model
    assert players.reference.adapter is None


def test_at_the_start_policy_and_reference_are_the_same(players: Cast) -> None:
    seen = first_rollout(players)
    assert float(seen.kl_NR.abs().max()) <= 1e-4
    assert rollout.kl_to_reference(players, seen.answers, SMALL).abs().max() <= 1e-6


def test_before_the_first_step_every_ratio_is_one(players: Cast) -> None:
    numbers = ppo.accumulate(players, first_rollout(players), SMALL, range(6))
    assert numbers["policy/ratio_error"] < 1e-4
    assert numbers["policy/clipfrac"] == 0
    assert numbers["policy/approxkl"] == pytest.approx(0, abs=1e-8)
    # Whitened advantages have mean zero, so the surrogate of an unmoved policy is zero.
    assert numbers["loss/policy"] == pytest.approx(0, abs=1e-5)


def in_half(players: Cast) -> Cast:
    """The same players as on a GPU: a bf16 base under adapters in fp32."""
    players.policy.model.causal.to(torch.bfloat16)
    for adapter in ("policy", "reward"):
        for weight in players.policy.model.parameters_of(adapter):
            weight.data = weight.data.float()
    return players


def test_in_half_precision_old_and_new_come_from_the_same_kind_of_pass(players: Cast) -> None:
    seen = first_rollout(in_half(players))
    noted = torch.tensor([value for done in seen.answers.completions for value in done.logprobs])
    apart_M = (noted - seen.logprob_NR[seen.mask_NR]).abs()
    # Writing rounds otherwise than reading; neither the start check nor a ratio may see that.
    assert 1e-3 < float(apart_M.max()) < 0.2
    assert float(seen.kl_NR.abs().max()) == 0
    order = torch.Generator().manual_seed(5)
    for size in (2, 4):
        config = replace(SMALL, prompts_per_chunk=size)
        seen = first_rollout(players, config)
        minis = [list(mini) for mini in rounds.minibatches(players, 6, config, order)]
        assert sorted(prompt for mini in minis for prompt in mini) == list(range(6))
        for mini in minis:
            assert ppo.accumulate(players, seen, config, mini)["policy/ratio_error"] == 0


def test_a_run_in_half_precision_passes_its_checks_and_learns(players: Cast) -> None:
    training = ppo.training_of(in_half(players), SMALL)
    steps = list(ppo.train(players, ask(players), SMALL, training, seed=1))
    assert steps[0].metrics["objective/kl"] == 0
    assert max(step.metrics["policy/ratio_error"] for step in steps) > 1e-3
    # A policy that has moved still starts each rollout at itself.
    moved = first_rollout(players)
    mini = next(rounds.minibatches(players, 6, SMALL, torch.Generator().manual_seed(1)))
    assert ppo.accumulate(players, moved, SMALL, mini)["policy/ratio_error"] == 0
    assert float(moved.kl_NR.abs().max()) > 1e-3


def test_after_training_the_first_ratio_of_a_new_rollout_is_one_again(players: Cast) -> None:
    training = ppo.training_of(players, SMALL)
    steps = list(ppo.train(players, ask(players), SMALL, training, seed=1))
    assert len(steps) == 4
    assert max(step.metrics["policy/ratio_error"] for step in steps) > 1e-4
    numbers = ppo.accumulate(players, first_rollout(players), SMALL, range(6))
    assert numbers["policy/ratio_error"] < 1e-4
    assert rollout.kl_to_reference(players, first_rollout(players).answers, SMALL).mean() > 0


def test_metrics_have_the_names_that_people_know(players: Cast) -> None:
    step = next(ppo.train(players, ask(players), SMALL, ppo.training_of(players, SMALL), seed=1))
    assert set(step.metrics) >= {
        "objective/kl",
        "objective/entropy",
        "objective/rlhf_reward",
        "objective/scores",
        "policy/approxkl",
        "policy/clipfrac",
        "loss/policy",
        "loss/value",
        "val/explained_var",
        "learning_rate",
        "gradient_norm",
    }
    assert step.metrics["objective/kl"] == pytest.approx(0, abs=1e-3)


def test_the_score_is_read_at_the_stop_token_and_paid_at_the_last_action(players: Cast) -> None:
    config = replace(SMALL, prompt_baseline="none", missing_stop_penalty=0.0, kl_coefficient=0.0, trace=1.0)
    answers = rollout.answer(players, ask(players), config, count=3, seed=(1,))
    assert {True, False} == set(answers.stopped_N.tolist())
    stop, rows = players.policy.model.chat.stop_id, torch.arange(18)
    read_N = answers.batch.reply_mask_NR.sum(1) - 1
    acted_N = answers.action_NR.sum(1) - 1
    assert answers.batch.reply[rows, read_N].tolist() == [stop] * 18
    # The stop token is an action where the policy chose it; where it was cut the judge alone sees one.
    assert (read_N - acted_N).tolist() == [0 if stopped else 1 for stopped in answers.stopped_N.tolist()]
    seen = credit.credit(players, answers, config, kl_coefficient=0.0, fit_values=False)
    torch.testing.assert_close(seen.return_NR[rows, acted_N], seen.score_N, atol=1e-5, rtol=1e-4)
    assert seen.return_NR[~seen.mask_NR].abs().max() == 0


def test_a_score_is_what_the_reward_model_says_of_the_text_alone(players: Cast) -> None:
    answers = rollout.answer(players, ask(players), SMALL, count=3, seed=(1,))
    scores, model = rollout.judge(players, answers, SMALL), players.reward.model
    for row in (0, 7, 17):
        prompt = ask(players)[row // 3].ids
        reply = answers.batch.reply[row][answers.batch.reply_mask_NR[row]].tolist()
        model.activate("reward")
        with torch.no_grad():
            hidden = model.backbone(input_ids=torch.tensor([prompt + reply])).last_hidden_state[0, -1]
        assert float(players.score_head(hidden[None])[0]) == pytest.approx(float(scores[row]), abs=1e-5)


def test_no_end_costs_the_penalty(players: Cast) -> None:
    answers = rollout.answer(players, ask(players), SMALL, count=3, seed=(1,))
    plain = replace(SMALL, prompt_baseline="none", missing_stop_penalty=0.0)
    dear = replace(plain, missing_stop_penalty=0.7)
    score_N = torch.zeros(18)
    lost_N = credit.earned(score_N, answers, plain) - credit.earned(score_N, answers, dear)
    torch.testing.assert_close(lost_N, 0.7 * (~answers.stopped_N).float())


def test_an_offset_of_a_prompt_changes_no_advantage(players: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = rollout.answer(players, ask(players), SMALL, count=3, seed=(1,))
    credited = lambda: credit.credit(players, answers, SMALL, kl_coefficient=0.3, fit_values=False)  # noqa: E731
    plain, judged = credited(), rollout.judge(players, answers, SMALL)
    offset_N = torch.tensor([5.0, -5.0, 0.0, 5.0, -5.0, 5.0])[answers.batch.owner_N]
    monkeypatch.setattr(rollout, "judge", lambda *_: judged + offset_N)
    torch.testing.assert_close(credited().advantage_NR, plain.advantage_NR, atol=1e-4, rtol=1e-3)


def test_chunks_and_their_order_are_only_a_matter_of_memory(players: Cast) -> None:
    seen = first_rollout(players)
    gradients = []
    for size in (1, 2, 6):
        ppo.accumulate(players, seen, replace(SMALL, prompts_per_chunk=size), [4, 0, 1, 5, 3, 2])
        gradients.append(torch.cat([w.grad.flatten().clone() for w in players.trained().values()]))
        for weight in players.trained().values():
            weight.grad = None
    for other in gradients[1:]:
        torch.testing.assert_close(other, gradients[0], atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_prompts_read_once_in_lean_layers_give_the_gradient_of_plain_rows(
    tiny_base: Path, reward_folder: Path, method: str
) -> None:
    config = replace(SMALL, method=method)
    players = cast.assemble(tiny_base, reward_folder, config, seed=1)
    seen, gradients = first_rollout(players, config), []
    assert players.policy.model.form == "tree"
    for form, context in (("tree", players.lean()), ("rows", nullcontext())):
        players.policy.model.form = form
        with context:
            ppo.accumulate(players, seen, config, range(6))
        gradients.append({name: weight.grad.clone() for name, weight in players.trained().items()})
        for weight in players.trained().values():
            weight.grad = None
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], atol=1e-6, rtol=1e-4)


def test_a_rate_of_zero_moves_nothing(players: Cast) -> None:
    config = replace(SMALL, learning_rate=0.0, value_learning_rate=0.0, updates=2)
    policy = {name: w.detach().clone() for name, w in players.trained().items() if name.startswith("policy/")}
    steps = list(ppo.train(players, ask(players), config, ppo.training_of(players, config), seed=1))
    assert all(step.metrics["policy/ratio_error"] < 1e-4 for step in steps)
    for name, weight in policy.items():
        assert torch.equal(weight, players.trained()[name])


def test_the_policy_learns_what_is_rewarded(players: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge pays for the letter that a third of the answers have by chance: soon most have it."""
    wanted = players.policy.model.chat.tokenizer.encode("B", add_special_tokens=False)[0]

    def count_of(_: Cast, answers: rollout.Answers, __: PpoConfig) -> torch.Tensor:
        return 2 * ((answers.batch.reply == wanted) & answers.action_NR).any(1).float()

    monkeypatch.setattr(rollout, "judge", count_of)
    config = replace(
        SMALL,
        updates=12,
        prompts_per_update=6,
        samples_per_prompt=6,
        kl_coefficient=0.02,
        learning_rate=1e-2,
        missing_stop_penalty=0.0,
        stop_kl=0.0,
    )
    steps = list(ppo.train(players, ask(players), config, ppo.training_of(players, config), seed=1))
    before, after = steps[0].metrics["objective/scores"], steps[-1].metrics["objective/scores"]
    assert after > before + 0.5
    assert steps[-1].metrics["objective/kl"] > 0.1


def test_a_resumed_run_ends_with_the_very_same_weights(
    tiny_base: Path, reward_folder: Path, players: Cast, tmp_path: Path
) -> None:
    config = replace(SMALL, kl_target=0.5)
    straight = ppo.training_of(players, config)
    told = [step.metrics for step in ppo.train(players, ask(players), config, straight, seed=1)]
    first = cast.assemble(tiny_base, reward_folder, config, seed=1)
    training = ppo.training_of(first, config)
    list(islice(ppo.train(first, ask(first), config, training, seed=1), 2))
    saved = checkpoints.save(tmp_path, 2, training)
    second = cast.assemble(tiny_base, reward_folder, config, seed=1)
    training = ppo.training_of(second, config)
    done = checkpoints.load(saved.path, training)
    again = [step.metrics for step in ppo.train(second, ask(second), config, training, seed=1, done=done)]
    assert again == told[2:]
    assert training.numbers == straight.numbers
    assert torch.equal(weights_of(second), weights_of(players))


def save_policy(players: Cast, folder: Path, base: Path) -> Path:
    folder.mkdir()
    models.save_adapter(players.policy.model, "policy", folder)
    describe(folder, Description(kind="policy", base_sha256=players.policy.model.base_sha256, adapter=True))
    seal(folder)
    (folder / "base").symlink_to(base)
    return folder


def test_a_trained_policy_is_its_own_next_reference(
    tiny_base: Path, reward_folder: Path, players: Cast, tmp_path: Path
) -> None:
    list(ppo.train(players, ask(players), SMALL, ppo.training_of(players, SMALL), seed=1))
    folder = save_policy(players, tmp_path / "policy", tiny_base)
    second = cast.assemble(folder, reward_folder, SMALL, seed=1)
    assert second.reference.adapter == "reference"
    assert second.policy.model is second.reward.model
    answers = rollout.answer(second, ask(second), SMALL, count=3, seed=(1,))
    assert rollout.kl_to_reference(second, answers, SMALL).abs().max() <= 1e-6
    frozen = [weight.detach().clone() for weight in second.policy.model.parameters_of("reference")]
    step = next(ppo.train(second, ask(second), SMALL, ppo.training_of(second, SMALL), seed=1))
    assert step.metrics["objective/kl"] == pytest.approx(0, abs=1e-3)
    for before, after in zip(frozen, second.policy.model.parameters_of("reference"), strict=True):
        assert torch.equal(before, after)


def test_full_training_keeps_a_frozen_copy_and_the_reward_beside_it(tiny_base: Path, reward_folder: Path) -> None:
    config = replace(SMALL, method="full", full_learning_rate=1e-3, updates=2)
    whole = cast.assemble(tiny_base, reward_folder, config, seed=1)
    assert whole.policy.model is not whole.reference.model
    assert whole.reward.model is whole.reference.model
    before = whole.reference.model.vocabulary_head.weight.clone()
    steps = list(ppo.train(whole, ask(whole), config, ppo.training_of(whole, config), seed=1))
    assert steps[0].metrics["objective/kl"] == pytest.approx(0, abs=1e-3)
    assert torch.equal(whole.reference.model.vocabulary_head.weight, before)
    assert not torch.equal(whole.policy.model.vocabulary_head.weight, before)


def test_a_policy_that_differs_from_its_reference_at_the_start_is_refused(players: Cast) -> None:
    for weight in players.policy.model.parameters_of("policy"):
        torch.nn.init.normal_(weight, std=0.3)
    with pytest.raises(BrokenInvariantError, match="policy and reference differ"):
        next(ppo.train(players, ask(players), SMALL, ppo.training_of(players, SMALL), seed=1))


def test_a_policy_that_changed_behind_the_rollout_is_refused(players: Cast) -> None:
    seen = first_rollout(players)
    for weight in players.policy.model.parameters_of("policy"):
        torch.nn.init.normal_(weight, std=0.3)
    gradient = beside(None, 0, partial(ppo.accumulate, players, seen, SMALL))
    training = ppo.training_of(players, SMALL)
    with pytest.raises(BrokenInvariantError, match="differs from itself"):
        rounds.improve(players, 6, SMALL, training, gradient, seed=1)


def test_numbers_that_are_none_stop_the_run_before_a_weight_changes(players: Cast, monkeypatch) -> None:
    before = weights_of(players)
    monkeypatch.setattr(rollout, "judge", lambda _, answers, __: torch.full((len(answers.action_NR),), float("nan")))
    with pytest.raises(NonFiniteError):
        list(ppo.train(players, ask(players), SMALL, ppo.training_of(players, SMALL), seed=1))
    names = [name for name in players.trained() if name.startswith("policy/")]
    assert torch.equal(
        weights_of(players)[: sum(players.trained()[n].numel() for n in names)],
        before[: sum(players.trained()[n].numel() for n in names)],
    )


def test_a_round_ends_when_the_policy_moved_enough(players: Cast) -> None:
    config = replace(SMALL, stop_kl=1e-9, updates=1, epochs=4)
    step = next(ppo.train(players, ask(players), config, ppo.training_of(players, config), seed=1))
    assert step.metrics["policy/stopped_early"] == 1.0


def test_beta_is_steered_towards_the_target(players: Cast) -> None:
    seen = first_rollout(players)
    far = replace(seen, kl_NR=seen.mask_NR.float())
    config = replace(SMALL, kl_target=1.0, kl_horizon=1 / SMALL.updates)
    # Every update's episodes are as many as the horizon has: the error, bounded by 0.2, counts in full.
    assert ppo.adapted(0.3, far, config) == pytest.approx(0.3 * 1.2)
    assert ppo.adapted(0.3, seen, config) == pytest.approx(0.3 * 0.8)
    assert ppo.adapted(0.3, far, SMALL) == 0.3
    # With fewer prompts than an update may ask, there are fewer episodes.
    many = replace(config, prompts_per_update=60)
    assert ppo.adapted(0.3, far, many) == pytest.approx(0.3 * 1.2)


def test_every_pass_asks_every_prompt_once(players: Cast) -> None:
    asked = [[q.prompt_id for q in rounds.questions_of(update, ask(players), SMALL, 1)] for update in range(4)]
    assert sorted(asked[0] + asked[1]) == sorted(asked[2] + asked[3]) == list(range(6))
    few = ask(players, count=2)
    assert len(rounds.questions_of(0, few, SMALL, 1)) == 2


def test_roles_that_do_not_fit_are_refused(tiny_base: Path, reward_folder: Path) -> None:
    with pytest.raises(BadArtifactError, match="not a reward model"):
        cast.assemble(tiny_base, tiny_base, SMALL, seed=1)
    with pytest.raises(BadArtifactError, match="whole weights"):
        cast.assemble(reward_folder, reward_folder, replace(SMALL, method="full"), seed=1)
