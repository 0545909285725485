"""From rankings to a policy by the engine's own recipes: completions, simulated people, reward model, PPO."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.sanity import meadow
from tests.sanity.playing import Taste, asked
from tests.workers.rlhf.conftest import write_job
from workers.rlhf import evaluate
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.job import Event, open_job
from workers.rlhf.launch import launch

# What somebody says of a prompt's completions: their ranks.
Says = Callable[[list[str], random.Random], list[int]]
EACH = 4


@dataclass(frozen=True)
class Taught:
    """A trained reward model and how it fares on held-out judgments."""

    folder: Path
    accuracy: float


def by_taste(taste: Taste) -> Says:
    """Ranks by a taste; equal ones tie."""

    def say(texts: list[str], _draw: random.Random) -> list[int]:
        better = sorted({taste(text) for text in texts}, reverse=True)
        return [better.index(taste(text)) + 1 for text in texts]

    return say


def at_random(texts: list[str], draw: random.Random) -> list[int]:
    """Ranks that have nothing to do with the texts."""
    return draw.sample(range(1, len(texts) + 1), len(texts))


def ranked(base: Path, say: Says, *, tasks: int, seed: int) -> list[dict]:
    """Rankings of the base's completions: of every prompt so many tasks with other completions."""
    (role,) = evaluate.load_writers({"base": base}).values()
    config = EvaluateConfig(samples_per_prompt=tasks * EACH, max_new_tokens=24, prompts_per_chunk=16)
    draw = random.Random(seed)  # noqa: S311 -- a simulation
    rows = []
    for split, name in (("train", "train"), ("test", "validation")):
        prompts = asked(role, meadow.prompts(split))
        groups = [group for part in evaluate.write(role, prompts, config, seed=seed) for group in part]
        for one, group in zip(prompts, groups, strict=True):
            for task in range(tasks):
                texts = [said.text for said in group[task * EACH : (task + 1) * EACH]]
                rows.append(
                    {
                        "prompt_id": f"{name} {one.prompt_id} {task}",
                        "group": one.text,
                        "split": name,
                        "messages": list(one.messages),
                        "completions": [
                            {"id": f"{len(rows)} {place}", "text": text} for place, text in enumerate(texts)
                        ],
                        "annotations": [{"annotator": "a", "ranks": say(texts, draw)}],
                    }
                )
    return rows


def taught_reward(base: Path, folder: Path, rows: list[dict], *, steps: int, seed: int) -> Taught:
    """A reward model trained on rankings, by the recipe that every run takes."""
    config = {
        "lora_layers": 0,
        "lora_rank": 8,
        "learning_rate": 5e-3,
        "head_learning_rate": 5e-3,
        "minimum_steps": steps,
        "epochs": 1,
        "prompts_per_chunk": 8,
        "checkpoint_every": 0,
    }
    events: list[Event] = []
    launch(open_job(write_job(folder, "reward", rows, {"base": base}, config=config, seed=seed), events.append))
    (folder / "out" / "base").symlink_to(base)
    return Taught(folder / "out", events[-1]["metrics"]["accuracy/held_out"])
