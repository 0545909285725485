"""What `equal_learning` compares: arms, settings, and where everything lies."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any, Final

from benchmarks.equal_learning_world import World

SIDES: Final = ("ours", "peer")
# Nats from the model that both sides start from, at which they are compared.
EQUAL_KL: Final = (2.0, 4.0)
# Looked at on a policy's way, the start not counted.
POINTS: Final = 8
# Answers of these people never end within a completion.
TALKATIVE: Final = {"shortest": 14, "longest": 18}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One comparison: what learns on each side, and from how many completions an update.

    `value` is ours alone: with `apart` values are a whole copy of the reward model, as the peer's always are.
    With `ends`, a completion is over when the policy says so; without, people's answers are so long that all are cut.
    `recipe` is our own way to spend an update's completions: several of a prompt against each other, two passes of two
    minibatches. The peer then learns all its weights with the settings of the other arms.
    """

    method: str = "full"
    peer_lora: bool = False
    value: str = "shared"
    batch: int = 16
    ends: bool = True
    recipe: bool = False
    learning_rate: float = 4e-4
    peer_learning_rate: float | None = None


ARMS: Final = {
    "full": Arm(),
    "full_apart": Arm(value="apart"),
    "lora": Arm(method="lora", peer_lora=True, value="apart", learning_rate=1.5e-3),
    "recipe": Arm(method="lora", recipe=True, learning_rate=1.5e-3, peer_learning_rate=4e-4),
    "b4": Arm(batch=4, learning_rate=2e-4),
    "b64": Arm(batch=64, learning_rate=1e-3),
    "no_end": Arm(ends=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of it is done."""

    world: World = field(default_factory=World)
    seeds: int = 5
    episodes: int = 512
    epochs: int = 4
    kl_coefficient: float = 0.1
    reply_tokens: int = 24
    held_out_samples: int = 1
    reading_steps: int = 80
    tasks_per_prompt: int = 3
    reward_steps: int = 120

    def world_of(self, arm: Arm) -> World:
        """The world that an arm learns in."""
        return self.world if arm.ends else replace(self.world, **TALKATIVE)

    def updates(self, arm: Arm) -> int:
        """Updates in which an arm sees all its episodes."""
        return max(1, self.episodes // arm.batch)

    def points(self, arm: Arm) -> list[int]:
        """The updates after which an arm's policy is looked at."""
        updates = self.updates(arm)
        return sorted({ceil(updates * place / POINTS) for place in range(1, POINTS + 1)})

    def plan(self, arm: Arm, side: str, beginning: "Beginning") -> dict[str, Any]:
        """What a side is to do, but for its runs: seeds with the folders that their points go to."""
        peers_own = side == "peer" and arm.peer_learning_rate is not None
        return {
            **beginning.paths(),
            "points": self.points(arm),
            "method": arm.method,
            "peer_lora": arm.peer_lora,
            "value": arm.value,
            "recipe": arm.recipe,
            "batch": arm.batch,
            "updates": self.updates(arm),
            "epochs": self.epochs,
            "reply_tokens": self.reply_tokens,
            "kl_coefficient": self.kl_coefficient,
            "missing_stop_penalty": 0.5 if arm.ends else 0.0,
            "learning_rate": arm.peer_learning_rate if peers_own else arm.learning_rate,
        }


@dataclass(frozen=True, slots=True)
class Beginning:
    """What both sides start from, in one folder: a model, a reward model in two forms, and prompts as tokens."""

    folder: Path

    @property
    def base(self) -> Path:
        """The model that writes first, as our artifact and as any folder of transformers."""
        return self.folder / "base"

    @property
    def reward(self) -> Path:
        """The reward model as our artifact."""
        return self.folder / "reward" / "out"

    @property
    def classifier(self) -> Path:
        """The same reward model for plain transformers."""
        return self.folder / "reward" / "transformers"

    @property
    def made(self) -> Path:
        """There once all else is: what was found on the way."""
        return self.folder / "made.json"

    @property
    def prompts(self) -> Path:
        """Tokens of the prompts to learn on."""
        return self.folder / "prompts.json"

    def paths(self) -> Mapping[str, str]:
        """All of it, as a process of its own can be told."""
        return {name: str(getattr(self, name)) for name in ("base", "reward", "classifier", "prompts")}
