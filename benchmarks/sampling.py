"""Writing completions: our sampler against `generate` of transformers, on the same machine in the same run.

Both sample from the same model in fp32 with the same prompts, at temperature 1 from the whole distribution, one thread
each, by turns; every completion ends at a planned length, drawn from those of human answers. The peer gets prompts of
like length together and its best batch size of several. Random weights of SmolLM2-135M's shape: speed does not read
them. `greedy_equal` is the share of equal tokens where both take the likeliest.

    python -m benchmarks.sampling [--model tiny] [--arms k4,k1] [--repeats 3] [--completions 64]
"""

import argparse
import json
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.peers import Side, by_turns, machine, ours, ratios
from benchmarks.reward_vs_trl import SHAPES
from benchmarks.sft_vs_trl import build_model

# Completions of each prompt.
ARMS = {"k4": 4, "k1": 1}
WIDTHS = (8, 16, 32, 64)
COMPARED = 16


def main() -> None:
    """Print a row for each arm."""
    given = arguments()
    with tempfile.TemporaryDirectory() as name:
        model = build_model(Path(name) / "model", given.model)
        for arm, completions in ARMS.items():
            if not given.arms or arm in given.arms.split(","):
                print(json.dumps(row(arm, plan_of(completions, model, given), Path(name), given.repeats)), flush=True)


def arguments() -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=list(SHAPES), default="135m")
    parser.add_argument("--arms", default="", help=f"comma-separated, of {', '.join(ARMS)}; all when left out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--completions", type=int, default=64, help="completions in all")
    parser.add_argument("--longest", type=int, default=128, help="tokens after which a completion is cut")
    parser.add_argument("--width", type=int, default=32, help="completions that our side writes side by side")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def plan_of(completions: int, model: Path, given: argparse.Namespace) -> dict[str, Any]:
    """What both sides are to do."""
    return {
        "model": str(model),
        "vocabulary": SHAPES[given.model]["vocab_size"],
        "lengths": "real",
        "prompts": max(1, given.completions // completions),
        "completions": completions,
        "longest": given.longest,
        "width": given.width,
        "compared": COMPARED,
        "seed": given.seed,
    }


def row(arm: str, plan: dict[str, Any], folder: Path, repeats: int) -> dict[str, Any]:
    """One line of output: CPU seconds per token on both sides."""
    mine, other = ours("benchmarks.sampling_ours:write"), ours("benchmarks.sampling_peer:write")
    theirs = plan | {"width": best_width(other, plan, folder)}
    turns = by_turns([(mine, plan), (other, theirs)], repeats, folder)
    seconds = [[found["seconds"] / found["tokens"] for found in side] for side in turns]
    greedy = [side[0]["greedy"] for side in turns]
    same = [one == two for one, two in zip(*greedy, strict=True)]
    peaks = {side: max(found["peak_mb"] for found in turn) for side, turn in zip(("ours", "peer"), turns, strict=True)}
    kept = ("prompts", "completions", "longest", "lengths")
    return {
        "name": "sampling",
        "arm": arm,
        **ratios(*seconds),
        "unit": "CPU s per token",
        "greedy_equal": sum(same) / len(same),
        "peak_mb": peaks,
        **{name: plan[name] for name in kept},
        "width": {"ours": plan["width"], "peer": theirs["width"]},
        "tokens": turns[0][0]["tokens"],
        "repeats": repeats,
        "seeds": [plan["seed"]],
        "versions": {"torch": version("torch"), "transformers": version("transformers")},
        "machine": machine(),
    }


def best_width(side: Side, plan: dict[str, Any], folder: Path) -> int:
    """How many completions side by side the peer is fastest with."""
    asked = plan["prompts"] * plan["completions"]
    widths = [width for width in WIDTHS if plan["completions"] <= width <= asked] or [asked]
    return min(widths, key=lambda width: side.run(plan | {"width": width}, folder)["seconds"])


if __name__ == "__main__":
    main()
