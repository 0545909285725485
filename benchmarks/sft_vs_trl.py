"""Fine-tuning on demonstrations: our engine against TRL's SFTTrainer, on the same machine in the same run.

Both fine-tune every weight of the same model in fp32 on the same demonstrations, as many a step, learning the answers
alone, one thread each, by turns. The peer takes its best micro-batch. Random weights of SmolLM2-135M's shape: speed
does not read them. Each row says how far loss and gradient of the first step agree.

    python -m benchmarks.sft_vs_trl [--model tiny] [--arms real_lengths] [--repeats 3] [--steps 3] [--rows 32]
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.peers import Side, by_turns, fastest, machine, ours, peer, ratios, usual
from benchmarks.reward_vs_trl import HEADS, SHAPES, TRL, cosine_of
from benchmarks.sft_data import LENGTHS
from tests.tiny_model import tiny_tokenizer

MICRO_BATCHES = (1, 2, 4, 8, 16)
SWEPT_ROWS = 16
LEARNING_RATE = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One comparison: lengths of the texts, and how the peer (or our own slower way) takes them."""

    lengths: str = "real"
    against: str = "shuffled"

    def plan(self, model: Path, given: argparse.Namespace) -> dict[str, Any]:
        """What both sides are to do."""
        return {
            "model": str(model),
            "vocabulary": SHAPES[given.model]["vocab_size"],
            "lengths": self.lengths,
            "rows": given.rows,
            "steps": given.steps,
            "seed": given.seed,
            "learning_rate": LEARNING_RATE,
            "tokens_per_forward": given.tokens,
            "packed": True,
            "sorted": self.against == "sorted",
            "defaults": self.against == "defaults",
            "micro_batch": 8,
            "gradient": None,
        }


# The peer as it is; with rows of like length put together for it; with its defaults but the number format; where no
# text is longer than another, so that there is nothing to pack; and our own engine with padded rows.
ARMS = {
    "real_lengths": Arm(),
    "real_lengths_sorted": Arm(against="sorted"),
    "real_lengths_defaults": Arm(against="defaults"),
    "real_lengths_padded": Arm(against="padded"),
    "equal_lengths": Arm(lengths="equal"),
}


def main() -> None:
    """Print a row for each arm, and one for memory."""
    given = arguments()
    wanted = {name: arm for name, arm in ARMS.items() if not given.arms or name in given.arms.split(",")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = build_model(folder / "model", given.model)
        sides = {"ours": ours("benchmarks.sft_ours:steps"), "trl": peer("benchmarks.sft_trl:steps", TRL)}
        for row in rows(wanted, model, sides, given):
            print(json.dumps(row), flush=True)


def arguments() -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=list(SHAPES), default="135m")
    parser.add_argument("--arms", default="", help=f"comma-separated, of {', '.join(ARMS)}; all when left out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--steps", type=int, default=3, help="optimizer steps of each process; the first counts only if alone"
    )
    parser.add_argument("--at-once", type=int, default=1, help="turns side by side, where cores are to spare")
    parser.add_argument("--rows", type=int, default=32, help="demonstrations a step; a multiple of 16")
    parser.add_argument("--tokens", type=int, default=0, help="tokens that our side runs together; 0: as it comes")
    parser.add_argument("--micro-batch", type=int, default=0, help="the peer's; 0: the fastest of those tried")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def rows(
    wanted: dict[str, Arm], model: Path, sides: dict[str, Side], given: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Measure arm after arm."""
    for name, arm in wanted.items():
        plan, folder = arm.plan(model, given), model.parent
        padded = arm.against == "padded"
        other = sides["ours"] if padded else sides["trl"]
        theirs = plan | (
            {"packed": False}
            if padded
            else {"micro_batch": given.micro_batch or micro_batch(arm, sides["trl"], plan, folder, given.at_once)}
        )
        turns = by_turns([(sides["ours"], plan), (other, theirs)], given.repeats, folder, given.at_once)
        yield row(name, theirs, turns, equality((sides["ours"], plan), (other, theirs), folder))
        if name == "real_lengths":
            peaks = [[found["peak_mb"] for found in side] for side in turns]
            yield named("memory", "MiB at the peak", peaks) | facts(theirs, turns)


def micro_batch(arm: Arm, side: Side, plan: dict[str, Any], folder: Path, at_once: int) -> int:
    """The micro-batch in which the peer is fastest, found on a smaller step; its own with its defaults."""
    if arm.against == "defaults":
        return int(plan["micro_batch"])
    small = plan | {"rows": SWEPT_ROWS, "steps": 1}
    return MICRO_BATCHES[fastest(side, [small | {"micro_batch": size} for size in MICRO_BATCHES], folder, at_once)]


def equality(
    mine: tuple[Side, dict[str, Any]], other: tuple[Side, dict[str, Any]], folder: Path
) -> dict[str, float | None]:
    """How far the first step's loss and gradient differ."""
    files = [folder / f"gradient-{name}.safetensors" for name in ("ours", "peer")]
    found = [
        side.run(plan | {"steps": 1, "gradient": str(file)}, folder)["loss"]
        for (side, plan), file in zip((mine, other), files, strict=True)
    ]
    cosine = cosine_of(*files)
    for file in files:
        file.unlink()
    return {"loss_diff": found[0] - found[1], "grad_cos": cosine}


def row(
    name: str, plan: dict[str, Any], turns: list[list[dict[str, Any]]], same: dict[str, float | None]
) -> dict[str, Any]:
    """One line of output: CPU seconds per demonstration on both sides."""
    seconds = [[usual(found["seconds"]) / plan["rows"] for found in side] for side in turns]
    peaks = {side: max(found["peak_mb"] for found in turn) for side, turn in zip(("ours", "peer"), turns, strict=True)}
    measured = named(name, "CPU s per demonstration", seconds)
    return measured | same | {"acc_diff": None, "peak_mb": peaks} | facts(plan, turns)


def named(arm: str, unit: str, sides: list[list[float]]) -> dict[str, Any]:
    """A comparison's name, unit and ratio."""
    return {"name": "sft_vs_trl", "arm": arm, **ratios(*sides), "unit": unit}


def facts(plan: dict[str, Any], turns: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """What has to be known to measure the same again."""
    kept = ("rows", "lengths", "tokens_per_forward", "micro_batch", "sorted", "defaults", "steps")
    lengths = [asked + said for asked, said in LENGTHS[plan["lengths"]]]
    return {
        **{name: plan[name] for name in kept},
        "text_tokens": {"mean": fmean(lengths), "longest": max(lengths)},
        "repeats": len(turns[0]),
        "seeds": [plan["seed"]],
        "versions": {"trl": TRL.partition("==")[2], "torch": version("torch"), "transformers": version("transformers")},
        "machine": machine(),
    }


def build_model(folder: Path, shape: str) -> Path:
    """A language model with random weights, and a tokenizer with a pad token."""
    heads, kv_heads = HEADS[shape]
    tokenizer = tiny_tokenizer()
    config = LlamaConfig(
        **SHAPES[shape],
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
