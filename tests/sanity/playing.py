"""Policies that play against a judge of our choosing, and what they do then."""

from collections.abc import Sequence
from pathlib import Path

from workers.rlhf import models
from workers.rlhf.artifacts import Description, describe, seal
from workers.rlhf.cast import Cast
from workers.rlhf.heads import ScoreHead, save_head
from workers.rlhf.rollout import Question


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


def asked(players: Cast, prompts: Sequence[str]) -> list[Question]:
    """Prompts as the policy reads them."""
    chat = players.policy.model.chat
    return [
        Question(place, chat.prompt([{"role": "user", "content": text}], 64).ids, text)
        for place, text in enumerate(prompts)
    ]
