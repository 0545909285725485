"""Who learns more at the same distance from the start: our PPO or TRL's PPOTrainer (1.12, the last that has it)?

Both sides get the same tiny model, prompts, reward model and number of episodes, several seeds. Gold is known
(`benchmarks/equal_learning_world.py`); the reward model learnt from rankings by it, and both trainers are paid by that
model: our artifact, and its export for transformers, which are checked to score alike. Eight policies on each way are
written down as plain weights, and one evaluator lets all of them answer the same held-out prompts with the same random
numbers: gold, and exact KL over the whole vocabulary. Gold at 2 and 4 nats is interpolated; intervals resample seeds
and prompts. A way that does not get there is "not shown".

Resumable: every stage leaves a small file in `--work`, and what is there is not done again.

    python -m benchmarks.equal_learning [--work build/equal_learning] [--arms full,b64] [--seeds 5] [--episodes 512]
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from benchmarks import gold_play
from benchmarks.equal_learning_beginning import begun, reading
from benchmarks.equal_learning_figures import Ways, compared
from benchmarks.equal_learning_plan import ARMS, EQUAL_KL, SIDES, Arm, Beginning, Size
from benchmarks.equal_learning_world import World, gold
from benchmarks.gold import write_whole
from benchmarks.peers import machine, ours, peer
from benchmarks.ppo_vs_trl import TRL_WITH_PPO
from workers.rlhf import evaluate
from workers.rlhf.models import Role

Trainer = Callable[[dict[str, Any], Path], dict[str, Any]]
# Of each policy as many of its texts are kept, to read.
SHOWN = 4


def trainers() -> Mapping[str, Trainer]:
    """Both sides, each in a process of its own."""
    return {
        "ours": lambda plan, folder: ours("benchmarks.equal_learning_ours:train").run(plan, folder),
        "peer": lambda plan, folder: peer("benchmarks.equal_learning_trl:train", TRL_WITH_PPO).run(plan, folder),
    }


def main(words: Sequence[str] | None = None) -> None:
    """Do what is not there yet and print a row for each arm and distance."""
    torch.set_num_threads(1)
    given = arguments(words)
    wanted = {name: arm for name, arm in ARMS.items() if not given.arms or name in given.arms.split(",")}
    size = Size(seeds=given.seeds, episodes=given.episodes)
    for row in rows(wanted, given.work, size, trainers()):
        print(json.dumps(row), flush=True)


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("build/equal_learning"), metavar="DIR")
    parser.add_argument("--arms", default="", help=f"comma-separated, of {', '.join(ARMS)}; all when left out")
    parser.add_argument("--seeds", type=int, default=Size().seeds)
    parser.add_argument(
        "--episodes", type=int, default=Size().episodes, help="completions that each policy learns from"
    )
    return parser.parse_args(words)


def rows(wanted: Mapping[str, Arm], work: Path, size: Size, sides: Mapping[str, Trainer]) -> Iterator[dict[str, Any]]:
    """Arm after arm, at each distance."""
    for name, arm in wanted.items():
        world = size.world_of(arm)
        start = begun(work / ("ends" if arm.ends else "no-end"), size, world)
        folder = work / f"{name}-{size.episodes}"
        for side in SIDES:
            trained(folder / side, size.plan(arm, side, start), size, sides[side])
        first = starts(start, size, world)
        points = {side: measured(folder / side, start, size, arm, world) for side in SIDES}
        scale = first["spread"]
        own, other = (Ways.of(points[side], first["points"][: size.seeds], scale) for side in SIDES)
        for nats in EQUAL_KL:
            found = {"name": "equal_learning", "arm": name, "nats": nats, **compared(own, other, nats)}
            yield found | facts(arm, size, start, points)


def trained(folder: Path, plan: dict[str, Any], size: Size, train: Trainer) -> None:
    """Let a side train the seeds that are not there yet; weights lie in their folders until they are measured."""
    folders = {seed: folder / f"seed-{seed}" for seed in range(size.seeds)}
    missing = {seed: path for seed, path in folders.items() if not whole(path, plan["points"])}
    for path in missing.values():
        path.mkdir(parents=True, exist_ok=True)
    if missing:
        train(plan | {"runs": [{"seed": seed, "folder": str(path)} for seed, path in missing.items()]}, folder)


def whole(folder: Path, points: Sequence[int]) -> bool:
    """Whether a seed's way is there from end to end, measured or not."""
    steps = (folder / f"step-{number}" for number in points)
    there = (step.with_suffix(".json").is_file() or step.with_suffix(".safetensors").is_file() for step in steps)
    return (folder / "told.json").is_file() and all(there)


def starts(start: Beginning, size: Size, world: World) -> dict[str, Any]:
    """Where each seed's way begins, and the SD of the first model's gold over its completions."""
    path = start.folder / f"start-{size.seeds}.json"
    if not path.is_file():
        role, reference = gold_play.of_folder(start.base, start.base)
        points, every = [], []
        for seed in range(size.seeds):
            point, values = looked_at(role, reference, world, size, seed)
            points.append(point)
            every += values
        write_whole(path, json.dumps({"points": points, "spread": float(np.std(every))}))
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def measured(folder: Path, start: Beginning, size: Size, arm: Arm, world: World) -> list[list[dict[str, Any]]]:
    """The points of each seed's way. Weights that have been looked at are removed."""
    ways = []
    roles: list[Role] = []
    for seed in range(size.seeds):
        way = []
        for number in size.points(arm):
            path = folder / f"seed-{seed}" / f"step-{number}.json"
            weights = path.with_suffix(".safetensors")
            if not path.is_file():
                roles = roles or list(evaluate.load_writers({"policy": start.base}).values())
                roles = roles if len(roles) > 1 else [*roles, *evaluate.load_writers({"start": start.base}).values()]
                roles[0].model.causal.load_state_dict(load_file(weights))
                point, _ = looked_at(roles[0], roles[1], world, size, seed)
                write_whole(path, json.dumps(point))
            weights.unlink(missing_ok=True)
            way.append(json.loads(path.read_text()))
        ways.append(way)
    return ways


def looked_at(
    policy: Role, reference: Role | None, world: World, size: Size, seed: int
) -> tuple[dict[str, Any], list[float]]:
    """A policy's point: mean gold and nats of each held-out prompt; and the gold of every completion.

    All policies of a seed, on both sides, draw the same random numbers.
    """
    prompts = world.prompts("test")
    config = reading(size, size.held_out_samples)
    lines = gold_play.lines_of(policy, reference, prompts, config, seed=1000 + seed)
    values = [gold(line.text) for line in lines]
    point = {
        "gold": [fmean(group) for group in by_prompt(values, config.samples_per_prompt)],
        "kl": [fmean(group) for group in by_prompt([line.kl or 0.0 for line in lines], config.samples_per_prompt)],
        "tokens": fmean(line.tokens for line in lines),
        "stopped": fmean(line.stopped for line in lines),
        "texts": [line.text for line in lines[:SHOWN]],
    }
    return point, values


def by_prompt(values: Sequence[float], each: int) -> list[Sequence[float]]:
    """Values of completions, prompt by prompt."""
    return [values[place : place + each] for place in range(0, len(values), each)]


def facts(arm: Arm, size: Size, start: Beginning, points: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be known to measure the same again, and how both sides' completions end."""
    last = {side: [way[-1] for way in ways] for side, ways in points.items()}
    return {
        "unit": "gold above the start, in the start's SDs",
        "seeds": list(range(size.seeds)),
        "prompts": len(points["ours"][0][0]["gold"]),
        "samples": size.held_out_samples,
        **asdict(arm),
        "episodes": size.updates(arm) * arm.batch,
        "epochs": size.epochs,
        "kl_coefficient": size.kl_coefficient,
        "reward_model": json.loads(start.made.read_text()),
        "tokens_at_the_end": {side: fmean(point["tokens"] for point in found) for side, found in last.items()},
        "stopped_at_the_end": {side: fmean(point["stopped"] for point in found) for side, found in last.items()},
        "versions": {
            "trl": TRL_WITH_PPO.partition("==")[2],
            "torch": version("torch"),
            "transformers": version("transformers"),
        },
        "machine": machine(),
    }


if __name__ == "__main__":
    main()
