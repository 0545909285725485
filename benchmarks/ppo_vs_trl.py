"""PPO: our engine against TRL's PPOTrainer (1.12, the last release that has it), and RLOO against TRL's RLOOTrainer.

Same prompts, same numbers of tokens, episodes, epochs and updates, one minibatch an epoch, fp32, one thread each, by
turns; of each process the last update counts. Random weights of SmolLM2-135M's shape: speed does not read them, and
nothing here says which learns better.

    python -m benchmarks.ppo_vs_trl [--model tiny] [--arms lora,recipe] [--repeats 3] [--updates 3] [--prompts 4]
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmarks.peers import Side, by_turns, machine, ours, peer, ratios
from benchmarks.reward_vs_trl import SHAPES
from benchmarks.reward_vs_trl import TRL as TRL_WITH_RLOO
from benchmarks.sft_vs_trl import build_model
from workers.rlhf import models
from workers.rlhf.artifacts import Description, describe, seal
from workers.rlhf.heads import ScoreHead, save_head

TRL_WITH_PPO = "trl==1.12.0"
LEARNING_RATE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One comparison: what we train and how, and what the peer trains.

    `layers` get adapters on our side, as a share of all; the layers below are read once a round.
    """

    recipe: str = "ppo"
    method: str = "lora"
    layers: float = 1.0
    value: str = "shared"
    peer_lora: bool = False
    samples: int = 1

    def plan(self, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
        """What both sides are to do."""
        count = SHAPES[given.model]["num_hidden_layers"]
        return {
            "model": str(folder / "model"),
            "reward": str(folder / ("reward-top" if self.layers < 1 else "reward")),
            "recipe": self.recipe,
            "method": self.method,
            "layers": 0 if self.layers == 1 else max(1, round(count * self.layers)),
            "value": self.value,
            "peer_lora": self.peer_lora,
            "samples": self.samples,
            "prompts": given.prompts,
            "prompt_tokens": given.prompt_tokens,
            "reply_tokens": given.reply_tokens,
            "epochs": given.epochs,
            "updates": given.updates,
            "learning_rate": LEARNING_RATE,
            "seed": given.seed,
        }


# `recipe` and `cached_trunk` are our adapters against all the peer's weights, which their names say; `memory` is the
# peer's peak over ours in the arm `recipe`.
TOP = 1 / 3
ARMS = {
    "full": Arm(method="full"),
    "lora": Arm(peer_lora=True, value="apart"),
    "recipe": Arm(),
    "cached_trunk": Arm(layers=TOP),
    "rloo": Arm(recipe="rloo", method="full", samples=4),
}


def main() -> None:
    """Print a row for each arm, and one for memory."""
    given = arguments()
    wanted = {name: arm for name, arm in ARMS.items() if not given.arms or name in given.arms.split(",")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder, given.model)
        for row in rows(wanted, folder, given):
            print(json.dumps(row), flush=True)


def arguments() -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=list(SHAPES), default="135m")
    parser.add_argument("--arms", default="", help=f"comma-separated, of {', '.join(ARMS)}; all when left out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--updates", type=int, default=3, help="updates of each process, the last one counts")
    parser.add_argument("--prompts", type=int, default=4, help="prompts of an update")
    parser.add_argument("--prompt-tokens", type=int, default=128)
    parser.add_argument("--reply-tokens", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def rows(wanted: dict[str, Arm], folder: Path, given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure arm after arm."""
    mine = ours("benchmarks.ppo_ours:updates")
    for name, arm in wanted.items():
        plan = arm.plan(folder, given)
        turns = by_turns([(mine, plan), (other_side(arm), plan)], given.repeats, folder)
        episodes = plan["prompts"] * plan["samples"]
        seconds = [[found["seconds"][-1] / episodes for found in side] for side in turns]
        yield named(name, "CPU s per episode", seconds) | facts(arm, plan, turns)
        if name == "recipe":
            peaks = [[found["peak_mb"] for found in side] for side in turns]
            yield named("memory", "MiB at the peak", peaks) | facts(arm, plan, turns)


def other_side(arm: Arm) -> Side:
    """The peer that has the arm's recipe."""
    if arm.recipe == "rloo":
        return peer("benchmarks.rloo_trl:updates", TRL_WITH_RLOO)
    return peer("benchmarks.ppo_trl:updates", TRL_WITH_PPO)


def named(arm: str, unit: str, sides: list[list[float]]) -> dict[str, Any]:
    """A comparison's name, unit and ratio."""
    return {"name": "ppo_vs_trl", "arm": arm, **ratios(*sides), "unit": unit}


def facts(arm: Arm, plan: dict[str, Any], turns: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """What has to be known to measure the same again."""
    kept = ("prompts", "samples", "prompt_tokens", "reply_tokens", "epochs", "updates", "method", "layers", "value")
    sides = dict(zip(("ours", "peer"), turns, strict=True))
    trl = TRL_WITH_RLOO if arm.recipe == "rloo" else TRL_WITH_PPO
    return {
        **{name: plan[name] for name in kept},
        "peer_trains": "lora" if arm.peer_lora else "full",
        "tokens": {side: found[0]["tokens"] for side, found in sides.items()},
        "peak_mb": {side: max(one["peak_mb"] for one in found) for side, found in sides.items()},
        "repeats": len(turns[0]),
        "seeds": [plan["seed"]],
        "versions": {"trl": trl.partition("==")[2], "torch": version("torch"), "transformers": version("transformers")},
        "machine": machine(),
    }


def build(folder: Path, shape: str) -> None:
    """A base with random weights as our artifact, and reward models on it: adapters everywhere, or on the top third."""
    base = build_model(folder / "model", shape)
    describe(base, Description(kind="base"))
    seal(base)
    top = max(1, round(SHAPES[shape]["num_hidden_layers"] * TOP))
    for name, layers in (("reward", 0), ("reward-top", top)):
        save_reward(base, folder / name, layers)


def save_reward(base: Path, folder: Path, layers: int) -> None:
    """An untrained reward model."""
    folder.mkdir()
    torch.manual_seed(1)
    model = models.load_base(base)
    models.add_adapter(model, "reward", rank=16, alpha=32, layers=layers)
    models.save_adapter(model, "reward", folder)
    save_head(ScoreHead(model.width), folder)
    describe(folder, Description(kind="reward", base_sha256=model.base_sha256, adapter=True))
    seal(folder)
    (folder / "base").symlink_to(base)


if __name__ == "__main__":
    main()
