"""The engine from the command line.

``--job DIR`` is how the service runs it; ``train`` and ``score`` are for people. Both run the same recipes.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from workers.rlhf import checkpoints, models
from workers.rlhf.artifacts import read_description
from workers.rlhf.child import emitter, fail, run_child
from workers.rlhf.configs import config_from
from workers.rlhf.data import BadDataError, read_lines
from workers.rlhf.heads import load_head
from workers.rlhf.job import Emit, open_job
from workers.rlhf.launch import launch
from workers.rlhf.models import Role
from workers.rlhf.prefix import dialogues
from workers.rlhf.reward import ADAPTER


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    given = parser().parse_args(arguments)
    if given.job is not None:
        return run_child(given.job)
    if given.command is None:
        parser().print_help()
        return 2
    emit = emitter(lambda line: print(line, end="", flush=True))
    try:
        {"train": train, "score": score}[given.command](given, emit)
    except (ValueError, ArithmeticError, OSError, RuntimeError) as error:
        fail(error, emit)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """The words of the command line."""
    top = argparse.ArgumentParser(prog="plackett", description="Train and use models of Plackett.")
    top.add_argument("--job", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    commands = top.add_subparsers(dest="command")
    training = commands.add_parser("train", help="train a model; prints its progress as JSON lines")
    training.add_argument("kind", choices=["reward", "ppo"])
    training.add_argument("--config", type=Path, metavar="FILE", help="JSON file with settings of the recipe")
    training.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="one setting; wins")
    training.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help="JSONL: rankings, or prompts for ppo"
    )
    training.add_argument("--model", type=Path, required=True, metavar="DIR", help="base (reward) or policy (ppo)")
    training.add_argument("--reward-model", type=Path, metavar="DIR", help="reward model (ppo)")
    training.add_argument("--out", type=Path, required=True, metavar="DIR", help="new folder for the run")
    training.add_argument("--seed", type=int, default=0)
    training.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in --out")
    scoring = commands.add_parser("score", help="score completions; prints one JSON line a completion")
    scoring.add_argument("--model", type=Path, required=True, metavar="DIR", help="reward model")
    scoring.add_argument("--data", type=Path, required=True, metavar="FILE", help='JSONL: {"messages", "completion"}')
    return top


def train(given: argparse.Namespace, emit: Emit) -> None:
    """Lay out a run's folder and run it."""
    settings: dict[str, Any] = json.loads(given.config.read_text(encoding="utf-8")) if given.config else {}
    settings |= dict(setting(text) for text in given.set)
    config_from(given.kind, settings)
    roles = {"base": given.model} if given.kind == "reward" else {"policy": given.model, "reward": given.reward_model}
    missing = [role for role, folder in roles.items() if folder is None]
    if missing:
        raise ValueError("--reward-model is needed for ppo")
    given.out.mkdir(parents=True, exist_ok=given.resume)
    if not given.resume:
        shutil.copyfile(given.data, given.out / "data.jsonl")
    content = {
        "kind": given.kind,
        "seed": given.seed,
        "threads": 0,
        "config": settings,
        "models": {role: str(folder.resolve()) for role, folder in roles.items()},
        "resume": newest_checkpoint(given.out) if given.resume else None,
    }
    (given.out / "config.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    launch(open_job(given.out, emit))
    link_base(given.out / "out", given.model.resolve())


def link_base(result: Path, start: Path) -> None:
    """Put the base beside an adapter that was trained on it, so that the folder can be loaded as it is."""
    if read_description(result).adapter:
        base = start / models.BASE if read_description(start).adapter else start
        (result / models.BASE).symlink_to(base)


def setting(text: str) -> tuple[str, Any]:
    """`name=value` with the value as JSON where it is some, else as text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set {text}: must be NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def newest_checkpoint(folder: Path) -> str | None:
    """The newest whole checkpoint of a run, as a path in its folder."""
    path = checkpoints.newest_valid(folder / "checkpoints")
    return None if path is None else path.relative_to(folder).as_posix()


@torch.no_grad()
def score(given: argparse.Namespace, emit: Emit) -> None:
    """Print the score of every line's completion, in within-prompt SDs."""
    model = models.load_model(given.model, ADAPTER)
    model.cut()
    role = Role(model, ADAPTER if ADAPTER in model.adapters else None)
    head = load_head(given.model, model)
    for row in read_lines(given.data):
        try:
            prompt = model.chat.prompt(row["messages"], sys.maxsize)
            reply = model.chat.completion(row["completion"], sys.maxsize)
        except (KeyError, TypeError) as error:
            raise BadDataError(f"a line needs messages and completion: {error}") from error
        batch = model.lower(dialogues([prompt.ids], [[reply.ids]], model.chat.pad_id))
        emit(row | {"score": float(head(role.states(batch).last(batch.reply_mask_NR))[0])})


if __name__ == "__main__":
    sys.exit(main())
