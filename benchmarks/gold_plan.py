"""The gold experiment's plan: prompts, arms, settings, and where everything lies."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.gold_taste import Raw
from workers.rlhf.evaluate_configs import EvaluateConfig

FORMS: Final = (
    "Write a short review of {}.",
    "Tell a friend what you think of {}.",
    "Describe {} in two sentences.",
    "What is it like to spend a day with {}?",
    "How do people feel about {}?",
    "Write a note to a neighbour about {}.",
    "Say something about {}.",
    "Why would anybody care about {}?",
    "What happened the last time you met {}?",
    "Give your opinion of {}.",
    "Write the beginning of a story about {}.",
    "What should visitors know about {}?",
    "Explain {} to a child.",
    "What is the worst thing about {}?",
    "What is the best thing about {}?",
    "Compare yesterday and today for {}.",
)
THINGS: Final = (
    *("an old bicycle", "the night bus", "a mountain hut", "a new neighbour", "the dentist", "a rainy picnic"),
    *("a school play", "a broken phone", "the city library", "a long meeting", "a village market", "a lost parcel"),
    *(
        "a birthday cake",
        "the winter sea",
        "a slow computer",
        "a street musician",
        "a vegetable garden",
        "a loud party",
    ),
    *(
        "the morning train",
        "a used car",
        "a swimming lesson",
        "a hotel breakfast",
        "a family dinner",
        "a job interview",
    ),
    *("a small museum", "the flu", "a chess club", "a wooden boat", "a late flight", "a stray cat", "a power cut"),
    *("a football match", "a cooking class", "the tax office", "a summer camp", "a leaking roof", "a jazz concert"),
    *("a wedding speech", "a bus driver", "a noisy fridge"),
)
HELD_OUT_THINGS: Final = 16
START: Final = "SFT"
PPO: Final = "PPO, values shared"
# Kinds whose policies are looked at on the way, at their checkpoints.
WITH_A_WAY: Final = frozenset({"dpo", "rloo", "ppo"})


@dataclass(frozen=True, slots=True)
class Arm:
    """A recipe and what of its settings makes it this arm."""

    name: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The name as one of a file."""
        return self.name.replace(" ", "_").replace(",", "")


# In this order: what says most comes first, because a table can be had after each.
ARMS: Final = (
    Arm(PPO, "ppo", {"value": "shared"}),
    Arm("RLOO", "rloo"),
    Arm("DPO", "dpo"),
    Arm("PPO, values apart", "ppo", {"value": "apart"}),
    Arm("best of n, learnt", "best_of_n"),
)
REWARD: Final = Arm("reward", "reward")
ROUNDS: Final = {
    "updates": 24,
    "prompts_per_update": 16,
    "samples_per_prompt": 4,
    "max_new_tokens": 48,
    "learning_rate": 4e-4,
    "value_learning_rate": 1e-3,
    # Most completions are cut there, for people and for gold alike; the best of n are chosen without a penalty too.
    "missing_stop_penalty": 0.0,
}
DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    # Texts are dear and judgments are not: three people say of the same four what one alone would get wrong.
    "people": {"tasks_per_prompt": 3, "judgments": 3},
    # 3.2 nats at most; 4 nats would take 148.
    "choice": {"n": 64, "prompts": 64},
    # Checkpoints of an arm that are looked at.
    "way": {"points": 8},
    "evaluate": {"samples_per_prompt": 2, "max_new_tokens": 48, "prompts_per_chunk": 8},
    # Four passes of small steps: after one pass of 39, a model of 135M parameters tells nothing apart. Read as the mean
    # over the reply and with three times the rankings it was right on 67 % of held-out pairs, 58 % before.
    "reward": {
        "read": "mean",
        "lora_layers": 10,
        "minimum_steps": 300,
        "prompts_per_step": 4,
        "learning_rate": 4e-4,
        "head_learning_rate": 2e-3,
        "ties": "rao_kupper",
        "max_completion_tokens": 64,
    },
    "ppo": ROUNDS | {"updates": 48},
    "rloo": {name: value for name, value in ROUNDS.items() if name != "value_learning_rate"},
    "dpo": {"max_completion_tokens": 64, "minimum_steps": 60},
    "best_of_n": {"samples_per_prompt": 8, "max_new_tokens": 48, "prompts": 384, "missing_stop_penalty": 0.0},
}


@dataclass(frozen=True, slots=True)
class Experiment:
    """Where everything lies, and how large it is."""

    base: Path
    work: Path
    seeds: int
    settings: Mapping[str, Mapping[str, Any]]
    things: int
    forms: int
    raw: Raw
    held_out: int | None = None

    def prompts(self, split: str) -> list[str]:
        """The prompts of a split: no thing is in both. Of those held out, at most `held_out`, drawn."""
        held = min(HELD_OUT_THINGS, self.things // 2)
        things = THINGS[: self.things - held] if split == "train" else THINGS[self.things - held : self.things]
        prompts = [form.format(thing) for thing in things for form in FORMS[: self.forms]]
        if split == "train" or self.held_out is None or self.held_out >= len(prompts):
            return prompts
        drawn = random.Random(0).sample(range(len(prompts)), self.held_out)  # noqa: S311 -- no secret
        return [prompts[place] for place in sorted(drawn)]

    def folder(self, seed: int) -> Path:
        """What belongs to one seed."""
        path = self.work / f"seed-{seed}"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def settings_of(self, arm: Arm) -> dict[str, Any]:
        """An arm's settings; some kinds are looked at several times on their way."""
        settings = dict(self.settings[arm.kind]) | dict(arm.settings)
        if arm.kind in WITH_A_WAY:
            steps = settings.get("updates") or settings.get("minimum_steps") or 1
            settings["checkpoint_every"] = max(1, steps // self.settings["way"]["points"])
        return settings

    def reading(self, **more: Any) -> EvaluateConfig:
        """How models are let write."""
        return EvaluateConfig(**(dict(self.settings["evaluate"]) | more))
