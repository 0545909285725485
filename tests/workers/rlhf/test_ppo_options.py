"""What PPO can do beyond the algorithm box: text beside it, pessimism, averaging, other judges."""

from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import LlamaForCausalLM

from tests.tiny_model import EXCHANGES, build_tiny_model, tiny_config, tiny_tokenizer
from tests.workers.rlhf.players import answered, asked, credited, gradient_of, played
from tests.workers.rlhf.test_ppo import SMALL, ask, save_reward
from workers.rlhf import checkpoints, credit, models, ppo, rollout, rounds
from workers.rlhf.artifacts import BadArtifactError, Description, describe, seal
from workers.rlhf.averaging import average, settle
from workers.rlhf.cast import Cast
from workers.rlhf.checkpoints import Training
from workers.rlhf.data import BadDataError
from workers.rlhf.heads import ScoreHead, save_head, spread
from workers.rlhf.mixing import Mix, beside, mix_of
from workers.rlhf.packing import Row
from workers.rlhf.policy_configs import PpoConfig
from workers.rlhf.score import load_judge

APART = replace(SMALL, value="apart")


@pytest.fixture(scope="module")
def reward_folder(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_reward(tiny_base, tmp_path_factory.mktemp("reward") / "artifact")


# Text beside it


def mixed(players: Cast, config: PpoConfig) -> Mix:
    chat = players.policy.model.chat
    rows = []
    for said, answer in EXCHANGES:
        prompt = chat.prompt([{"role": "user", "content": said}], 64).ids
        reply = chat.completion(answer, 64).ids
        rows.append(Row([*prompt, *reply], [False] * len(prompt) + [True] * len(reply)))
    return mix_of(players.policy, config, seed=5, text=None, texts=rows)


MIXED = replace(SMALL, pretrain_weight=0.7, pretrain_rows=3)


def nonzero(players: Cast) -> Cast:
    """LoRA's first gradients are all in one of its two matrices; a moved policy has some everywhere."""
    for weight in players.policy.model.parameters_of("policy"):
        torch.nn.init.normal_(weight, std=0.02)
    return players


def test_other_text_adds_its_gradient_to_the_policys_before_one_step(tiny_base: Path, reward_folder: Path) -> None:
    config = replace(MIXED, pretrain_weight=7.0)
    players = nonzero(played(tiny_base, reward_folder, config))
    seen, mix = credited(players, config, fit=False), mixed(players, config)
    ppo.accumulate(players, seen, config, range(6))
    alone = gradient_of(players)
    for weight in players.trained().values():
        weight.grad = None
    rows = mix.rows(2, 1)
    players.policy.model.activate("policy")
    nll, count = torch.zeros(()), 0
    for row in rows:
        ids = torch.tensor([list(row.ids)])
        logprob = players.policy.model.causal(input_ids=ids).logits[0, :-1].log_softmax(-1)
        chosen = logprob.gather(1, ids[0, 1:, None])[:, 0]
        learnt = torch.tensor(list(row.learnt[1:]))
        nll, count = nll - chosen[learnt].sum(), count + int(learnt.sum())
    (7.0 * nll / count).backward()
    text = gradient_of(players)
    for weight in players.trained().values():
        weight.grad = None
    numbers = beside(mix, 2, partial(ppo.accumulate, players, seen, config))(range(6), 1)
    torch.testing.assert_close(gradient_of(players), alone + text, atol=1e-5, rtol=1e-3)
    assert numbers["gradient_norm/pretraining"] == pytest.approx(float(text.norm()), rel=1e-3)
    # Its own, without the text's; of a shared value head it can't be told apart, and is not called the policy's.
    of_policy = float(alone.norm())
    assert numbers["gradient_norm/policy_and_value"] == pytest.approx(of_policy, rel=1e-3)
    assert of_policy != pytest.approx(float((alone + text).norm()), rel=1e-2)
    assert "gradient_norm/policy" not in numbers
    assert numbers["loss/pretraining"] == pytest.approx(nll.item() / count, rel=1e-4)


def test_text_keeps_what_the_policy_knew(tiny_base: Path, reward_folder: Path) -> None:
    config = replace(MIXED, pretrain_weight=20.0, updates=3)
    players = played(tiny_base, reward_folder, config)
    mix = mixed(players, config)
    steps = list(ppo.train(players, ask(players), config, ppo.training_of(players, config), seed=1, mix=mix))
    assert steps[-1].metrics["loss/pretraining"] < steps[0].metrics["loss/pretraining"]
    assert mix.rows(1, 0) == mix.rows(1, 0) != mix.rows(1, 1)


# Averaging


def test_the_average_is_that_of_the_formula_and_takes_the_policys_place() -> None:
    weight, other = torch.nn.Parameter(torch.tensor([1.0])), torch.nn.Parameter(torch.tensor([7.0]))
    training = Training({"policy/0": weight, "value/bias": other}, torch.optim.SGD([weight]), {})
    expected = 1.0
    for step in range(1, 4):
        average(training, 0.9)
        expected = weight.item() if step == 1 else 0.9 * expected + 0.1 * weight.item()
        weight.data.add_(step)
    assert weight.item() == 7.0
    settle(training)
    assert weight.item() == pytest.approx(expected)
    assert other.item() == 7.0
    assert list(training.kept) == ["ema/policy/0"]


def test_without_averaging_the_policy_stays_as_it_is() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    training = Training({"policy/0": weight}, torch.optim.SGD([weight]), {})
    average(training, 0.0)
    settle(training)
    assert training.kept == {}
    assert weight.item() == 1.0


# Everything at once, resumed


def test_a_run_with_all_of_it_resumes_to_the_last_bit(tiny_base: Path, reward_folder: Path, tmp_path: Path) -> None:
    config = replace(MIXED, value="apart", ema=0.5, kl_target=0.5, updates=3)

    def told(players: Cast, training: Training, done: int = 0) -> list[dict[str, float]]:
        steps = ppo.train(players, ask(players), config, training, seed=1, done=done, mix=mixed(players, config))
        return [step.metrics for step in (islice(steps, 2) if training.numbers.pop("short", None) else steps)]

    straight = played(tiny_base, reward_folder, config)
    training = ppo.training_of(straight, config)
    whole = told(straight, training)
    first = played(tiny_base, reward_folder, config)
    half = ppo.training_of(first, config)
    half.numbers["short"] = 1
    told(first, half)
    saved = checkpoints.save(tmp_path, 2, half)
    second = played(tiny_base, reward_folder, config)
    resumed = ppo.training_of(second, config)
    assert told(second, resumed, checkpoints.load(saved.path, resumed)) == whole[2:]
    settle(resumed)
    settle(training)
    for name, weight in second.trained().items():
        assert torch.equal(weight, straight.trained()[name])


# The end of an answer


def test_the_penalty_is_for_the_stop_token_that_is_used_not_for_that_of_the_tokenizer(
    tiny_base: Path, reward_folder: Path
) -> None:
    players = played(tiny_base, reward_folder, SMALL)
    model = players.policy.model
    often = model.chat.tokenizer.encode(" and", add_special_tokens=False)[0]
    model.chat = replace(model.chat, stop_id=often)
    assert model.chat.stop_id != model.chat.tokenizer.eos_token_id
    answers = answered(players)
    ends = [done.ids[-1] for done in answers.completions]
    assert [end == often for end in ends] == answers.stopped_N.tolist()
    lost_N = -rollout.paid(torch.zeros(18), answers, replace(SMALL, missing_stop_penalty=0.7))
    assert lost_N.tolist() == pytest.approx([0.0 if end == often else 0.7 for end in ends])
    assert model.chat.tokenizer.eos_token_id in {token for done in answers.completions for token in done.ids[:-1]}


# The distribution


@pytest.mark.parametrize("method", ["lora", "full"])
def test_what_is_learnt_is_the_distribution_that_was_written_from(
    tiny_base: Path, reward_folder: Path, method: str
) -> None:
    """At a temperature other than 1 the ratio starts at 1 and the KL at 0 as well."""
    warm = replace(SMALL, temperature=0.6, method=method)
    players = played(tiny_base, reward_folder, warm)
    seen = credited(players, warm, fit=True)
    assert float(seen.kl_NR.abs().max()) < 1e-4
    assert ppo.accumulate(players, seen, warm, range(6))["policy/ratio_error"] < 1e-4
    assert ppo.accumulate(players, seen, replace(warm, temperature=1.0), range(6))["policy/ratio_error"] > 0.1


def test_the_price_of_distance_keeps_its_sign(tiny_base: Path, reward_folder: Path) -> None:
    """k1 per token: where the policy likes a token less than the reference does, it is paid for it."""
    alone = replace(SMALL, prompt_baseline="none", missing_stop_penalty=0.0, trace=1.0)
    players = nonzero(played(tiny_base, reward_folder, alone))
    seen = credited(players, alone, fit=False)
    assert float(seen.kl_NR.min()) < 0 < float(seen.kl_NR.max())
    to_come_NR = torch.flip(torch.flip(seen.kl_NR * seen.mask_NR, [1]).cumsum(1), [1])
    expected = (seen.score_N[:, None] - 0.3 * to_come_NR) * seen.mask_NR
    torch.testing.assert_close(seen.return_NR * seen.mask_NR, expected, atol=1e-4, rtol=1e-3)


def test_padding_is_in_no_figure_of_a_rollout(tiny_base: Path, reward_folder: Path) -> None:
    players = played(tiny_base, reward_folder, SMALL)
    seen = credited(players, SMALL, fit=True)
    assert not bool(seen.mask_NR.all())
    loud_NR = torch.where(seen.mask_NR, 0.0, 1e6)
    spoilt = replace(
        seen,
        entropy_NR=seen.entropy_NR + loud_NR,
        value_NR=seen.value_NR + loud_NR,
        return_NR=seen.return_NR - loud_NR,
    )
    assert rounds.describe(spoilt, 0.3) == rounds.describe(seen, 0.3)
    assert credit.describe_values(spoilt) == credit.describe_values(seen)
    assert ppo.training_of(players, SMALL).optimizer.param_groups[0]["eps"] == 1e-5


# Ensembles


def test_a_cautious_score_is_the_mean_less_the_spread_around_each_prompt() -> None:
    score_NH = torch.tensor([[1.0, 3.0], [2.0, 2.0], [0.0, 10.0], [0.0, 10.0]])
    owner_N = torch.tensor([0, 0, 1, 1])
    # Around the prompt's means (1.5, 2.5) the first completion has (-0.5, 0.5): a spread of 0.5. The members' levels
    # of the second prompt lie far apart, but they agree about its completions.
    assert rollout.cautious(score_NH, owner_N, 2.0).tolist() == pytest.approx([2 - 1.0, 2 - 1.0, 5, 5])
    assert spread(score_NH[:2]).tolist() == pytest.approx([0.5, 0.5])


def test_an_ensemble_makes_rewards_cautious_and_a_single_head_cannot(
    tiny_base: Path, reward_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadArtifactError, match="several heads"):
        played(tiny_base, reward_folder, replace(SMALL, pessimism=1.0))
    folder = tmp_path / "several"
    folder.mkdir()
    for path in reward_folder.iterdir():
        (folder / path.name).symlink_to(path.resolve())
    (folder / "score_head.safetensors").unlink()
    with models.fresh_seed(9):
        save_head(ScoreHead(64, members=3), folder)
    (folder / "MANIFEST.json").unlink()
    seal(folder)
    wary = replace(SMALL, pessimism=0.5)
    players = played(tiny_base, folder, wary)
    answers = answered(players)
    plain_N, cautious_N = rollout.judge(players, answers, SMALL), rollout.judge(players, answers, wary)
    assert bool((cautious_N < plain_N).all())
    warier_N = rollout.judge(players, answers, replace(SMALL, pessimism=1.5))
    torch.testing.assert_close(plain_N - warier_N, 3 * (plain_N - cautious_N), atol=1e-5, rtol=1e-4)


# A judge of another family


@pytest.fixture(scope="module")
def foreign_reward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    others = [("Say hi to the fox.", "The fox jumps over many lazy dogs."), *EXCHANGES[:2]]
    base = build_tiny_model(tmp_path_factory.mktemp("foreign") / "base", seed=4, steps=2, exchanges=others)
    return save_reward(base, tmp_path_factory.mktemp("foreign_reward") / "artifact")


def test_a_reward_model_with_another_tokenizer_reads_text(tiny_base: Path, foreign_reward: Path) -> None:
    players = played(tiny_base, foreign_reward, SMALL)
    assert players.by_text
    questions = asked(players)
    answers = rollout.answer(players, questions, SMALL, count=3, seed=(1,))
    scores = rollout.judge(players, answers, SMALL)
    judge, chat = load_judge(foreign_reward), players.policy.model.chat
    for number, question in enumerate(questions):
        texts = [chat.text(done.ids) for done in answers.completions[3 * number : 3 * number + 3]]
        alone = judge.members(question.messages, texts)[:, 0]
        torch.testing.assert_close(scores[3 * number : 3 * number + 3], alone, atol=1e-4, rtol=1e-4)
    steps = list(ppo.train(players, questions, SMALL, ppo.training_of(players, SMALL), seed=1))
    assert len(steps) == 4


def test_what_a_judge_of_another_family_cannot_do_is_refused(tiny_base: Path, foreign_reward: Path) -> None:
    with pytest.raises(BadArtifactError, match="another tokenizer"):
        played(tiny_base, foreign_reward, APART)
    players = played(tiny_base, foreign_reward, SMALL)
    with pytest.raises(BadDataError, match="as messages"):
        rollout.answer(players, ask(players), SMALL, count=3, seed=(1,))


# The frozen trunk


def test_the_frozen_trunk_is_read_once_a_round_and_changes_no_gradient(
    tiny_base: Path, reward_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = played(tiny_base, reward_folder, SMALL)
    monkeypatch.setattr(models.LanguageModel, "cut", lambda _: None)
    whole = played(tiny_base, reward_folder, SMALL)
    monkeypatch.undo()
    trunk = cached.policy.model.backbone.layers[0].mlp
    assert whole.policy.model._lower is None
    seen = credited(whole, SMALL, fit=False)
    ppo.accumulate(whole, seen, SMALL, range(6))
    runs: list[int] = []
    trunk.register_forward_pre_hook(lambda *_: runs.append(1))
    own = replace(seen, answers=answered(cached))
    assert runs
    runs.clear()
    ppo.accumulate(cached, own, SMALL, range(6))
    assert runs == []
    torch.testing.assert_close(gradient_of(cached), gradient_of(whole), atol=1e-6, rtol=1e-4)


# Memory


class Largest(TorchDispatchMode):
    """Remembers the most numbers that any tensor had."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for one in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(one, torch.Tensor):
                self.numbers = max(self.numbers, one.numel())
        return result


def test_no_tensor_is_as_large_as_batch_times_time_times_vocabulary(tmp_path: Path, reward_folder: Path) -> None:
    folder, vocabulary = tmp_path / "wide", 10_000
    tokenizer = tiny_tokenizer()
    config = tiny_config(tokenizer)
    config.vocab_size, config.hidden_size, config.intermediate_size = vocabulary, 16, 16
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    describe(folder, Description(kind="base"))
    seal(folder)
    players = played(folder, save_reward(folder, tmp_path / "reward"), SMALL)
    count, length = 6 * 8, 24
    many = replace(SMALL, max_new_tokens=length, prompts_per_chunk=6)
    with Largest() as largest:
        answers = rollout.answer(players, ask(players), many, count=8, seed=(1,))
        seen = credit.credit(players, answers, many, kl_coefficient=0.3, fit_values=True)
        ppo.accumulate(players, seen, many, range(6))
        rollout.kl_to_reference(players, answers, many)
    tokens = int(seen.mask_NR.sum())
    assert tokens > 3 * 256
    # A chunk of 256 tokens' logits is the most there is at a time.
    assert largest.numbers <= 256 * vocabulary < count * length * vocabulary / 4


def test_the_rate_rises_from_a_tenth() -> None:
    """Ouyang et al. 2022, appendix C.4."""
    shares = [rounds.warm(update, replace(SMALL, warmup_updates=10)) for update in (0, 5, 10, 99)]
    assert shares == pytest.approx([0.1, 0.55, 1.0, 1.0])
