"""The engine from the command line.

``--job DIR`` is how the service runs it; ``train``, ``evaluate`` and ``score`` are for people. Both run the same
recipes.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from transformers.utils import logging as transformers_logging

from workers.rlhf import by_hand, evaluate_by_hand
from workers.rlhf.by_hand import Asked
from workers.rlhf.child import emitter, fail, run_child
from workers.rlhf.configs import config_from
from workers.rlhf.data import read_lines
from workers.rlhf.job import Emit
from workers.rlhf.processes import team
from workers.rlhf.progress import watched
from workers.rlhf.score import load_judge, scored_lines

# The roles of a recipe's models, each with the option that names its folder.
ROLES: Final[Mapping[str, Mapping[str, str]]] = {
    "pretrain": {"base": "model"},
    "sft": {"base": "model", "reward": "reward_model"},
    "reward": {"base": "model"},
    "ppo": {"policy": "model", "reward": "reward_model"},
    "rloo": {"policy": "model", "reward": "reward_model"},
    "grpo": {"policy": "model", "reward": "reward_model"},
    "best_of_n": {"policy": "model", "reward": "reward_model"},
    "dpo": {"policy": "model"},
}
# Models that a recipe can do without.
OPTIONAL: Final = frozenset({("pretrain", "base"), ("sft", "reward")})
FILES: Final = ("data", "text", "demonstrations", "reference")
INTERRUPTED: Final = 130
EXPECTED: Final = (ValueError, ArithmeticError, OSError, RuntimeError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    # The run has one bar of its own.
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    given = parser().parse_args(arguments)
    if given.job is not None:
        return run_child(given.job)
    if given.command is None:
        parser().print_help()
        return 2
    try:
        {"train": train, "evaluate": evaluate, "score": score}[given.command](given, emitter(write_line))
    except EXPECTED as error:
        print(f"plackett: {error}", file=sys.stderr)
        fail(error, emitter(write_line))
        return 1
    except KeyboardInterrupt:
        print("plackett: stopped; the same command goes on from the newest checkpoint", file=sys.stderr)
        return INTERRUPTED
    return 0


def write_line(text: str) -> None:
    """Write to standard output at once."""
    print(text, end="", flush=True)


def parser() -> argparse.ArgumentParser:
    """The words of the command line."""
    top = argparse.ArgumentParser(prog="plackett", description="Train and use models of Plackett.")
    top.add_argument("--job", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    commands = top.add_subparsers(dest="command")
    training = commands.add_parser("train", help="train a model; ends with one JSON object of metrics")
    training.add_argument("kind", choices=list(ROLES))
    training.add_argument("--config", type=Path, metavar="FILE", help="JSON file with settings of the recipe")
    training.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="one setting; wins")
    training.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help="text (pretrain), demonstrations (sft), rankings or prompts",
    )
    training.add_argument("--text", type=Path, metavar="FILE", help="other text to mix in (sft, ppo)")
    training.add_argument(
        "--demonstrations", type=Path, metavar="FILE", help="demonstrations to mix in where there is no text (ppo)"
    )
    training.add_argument(
        "--reference", type=Path, metavar="FILE", help="prompts with completions that fix the scale of scores (reward)"
    )
    training.add_argument("--model", type=Path, metavar="DIR", help="base, or policy; pretrain can do without")
    training.add_argument("--reward-model", type=Path, metavar="DIR", help="reward model (not for dpo)")
    training.add_argument("--out", type=Path, required=True, metavar="DIR", help="the run; asked again, it goes on")
    training.add_argument("--seed", type=int, default=0)
    training.add_argument("--threads", type=int, default=0, help="threads of a CPU; 0 leaves it to torch")
    training.add_argument("--quiet", action="store_true", help="no bar")
    comparing = commands.add_parser("evaluate", help="compare a policy with others on held-out prompts")
    evaluate_by_hand.add_words(comparing)
    scoring = commands.add_parser("score", help="score completions; prints every line again with its scores")
    scoring.add_argument(
        "--model", type=Path, required=True, action="append", metavar="DIR", help="reward model; several are averaged"
    )
    scoring.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help="rankings, or lines with messages and a completion"
    )
    return top


def train(given: argparse.Namespace, emit: Emit) -> None:
    """Run a recipe with a bar on standard error; the last line of standard output is one JSON object."""
    asked = asked_of(given)
    leads = team().leads
    with watched(asked.out / "events.jsonl", quiet=given.quiet or not leads) as tell:
        told = by_hand.train(asked, tell)
    if leads:
        emit(told)


def evaluate(given: argparse.Namespace, emit: Emit) -> None:
    """Compare models with a bar on standard error; the last line of standard output is one JSON object."""
    asked = evaluate_by_hand.asked_of(given, settings_of(given))
    with watched(asked.out / "events.jsonl", quiet=given.quiet) as tell:
        told = by_hand.train(asked, tell)
    emit(told)


def settings_of(given: argparse.Namespace) -> dict[str, Any]:
    """The configuration file's settings, changed by what `--set` says."""
    settings: dict[str, Any] = json.loads(given.config.read_text(encoding="utf-8")) if given.config else {}
    return settings | dict(setting(text) for text in given.set)


def asked_of(given: argparse.Namespace) -> Asked:
    """What the command line and its configuration file ask for; `model` and `reward_model` may be in the file too."""
    settings = settings_of(given)
    written = {option: settings.pop(option, None) for option in ("model", "reward_model")}
    named = {option: getattr(given, option) or path for option, path in written.items()}
    config_from(given.kind, settings)
    for role, option in ROLES[given.kind].items():
        if not named[option] and (given.kind, role) not in OPTIONAL:
            raise ValueError(f"--{option.replace('_', '-')} is needed for {given.kind}")
    return Asked(
        kind=given.kind,
        settings=settings,
        files={word: path for word in FILES if (path := getattr(given, word)) is not None},
        models={role: Path(named[option]) for role, option in ROLES[given.kind].items() if named[option]},
        out=given.out,
        seed=given.seed,
        threads=given.threads,
    )


def setting(text: str) -> tuple[str, Any]:
    """`name=value` with the value as JSON where it is some, else as text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set {text}: must be NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def score(given: argparse.Namespace, emit: Emit) -> None:
    """Print every line with its scores, in within-prompt SDs."""
    judges = [load_judge(folder) for folder in given.model]
    for row in scored_lines(judges, read_lines(given.data)):
        emit(row)
    for folder, judge in zip(given.model, judges, strict=True):
        if (told := judge.cuts.told(str(folder))) is not None:
            print(f"plackett: {told}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
