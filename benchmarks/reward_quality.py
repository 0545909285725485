"""How good our reward models are: beside TRL's on real judgments, and what ties and annotators bring.

`against_trl`: whole models from the same base on the same majority pairs, both at their best of three learning rates.
`factorial`: {drop, half, Rao–Kupper, Davidson} × {majority, equal, annotators' parameters}, heads on states of the
frozen base, one debate left out at a time, with controls. `careless`: what parameters bring where 30 % of the
annotators answer at random, by the number of training items. `confirm`: the winner with adapters. What is done already
in the folder is not done again.

    python -m benchmarks.reward_quality --data rankings.jsonl.gz --base MODEL --folder DIR [--parts against_trl]
"""

import argparse
import json
import os
import platform
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmarks import reward_quality_rows as rows
from benchmarks.peers import Side, ours, peer
from benchmarks.reward_quality_data import DEBATES, SOURCES, Items, read_items, write_chosen
from benchmarks.reward_quality_heads import BASELINE, Arm
from benchmarks.reward_vs_trl import TRL
from workers.rlhf import import_model
from workers.rlhf.artifacts import MANIFEST, seal
from workers.rlhf.configs import ImportModelConfig
from workers.rlhf.reward_configs import RewardConfig

RATES = (1e-5, 2e-5, 5e-5)
COMPARED_FOLDS = 3
DEBATE_FOLDS = 5
PARTS = ("against_trl", "factorial", "careless", "confirm")
CARELESS_ITEMS = (100, 200, 500, 1000, 2000)
Job = dict[str, Any]


def main() -> None:
    """Print a row for each comparison."""
    given = arguments()
    given.folder.mkdir(parents=True, exist_ok=True)
    base = base_of(given.base, given.folder / "base")
    does = {"against_trl": against_trl, "factorial": factorial, "careless": careless, "confirm": confirm}
    for part in given.parts.split(","):
        for row in does[part](given, base):
            print(json.dumps({"name": "reward_quality"} | row | facts(given)), flush=True)


def arguments() -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="rankings of many sources, JSON lines, packed or not")
    parser.add_argument("--base", type=Path, required=True, help="folder of the language model, or of its GGUF file")
    parser.add_argument("--folder", type=Path, required=True, help="where results are kept")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"comma-separated, of {', '.join(PARTS)}")
    parser.add_argument("--workers", type=int, default=1, help="processes that train side by side")
    parser.add_argument("--most", type=int, default=1500, help="items of one source, in the comparison with TRL")
    parser.add_argument("--items", type=int, default=1500, help="training items of each run with adapters")
    parser.add_argument("--head-items", type=int, default=2000, help="training items of each head")
    parser.add_argument("--repeats", type=int, default=20, help="of the factorial")
    parser.add_argument("--debates", type=int, default=1000, help="left out in the factorial, at most")
    parser.add_argument("--winner", default="", help="arm to confirm; the factorial's best when left out")
    parser.add_argument("--seeds", type=int, default=3, help="of the confirmation")
    return parser.parse_args()


def base_of(given: Path, target: Path) -> Path:
    """The base as an artifact, imported once where it is none."""
    if (given / MANIFEST).is_file():
        return given.resolve()
    if not (target / MANIFEST).is_file():
        target.mkdir(parents=True, exist_ok=True)
        for _ in import_model.convert({"type": "folder", "path": str(given)}, target, ImportModelConfig()):
            pass
        seal(target)
    return target.resolve()


def against_trl(given: argparse.Namespace, base: Path) -> Iterator[dict[str, Any]]:
    """Train both sides at every rate on every fold, then compare."""
    folder, plan = laid_out(given, base, "compare", SOURCES, given.most, COMPARED_FOLDS)
    items = read_items(Path(plan["rankings"]), COMPARED_FOLDS)
    if not Path(plan["tokens"]).exists():
        on_device("benchmarks.reward_quality_ours:write_tokens").run(plan, folder)
    jobs = [
        {"key": rows.compare_key(side, fold, rate), "rate": rate, "seed": 0, "config": whole(rate)}
        | places(items, fold)
        for fold in range(COMPARED_FOLDS)
        for rate in RATES
        for side in ("ours", "trl")
    ]
    sides = {"ours": on_device("benchmarks.reward_quality_ours:work")}
    sides["trl"] = on_device("benchmarks.reward_quality_trl:work", lambda name: peer(name, TRL))
    found = run_all(jobs, lambda job: sides[job["key"].split("-")[1]], plan, given.workers)
    for row in rows.against_trl(items, found, RATES):
        yield row | {"seeds": [0]}


def factorial(given: argparse.Namespace, base: Path) -> Iterator[dict[str, Any]]:
    """Ties × people with heads, repeat after repeat."""
    fitted = [(f"heads-{repeat}.json", repeat, given.head_items) for repeat in range(given.repeats)]
    yield from rows.factorial(heads(given, base, fitted))


def careless(given: argparse.Namespace, base: Path) -> Iterator[dict[str, Any]]:
    """The same with random answers of some people, by the number of training items."""
    fitted = [
        (f"careless-{items}-{repeat}.json", repeat, items)
        for items in CARELESS_ITEMS
        for repeat in range(given.repeats)
    ]
    results = heads(given, base, fitted, careless=True)
    for items in CARELESS_ITEMS:
        yield from rows.careless(results, items)


def heads(
    given: argparse.Namespace, base: Path, fitted: Sequence[tuple[str, int, int]], *, careless: bool = False
) -> Path:
    """Read every argument once with the frozen base, then fit the heads that are missing (file, repeat, items), on the
    CPU; the folder of the files.
    """
    folder, plan = laid_out(given, base, "debates", [DEBATES], 10**9, DEBATE_FOLDS)
    results = Path(plan["results"])
    if not Path(plan["features"]).exists():
        on_device("benchmarks.reward_quality_ours:write_features").run(plan, folder)
    todo = [one for one in fitted if not (results / one[0]).exists()]
    plan |= {"tested": given.debates, "careless": careless}
    side = ours("benchmarks.reward_quality_heads:work")
    in_parallel([(side, plan | {"todo": todo[start :: given.workers]}) for start in range(given.workers)])
    return results


def confirm(given: argparse.Namespace, base: Path) -> Iterator[dict[str, Any]]:
    """Train adapters on every fold of debates, with the winner's likelihood and with the baseline's."""
    _, plan = laid_out(given, base, "debates", [DEBATES], 10**9, DEBATE_FOLDS)
    items = read_items(Path(plan["rankings"]), DEBATE_FOLDS)
    winner = Arm(*given.winner.split()) if given.winner else rows.winner_of(list(rows.factorial(Path(plan["results"]))))
    jobs = [
        {"key": rows.confirm_key(arm, fold, seed), "seed": seed, "config": adapters(arm)}
        | places(items, fold, most=given.items, seed=seed)
        for seed in range(given.seeds)
        for fold in range(DEBATE_FOLDS)
        for arm in (winner, BASELINE)
    ]
    side = on_device("benchmarks.reward_quality_ours:work")
    found = run_all(jobs, lambda _: side, plan, given.workers)
    yield from rows.confirmed(items, found, winner, range(given.seeds))


def whole(rate: float) -> dict[str, Any]:
    """Our settings beside the peer: all weights, majorities alone, one pass."""
    config = RewardConfig(
        method="full", ties="drop", overlap="majority", full_learning_rate=rate, minimum_steps=1, prompts_per_step=8
    )
    return asdict(config)


def adapters(arm: Arm) -> dict[str, Any]:
    """Our settings with adapters on all layers."""
    return asdict(replace(arm.configs()[-1], lora_layers=0, minimum_steps=1, prompts_per_step=8))


def laid_out(
    given: argparse.Namespace, base: Path, part: str, sources: Sequence[str], most: int, folds: int
) -> tuple[Path, dict[str, Any]]:
    """The part's folder, with the items that it uses, and what all its processes need to know."""
    folder = (given.folder / part).resolve()
    (folder / "results").mkdir(parents=True, exist_ok=True)
    plan = {"base": str(base), "folds": folds, "per_step": 8, "results": str(folder / "results")}
    plan |= {name: str(folder / file) for name, file in FILES.items()}
    if not Path(plan["rankings"]).exists():
        write_chosen(given.data, Path(plan["rankings"]), sources, most, seed=0)
    return folder, plan


FILES = {"rankings": "rankings.jsonl", "tokens": "tokens.json", "features": "features.safetensors"}


def places(items: Items, fold: int, *, most: int | None = None, seed: int = 0) -> dict[str, list[int]]:
    """Numbers of the items to learn from, at most so many, and of those to score."""
    split = [prompt.split for prompt in items.split(fold)]
    train = [place for place, own in enumerate(split) if own == "train"]
    if most is not None and most < len(train):
        train = random.Random(f"{seed}:{fold}").sample(train, most)  # noqa: S311 -- which items, not secrets
    return {"train": train, "held": [place for place, own in enumerate(split) if own != "train"]}


def on_device(function: str, make: Callable[[str], Side] = ours) -> Side:
    """A side that sees the GPU where there is one."""
    devices = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
    return replace(make(function), surroundings={"CUDA_VISIBLE_DEVICES": devices})


def run_all(
    jobs: Sequence[Job], side_of: Callable[[Job], Side], plan: dict[str, Any], workers: int
) -> dict[str, dict[str, Any]]:
    """Do what is not done yet, dealt out to processes that each take one side's jobs; every job's result by its key."""
    results = Path(plan["results"])
    by_function: dict[str, tuple[Side, list[Job]]] = {}
    for job in jobs:
        if not (results / f"{job['key']}.json").exists():
            side = side_of(job)
            by_function.setdefault(side.function, (side, []))[1].append(job)
    each = max(1, workers // max(1, len(by_function)))
    in_parallel(
        [(side, plan | {"jobs": todo[start::each]}) for side, todo in by_function.values() for start in range(each)]
    )
    return {job["key"]: json.loads((results / f"{job['key']}.json").read_text(encoding="utf-8")) for job in jobs}


def in_parallel(runs: Sequence[tuple[Side, dict[str, Any]]]) -> None:
    """Run processes side by side, each in a scratch folder of its own."""

    def one(run: tuple[Side, dict[str, Any]]) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            run[0].run(run[1], Path(scratch))

    with ThreadPoolExecutor(max(1, len(runs))) as pool:
        list(pool.map(one, runs))


def facts(given: argparse.Namespace) -> dict[str, Any]:
    """What has to be known to measure the same again."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    named = ("most", "items", "head_items", "repeats")
    return {
        "settings": {name: getattr(given, name) for name in named},
        "versions": {"trl": TRL.partition("==")[2], "torch": version("torch"), "transformers": version("transformers")},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {gpu}",
    }


if __name__ == "__main__":
    main()
