"""Policies that play against a judge of our choosing, and what they write then.

Shapes: N = completions.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from tests.sanity import meadow
from workers.rlhf import evaluate, models, ppo, rollout
from workers.rlhf.artifacts import Description, describe, seal
from workers.rlhf.cast import Cast
from workers.rlhf.configs import PpoConfig
from workers.rlhf.evaluate import Answers, Asked
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.heads import ScoreHead, save_head
from workers.rlhf.models import Role
from workers.rlhf.rollout import Question
from workers.rlhf.win_rates import Comparisons

Taste = Callable[[str], float]
LONGEST = 24
OFFSET = 5.0


def save_untaught_reward(base: Path, folder: Path) -> Path:
    """A reward model that knows nothing: its place in the play is taken by a judge of ours."""
    folder.mkdir()
    model = models.load_base(base)
    with models.fresh_seed(5):
        models.add_adapter(model, "reward", rank=1, alpha=1, layers=0)
        head = ScoreHead(model.width)
    models.save_adapter(model, "reward", folder)
    save_head(head, folder)
    describe(folder, Description(kind="reward", base_sha256=model.base_sha256, adapter=True))
    seal(folder)
    (folder / "base").symlink_to(base)
    return folder


def asked(role: Role, prompts: Sequence[str]) -> list[Asked]:
    """Prompts as a model reads them."""
    messages = [[{"role": "user", "content": text}] for text in prompts]
    return [Asked(place, said, role.model.chat.prompt(said, 64).ids) for place, said in enumerate(messages)]


def questions(players: Cast, prompts: Sequence[str]) -> list[Question]:
    """Prompts as a policy learns on them."""
    return [Question(one.prompt_id, one.ids, one.text) for one in asked(players.policy, prompts)]


def oracle(taste: Taste, *, offsets: bool = False) -> Callable[..., Tensor]:
    """A judge that knows the taste itself; with offsets every prompt has a level of its own, 5 up or 5 down."""

    def judge(players: Cast, answers: rollout.Answers, _config: PpoConfig) -> Tensor:
        texts = [players.policy.model.chat.text(done.ids) for done in answers.completions]
        score_N = torch.tensor([taste(text) for text in texts])
        if offsets:
            # Odd and even prompts, known by their tokens: updates ask them in an order of their own.
            batch = answers.batch
            odd_B = (batch.prompt * batch.prompt_mask_BP).sum(dim=1) % 2
            score_N = score_N + OFFSET * (2 * odd_B[batch.owner_N] - 1)
        return score_N

    return judge


def taught(players: Cast, config: PpoConfig, *, seed: int) -> Cast:
    """The players after the policy has learnt."""
    learn = questions(players, meadow.prompts("train"))
    for _ in ppo.train(players, learn, config, ppo.training_of(players, config), seed=seed):
        pass
    return players


def written(role: Role, *, seed: int, count: int) -> Answers:
    """What a role writes of the held-out prompts."""
    config = EvaluateConfig(samples_per_prompt=count, max_new_tokens=LONGEST, prompts_per_chunk=16)
    groups = evaluate.write(role, asked(role, meadow.prompts("test")), config, seed=seed)
    return [group for part in groups for group in part]


def mean_kl(players: Cast, answers: Answers) -> float:
    """Nats between policy and reference over the policy's answers to the held-out prompts."""
    prompts = asked(players.policy, meadow.prompts("test"))
    return float(evaluate.distances(players.policy, players.reference, prompts, answers, 1.0).mean())


def compared(own: Answers, others: Answers, taste: Taste) -> Comparisons:
    """Two models' answers before a taste."""
    scores = [[[taste(one.text) for one in group] for group in answers] for answers in (own, others)]
    lengths = [[[float(len(one.text)) for one in group] for group in answers] for answers in (own, others)]
    return Comparisons.of(*scores, *lengths)


def mean_taste(answers: Answers, taste: Taste) -> float:
    """What a taste makes of all answers, on average."""
    return fmean(taste(one.text) for group in answers for one in group)
