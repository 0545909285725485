"""Models with learnt positions have none behind the last: a cut answer leaves one for its stop token."""

from pathlib import Path

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from tests.tiny_model import tiny_tokenizer
from tests.workers.rlhf.test_ppo import ask, save_reward
from workers.rlhf import cast, compare, rollout
from workers.rlhf.artifacts import Description, describe, seal
from workers.rlhf.data import BadDataError
from workers.rlhf.policy_configs import RlooConfig
from workers.rlhf.rollout import Question

POSITIONS = 64
LONG = RlooConfig(
    max_new_tokens=200, samples_per_prompt=2, prompts_per_update=6, updates=1, lora_layers=1, lora_rank=2, minibatches=1
)


@pytest.fixture(scope="module")
def short_sighted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, tokenizer = tmp_path_factory.mktemp("learnt") / "base", tiny_tokenizer()
    torch.manual_seed(0)
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=POSITIONS, n_embd=32, n_layer=2, n_head=2, **ends)
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    describe(folder, Description(kind="base"))
    seal(folder)
    return folder


@pytest.mark.parametrize("which", ["policy", "judge"])
def test_a_cut_answer_fills_the_shorter_model_to_its_stop_token(
    which: str, short_sighted: Path, tiny_base: Path, tmp_path: Path
) -> None:
    reward = save_reward(short_sighted, tmp_path / "artifact")
    players = cast.assemble(short_sighted if which == "policy" else tiny_base, reward, LONG, seed=1)
    players.policy.model.chat = players.reward.model.chat
    answers = rollout.answer(players, ask(players), LONG, count=2, seed=(1,))
    assert not bool(answers.stopped_N.all())
    filled = answers.batch.prompt_mask_BP.sum(dim=1).max() + answers.batch.reply_mask_NR.sum(dim=1).max()
    assert int(filled) == POSITIONS
    (step,) = compare.train(players, ask(players), LONG, compare.training_of(players, LONG), seed=1)
    assert step.metrics["policy/ratio_error"] < 1e-4


def test_a_prompt_without_room_is_refused_in_words(short_sighted: Path, tmp_path: Path) -> None:
    players = cast.assemble(short_sighted, save_reward(short_sighted, tmp_path / "artifact"), LONG, seed=1)
    with pytest.raises(BadDataError, match="63 tokens leaves no room: these models read at most 64"):
        rollout.answer(players, [Question(1, [5] * 63, "")], LONG, count=2, seed=(1,))
    answers = rollout.answer(players, [Question(1, [5] * 62, "")], LONG, count=2, seed=(1,))
    assert [len(done.ids) for done in answers.completions] == [1, 1]
