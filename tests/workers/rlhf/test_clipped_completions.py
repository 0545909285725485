"""RLOO clips whole completions, so that is what its share of clipped ones counts."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.workers.rlhf.test_ppo import ask, save_reward
from workers.rlhf import cast, compare, rollout
from workers.rlhf.policy_configs import GrpoConfig, Online, RlooConfig

SMALL = {"max_new_tokens": 8, "lora_layers": 1, "lora_rank": 4, "prompts_per_chunk": 2, "samples_per_prompt": 3}


def test_tokens_that_move_a_little_move_a_completion_far() -> None:
    old, mask = torch.zeros(3, 5), torch.tensor([[True] * 5, [True, True, False, False, False], [True] * 5])
    new = old + torch.tensor([[0.05] * 5, [0.05] * 5, [0.3, -0.3, 0.0, 0.0, 0.0]])
    assert compare.clipped(new, old, mask, 0.2) == 1


@pytest.mark.parametrize(("config", "expected"), [(RlooConfig(**SMALL), 1.0), (GrpoConfig(**SMALL), 0.0)])
def test_the_share_is_of_what_is_clipped(config: Online, expected: float, tiny_base: Path, tmp_path: Path) -> None:
    players = cast.assemble(tiny_base, save_reward(tiny_base, tmp_path / "artifact"), config, seed=1)
    answers = rollout.answer(players, ask(players), config, count=3, seed=(1,))
    seen = rollout.look(players, answers, config)
    # As if every completion had become likelier by 0.19 nats, in equal parts a token.
    share_NR = seen.mask_NR / seen.mask_NR.sum(dim=1, keepdim=True)
    moved = replace(seen, logprob_NR=seen.logprob_NR - 0.19 * share_NR, kl_NR=seen.kl_NR - 0.19 * share_NR)
    compared = compare.Compared(seen=moved, advantage_N=compare.advantages_of(moved, config))
    assert min(len(done.ids) for done in answers.completions) > 1
    numbers = compare.accumulate(players, compared, config, range(6))
    assert numbers["policy/clipfrac"] == pytest.approx(expected)
