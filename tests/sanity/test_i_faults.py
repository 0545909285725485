"""Control i: mistakes that others have shipped, put in on purpose, each turn a check red that is green without them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.sanity import meadow
from tests.sanity.playing import questions
from workers.rlhf import advantages, cast, models, ppo, rollout
from workers.rlhf.artifacts import Description, describe, seal
from workers.rlhf.cast import Cast
from workers.rlhf.configs import PpoConfig
from workers.rlhf.credit import credit
from workers.rlhf.models import Role
from workers.rlhf.prefix import States
from workers.rlhf.rollout import Answers
from workers.rlhf.rounds import BrokenInvariantError
from workers.rlhf.sampling import Sampling

# So short that some completions are cut, and nothing but the score is paid.
CONFIG = PpoConfig(
    updates=1,
    prompts_per_update=4,
    samples_per_prompt=4,
    prompts_per_chunk=4,
    max_new_tokens=11,
    lora_layers=0,
    lora_rank=4,
    prompt_baseline="none",
    missing_stop_penalty=0.0,
    kl_coefficient=0.0,
    trace=1.0,
    checkpoint_every=0,
)
Check = Callable[[Cast], None]


def answered(players: Cast) -> Answers:
    """Some prompts' completions: stopped ones and cut ones."""
    answers = rollout.answer(players, questions(players, meadow.prompts("train")[:4]), CONFIG, count=4, seed=(1,))
    assert set(answers.stopped_N.tolist()) == {True, False}
    return answers


def paid_where_it_ended(players: Cast) -> None:
    """The last action of a completion brings its whole score, and nothing is paid behind it."""
    seen = credit(players, answered(players), CONFIG, kl_coefficient=0.0, fit_values=False)
    last_N = seen.mask_NR.sum(dim=1) - 1
    got_N = seen.return_NR[torch.arange(len(last_N)), last_N]
    assert torch.allclose(got_N, seen.score_N, atol=1e-4), "the score is not paid at the last action"


def judged_at_the_end(players: Cast) -> None:
    """A score is that of the text with its stop token, worked out without the engine's batches."""
    answers = answered(players)
    score_N = rollout.judge(players, answers, CONFIG)
    model = players.reward.model
    model.activate(players.reward.adapter)
    batch = answers.batch
    for row in range(len(score_N)):
        place = int(batch.owner_N[row])
        prompt = batch.prompt[place][batch.prompt_mask_BP[place]]
        reply = batch.reply[row][batch.reply_mask_NR[row]]
        with torch.no_grad():
            hidden_d = model.backbone(input_ids=torch.cat([prompt, reply])[None]).last_hidden_state[0, -1]
        want = float(players.score_head(hidden_d[None])[0])
        assert abs(want - float(score_N[row])) < 1e-4, "the stop token was not read"


def starts_at_its_reference(players: Cast) -> None:
    """Nothing refuses the first update, and its first ratios are 1."""
    learn = questions(players, meadow.prompts("train"))
    next(iter(ppo.train(players, learn, CONFIG, ppo.training_of(players, CONFIG), seed=1)))


def reward_on_pad(monkeypatch: pytest.MonkeyPatch) -> None:
    """The score goes to the first place behind the end."""

    def shaped(score_N: Tensor, kl_NR: Tensor, mask_NR: Tensor, *, kl_coefficient: float) -> Tensor:
        reward_NR = -kl_coefficient * kl_NR * mask_NR
        behind_N = mask_NR.sum(dim=1).clamp(max=mask_NR.size(1) - 1)
        reward_NR[torch.arange(len(behind_N)), behind_N] += score_N
        return reward_NR

    monkeypatch.setattr(advantages, "shape_rewards", shaped)


def stop_token_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge reads the state before the stop token, as where PAD and the stop token are the same."""

    def before_the_end(states: States, reply_mask_NR: Tensor) -> Tensor:
        last_N = (reply_mask_NR.sum(dim=1) - 2).clamp(min=0)
        return states.reply_NRd[torch.arange(len(last_N)), last_N]

    monkeypatch.setattr(States, "last", before_the_end)


def bare_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference is the base without the adapter that the policy starts as."""
    honest = cast.lora_pair

    def without_adapter(*given: object) -> tuple[Role, Role]:
        policy, _ = honest(*given)
        return policy, Role(policy.model, None)

    monkeypatch.setattr(cast, "lora_pair", without_adapter)


def colder_sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sampler draws at another temperature than the one that is learnt at."""
    monkeypatch.setattr(rollout, "Sampling", lambda **plan: replace(Sampling(**plan), temperature=0.7))


@pytest.fixture(scope="module")
def tuned(meadow_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fine-tuned model that is an adapter on its base."""
    folder = tmp_path_factory.mktemp("tuned") / "sft"
    folder.mkdir()
    model = models.load_base(meadow_base)
    with models.fresh_seed(3):
        models.add_adapter(model, "sft", rank=2, alpha=4, layers=1)
        for weight in model.parameters_of("sft"):
            torch.nn.init.normal_(weight, std=0.05)
    models.save_adapter(model, "sft", folder)
    describe(folder, Description(kind="sft", base_sha256=model.base_sha256, adapter=True))
    seal(folder)
    (folder / "base").symlink_to(meadow_base)
    return folder


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        (reward_on_pad, paid_where_it_ended),
        (stop_token_unread, judged_at_the_end),
        (bare_reference, starts_at_its_reference),
        (colder_sampling, starts_at_its_reference),
    ],
    ids=["reward_on_pad", "stop_token_unread", "bare_reference", "colder_sampling"],
)
def test_i_a_fault_turns_its_check_red(
    fault: Callable[[pytest.MonkeyPatch], None], check: Check, tuned: Path, untaught: Path, monkeypatch
) -> None:
    check(cast.assemble(tuned, untaught, CONFIG, seed=1))
    fault(monkeypatch)
    with pytest.raises((AssertionError, BrokenInvariantError)):
        check(cast.assemble(tuned, untaught, CONFIG, seed=1))
