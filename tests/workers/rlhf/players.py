"""Four roles on a tiny base, what they write, and what they learn from it, for tests of PPO's options."""

from dataclasses import replace
from pathlib import Path

import torch

from tests.tiny_model import EXCHANGES
from tests.workers.rlhf.test_ppo import SMALL, ask
from workers.rlhf import cast, credit, rollout
from workers.rlhf.cast import Cast
from workers.rlhf.policy_configs import PpoConfig
from workers.rlhf.rollout import Question


def played(base: Path, reward: Path, config: PpoConfig) -> Cast:
    return cast.assemble(base, reward, config, seed=1)


def answered(players: Cast, config: PpoConfig = SMALL) -> rollout.Answers:
    return rollout.answer(players, ask(players), config, count=3, seed=(1,))


def credited(players: Cast, config: PpoConfig, *, fit: bool) -> credit.Rollout:
    return credit.credit(players, answered(players, config), config, kl_coefficient=0.3, fit_values=fit)


def gradient_of(players: Cast, prefix: str = "policy/") -> torch.Tensor:
    named = players.trained().items()
    return torch.cat(
        [weight.grad.flatten() for name, weight in named if name.startswith(prefix) and weight.grad is not None]
    )


def asked(players: Cast) -> list[Question]:
    said = [[{"role": "user", "content": EXCHANGES[n][0]}] for n in range(6)]
    return [replace(one, messages=messages) for one, messages in zip(ask(players), said, strict=True)]
