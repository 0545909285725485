"""Pessimism that could do nothing is refused instead of doing nothing in silence."""

from pathlib import Path

import pytest
import torch

from tests.workers.rlhf.test_ppo import save_reward
from workers.rlhf import cast, rollout
from workers.rlhf.alternative_configs import BestOfNConfig
from workers.rlhf.policy_configs import PpoConfig


def test_a_completion_alone_would_lose_nothing() -> None:
    heads = torch.tensor([[0.0, 9.0], [4.0, -4.0]])
    assert rollout.cautious(heads, torch.tensor([0, 1]), 5.0).tolist() == heads.mean(dim=1).tolist()
    assert rollout.cautious(heads, torch.tensor([0, 0]), 5.0).tolist() != heads.mean(dim=1).tolist()


@pytest.mark.parametrize("config", [PpoConfig, BestOfNConfig])
def test_pessimism_about_single_completions_is_refused(config: type, tiny_base: Path, tmp_path: Path) -> None:
    reward = save_reward(tiny_base, tmp_path / "artifact")
    with pytest.raises(ValueError, match="samples_per_prompt must be 2"):
        cast.assemble(tiny_base, reward, config(pessimism=0.5, samples_per_prompt=1), seed=1)
    assert cast.assemble(tiny_base, reward, config(samples_per_prompt=1), seed=1).reward is not None
