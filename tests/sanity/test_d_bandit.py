"""Control d: where the best policy is known in closed form, PPO lands on it.

Of two actions one is paid 1. With a price of β a nat the best policy is π ∝ π₀ · exp(r / β).
"""

from math import exp
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.sanity.conftest import SEEDS, Tell, sized
from tests.sanity.playing import questions as as_questions
from tests.sanity.playing import save_untaught_reward
from tests.tiny_model import build_tiny_model
from workers.rlhf import cast, ppo, rollout
from workers.rlhf.configs import PpoConfig
from workers.rlhf.models import Role
from workers.rlhf.rollout import Question

# How many of ten people say yes.
YES = {"Left?": 2, "Is it so?": 4, "Shall we go?": 5, "Do you like tea?": 7}
UPDATES, COUNTED = sized(80, 60), 0.3
BANDIT = PpoConfig(
    updates=UPDATES,
    prompts_per_update=4,
    samples_per_prompt=32,
    prompts_per_chunk=4,
    max_new_tokens=1,
    missing_stop_penalty=0.0,
    kl_coefficient=1.0,
    epochs=2,
    minibatches=1,
    stop_kl=0.0,
    learning_rate=1e-3,
    warmup_updates=0,
    lora_rank=4,
    lora_alpha=8,
    lora_layers=0,
)


@pytest.fixture(scope="module")
def two_actions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that answers yes or no, each as often as people did."""
    said = [(ask, "Yes" if person < count else "No") for ask, count in YES.items() for person in range(10)]
    return build_tiny_model(tmp_path_factory.mktemp("bandit") / "base", steps=80, exchanges=said)


def chance_of(role: Role, questions: list[Question], token: int) -> Tensor:
    """The probability [B] that a role answers each question with one token, worked out and not sampled."""
    role.model.activate(role.adapter)
    chances = []
    for question in questions:
        with torch.no_grad():
            hidden_Td = role.model.backbone(input_ids=torch.tensor([question.ids])).last_hidden_state[0]
            chances.append(torch.softmax(role.model.vocabulary_head(hidden_Td[-1]), dim=-1)[token])
    return torch.stack(chances)


def test_d_a_bandit_lands_on_the_best_policy(
    two_actions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    reward = save_untaught_reward(two_actions, tmp_path / "reward")
    worst = []
    for seed in SEEDS:
        players = cast.assemble(two_actions, reward, BANDIT, seed=seed)
        questions = as_questions(players, list(YES))
        yes = players.policy.model.chat.tokenizer.encode("Yes", add_special_tokens=False)[0]
        monkeypatch.setattr(
            rollout, "judge", lambda _, answers, __, yes=yes: (answers.batch.reply[:, 0] == yes).float()
        )
        before_B = chance_of(players.reference, questions, yes)
        paid_B = before_B * exp(1 / BANDIT.kl_coefficient)
        best_B = paid_B / (paid_B + 1 - before_B)
        training = ppo.training_of(players, BANDIT)
        late = [
            chance_of(players.policy, questions, yes)
            for step in ppo.train(players, questions, BANDIT, training, seed=seed)
            if step.number > (1 - COUNTED) * UPDATES
        ]
        worst.append(float((torch.stack(late).mean(dim=0) - best_B).abs().max()))
        # It had a way to go.
        assert float((best_B - before_B).min()) > 0.15
    tell(largest_error=max(worst), bound=0.02)
    assert max(worst) <= 0.02
