"""At its start a DPO policy is its reference, in any precision; what contradicts that ends the run."""

from pathlib import Path

import pytest
import torch

from tests.workers.rlhf.test_alternatives import dpo_pair, ranked
from workers.rlhf import dpo
from workers.rlhf.alternative_configs import DpoConfig
from workers.rlhf.course import Course, Likelihood
from workers.rlhf.dpo import Pair
from workers.rlhf.rounds import BrokenInvariantError

CONFIG = DpoConfig(ties="drop", lora_layers=1, minimum_steps=2, prompts_per_chunk=4)


def test_in_half_precision_an_unmoved_policy_is_its_reference_in_chunks_too(tiny_base: Path) -> None:
    pair = dpo_pair(tiny_base, CONFIG, moved=False)
    pair.policy.model.causal.to(torch.bfloat16)
    prompts = ranked()
    # One prompt was read by itself before: what is known of it must not be used in a chunk.
    assert float(pair.rewards(prompts[:1]).detach().abs().max()) == 0.0
    assert float(pair.rewards(prompts[:4]).detach().abs().max()) == 0.0
    assert pair.rewards(prompts[:4]).requires_grad


def test_in_full_precision_each_prompt_is_read_once_by_the_reference(tiny_base: Path) -> None:
    pair = dpo_pair(tiny_base, CONFIG, moved=False)
    prompts = ranked()[:4]
    assert pair.rewards(prompts).tolist() == pytest.approx([0.0] * 16, abs=1e-4)
    pair.rewards(prompts[::-1])
    assert len(pair.said) == 4


@pytest.mark.parametrize("moved", [False, True])
def test_training_starts_at_its_reference_or_not_at_all(moved: bool, tiny_base: Path) -> None:
    pair: Pair = dpo_pair(tiny_base, CONFIG, moved=moved)
    reading = dpo.as_reward(CONFIG)
    course = Course.of(ranked(), reading, seed=0)
    likelihood = Likelihood(reading, tie_rate=0.1)
    steps = dpo.train(pair, course, likelihood, dpo.training_of(pair, likelihood), seed=0)
    if moved:
        with pytest.raises(BrokenInvariantError, match="differ at the start"):
            next(steps)
    else:
        assert next(steps).metrics["rewards/log_ratio"] == pytest.approx(0.0, abs=1e-4)
