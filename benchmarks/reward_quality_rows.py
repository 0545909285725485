"""What `reward_quality` found, as rows: differences with intervals that resample whole groups of prompts."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.reward_quality_data import Items, debate_of
from benchmarks.reward_quality_heads import BASELINE, CARELESS, CONTROLS, FACTORIAL, Arm
from workers.rlhf import held_out, judging
from workers.rlhf.evidence import Evidence, Scored
from workers.rlhf.pairs import RankedPrompt, majority
from workers.rlhf.resampling import Numbers, Resampler

Found = dict[str, Any]


def against_trl(items: Items, found: dict[str, Found], rates: Sequence[float]) -> Iterator[Found]:
    """One row over all sources and one for each: accuracy on majority pairs of held-out groups, ours and the peer's."""
    chosen: dict[str, dict[int, tuple[float, dict[int, list[float]]]]] = {"ours": {}, "trl": {}}
    for side, by_fold in chosen.items():
        for fold in sorted(set(items.fold)):
            by_fold[fold] = best_rate(items, fold, {rate: found[compare_key(side, fold, rate)] for rate in rates})
    prompts = items.prompts
    for source in ["", *dict.fromkeys(prompt.source for prompt in prompts)]:
        places = [place for place, prompt in enumerate(prompts) if source in {"", prompt.source}]
        sides = {
            side: [(prompts[place], by_fold[items.fold[place]][1][place]) for place in places]
            for side, by_fold in chosen.items()
        }
        row = compared(sides["ours"], sides["trl"], items, chosen)
        peaks = {side: peak(found, side) for side in chosen}
        rates_used = {side: [rate for rate, _ in by_fold.values()] for side, by_fold in chosen.items()}
        yield {"arm": f"against_trl{':' * bool(source)}{source}"} | row | {"peak_mb": peaks, "rates": rates_used}


def compare_key(side: str, fold: int, rate: float) -> str:
    """The name of a job of the comparison."""
    return f"compare-{side}-{fold}-{rate:g}"


def confirm_key(arm: Arm, fold: int, seed: int) -> str:
    """The name of a job that confirms."""
    return f"confirm-{arm.name.replace(' ', '-')}-{fold}-{seed}"


def best_rate(items: Items, fold: int, found: dict[float, Found]) -> tuple[float, dict[int, list[float]]]:
    """The rate whose scores foretell the validation majorities best (log loss, temperature refitted), with its scores
    of validation and test.
    """
    validation = [place for place, prompt in enumerate(items.split(fold)) if prompt.split == "validation"]
    losses = {}
    for rate, one in found.items():
        known = Evidence.of([voted(items.prompts[place], one["scores"][str(place)]) for place in validation]).decided()
        reading = judging.refit(known.margin_M, known.tie_M, known.weight_M)
        losses[rate] = float(reading.losses(known.margin_M, known.tie_M).mean())
    rate = min(losses, key=lambda one: losses[one])
    return rate, {int(place): score for place, score in found[rate]["scores"].items()}


def voted(prompt: RankedPrompt, score: Sequence[float]) -> Scored:
    """An item with its majority as the only judgment."""
    return Scored(majority(prompt), torch.tensor(score))


def compared(
    ours: list[tuple[RankedPrompt, list[float]]],
    trl: list[tuple[RankedPrompt, list[float]]],
    items: Items,
    chosen: dict[str, dict[int, tuple[float, dict[int, list[float]]]]],
) -> Found:
    """Accuracy on majorities, log loss of every judgment, and how near to people, on the same held-out items."""
    votes = [Evidence.of([voted(*one) for one in side]).decided() for side in (ours, trl)]
    right = [judging.right(side.margin_M) for side in votes]
    sample = Resampler(votes[0].group_M)
    losses = [
        judgment_losses(items, [prompt for prompt, _ in ours], {f: s for f, (_, s) in by_fold.items()})
        for by_fold in chosen.values()
    ]
    said = Evidence.of([Scored(prompt, torch.tensor(score)) for prompt, score in ours])
    every = Resampler(said.group_M)
    return {
        "ours": float(right[0].mean()),
        "peer": float(right[1].mean()),
        "ratio": float(right[0].mean() / right[1].mean()),
        "unit": "accuracy on held-out majority pairs",
        "pairs": len(votes[0]),
        "groups": sample.groups,
        "acc_diff": sample.mean(right[0] - right[1]).plain(),
        "loss_diff": every.mean(losses[0] - losses[1]).plain(),
        "longer_is_better": float(((votes[0].longer_M + 1) / 2).mean()),
        "ceiling": held_out.ceiling(said),
    }


def judgment_losses(
    items: Items, prompts: Sequence[RankedPrompt], scores: dict[int, dict[int, list[float]]]
) -> Numbers:
    """Held-out log loss of each judgment of some items, read by a fit on the validation judgments of their fold."""
    wanted = {id(prompt) for prompt in prompts}
    losses: list[tuple[int, Numbers]] = []
    for fold, by_place in scores.items():
        split = items.split(fold)
        known = Evidence.of(
            [scored(items, by_place, place) for place, p in enumerate(split) if p.split == "validation"]
        )
        reading = judging.refit(known.margin_M, known.tie_M, known.weight_M)
        for place, prompt in enumerate(split):
            if prompt.split == "test" and id(items.prompts[place]) in wanted:
                one = Evidence.of([scored(items, by_place, place)])
                losses.append((place, reading.losses(one.margin_M, one.tie_M)))
    return np.concatenate([loss for _, loss in sorted(losses, key=lambda pair: pair[0])])


def scored(items: Items, scores: dict[int, list[float]], place: int) -> Scored:
    """An item with its two scores."""
    return Scored(items.prompts[place], torch.tensor(scores[place]))


def factorial(folder: Path) -> Iterator[Found]:
    """Every arm against the baseline: held-out log loss per judgment and accuracy, resampled by debate."""
    files = sorted(folder.glob("heads-*.json"))
    table = by_arm(files)
    pairs = [(arm, BASELINE) for arm in FACTORIAL]
    parameters, *careless = CONTROLS
    pairs += [(parameters, Arm("rao_kupper", "equal")), *((careless[2], other) for other in careless[:2])]
    for arm, other in pairs:
        yield {"arm": f"factorial:{arm.name}"} | beside(table, arm, other) | {"seeds": list(range(len(files)))}


def careless(folder: Path, items: int) -> Iterator[Found]:
    """Annotators' parameters where some people answer at random, beside the other ways to count people; last, how much
    there was to gain: the same without those people.
    """
    files = sorted(folder.glob(f"careless-{items}-*.json"))
    table = by_arm(files)
    majority, equal, parameters, *without = CARELESS
    for arm, other in ((parameters, majority), (parameters, equal), *((arm, majority) for arm in without)):
        yield (
            {"arm": f"careless:{arm.name}"}
            | beside(table, arm, other)
            | {"items": items, "seeds": list(range(len(files)))}
        )


def by_arm(files: Sequence[Path]) -> dict[str, dict[str, list[Found]]]:
    """The rows of several repeats by arm and by the debate that was left out."""
    table: dict[str, dict[str, list[Found]]] = defaultdict(lambda: defaultdict(list))
    for path in files:
        for row in json.loads(path.read_text(encoding="utf-8")):
            table[row["arm"]][row["debate"]].append(row)
    return table


def beside(table: dict[str, dict[str, list[Found]]], arm: Arm, other: Arm) -> Found:
    """One arm against another: held-out log loss and accuracy, and their differences over debates."""
    loss, right = (gains(table, arm, other, figure) for figure in ("log_loss", "accuracy"))
    own, others = (mean_of(table[one.name], "log_loss") for one in (arm, other))
    return {
        "against": other.name,
        "ours": own,
        "peer": others,
        "ratio": others / own,
        "unit": "held-out log loss per judgment",
        "accuracy": mean_of(table[arm.name], "accuracy"),
        "loss_diff": loss.plain(),
        "acc_diff": right.plain(),
        "debates": len(table[arm.name]),
    }


def gains(table: dict[str, dict[str, list[Found]]], arm: Arm, other: Arm, figure: str) -> Any:
    """The mean difference of a figure, each debate's averaged over repeats and weighed by its judgments."""
    debates = sorted(table[arm.name])
    mean = [
        np.mean([a[figure] - b[figure] for a, b in zip(table[arm.name][d], table[other.name][d], strict=True)])
        for d in debates
    ]
    weight = [float(table[arm.name][d][0]["judgments"]) for d in debates]
    return Resampler(np.array(debates)).mean(np.array(mean), np.array(weight))


def mean_of(by_debate: dict[str, list[Found]], figure: str) -> float:
    """The mean of a figure over debates and repeats, weighed by judgments."""
    rows = [row for found in by_debate.values() for row in found]
    return float(np.average([row[figure] for row in rows], weights=[row["judgments"] for row in rows]))


def winner_of(rows: Sequence[Found]) -> Arm:
    """The arm of the factorial with the lowest log loss; the baseline itself is no candidate."""
    losses = {row["arm"].partition(":")[2]: row["ours"] for row in rows}
    return min((arm for arm in FACTORIAL if arm != BASELINE), key=lambda arm: losses[arm.name])


def confirmed(items: Items, found: dict[str, Found], winner: Arm, seeds: Sequence[int]) -> Iterator[Found]:
    """The winner against the baseline with adapters, and how near each comes to people."""
    folds = sorted(set(items.fold))
    losses: dict[Arm, list[Numbers]] = {}
    evidence: dict[Arm, list[Evidence]] = {}
    for arm in (winner, BASELINE):
        for seed in seeds:
            scores = {f: places_of(found[confirm_key(arm, f, seed)]) for f in folds}
            own = [scored(items, scores[fold], place) for place, fold in enumerate(items.fold)]
            evidence.setdefault(arm, []).append(Evidence.of(own))
            losses.setdefault(arm, []).append(judgment_losses(items, items.prompts, scores))
    said = evidence[winner][0]
    sample = Resampler(np.array([debate_of(one.prompt) for one in said.said]))
    diff_M = np.mean(losses[winner], axis=0) - np.mean(losses[BASELINE], axis=0)
    decided = (~said.tie_M).astype(np.float64)
    right = {arm: np.mean([judging.right(one.margin_M) for one in runs], axis=0) for arm, runs in evidence.items()}
    own, other = (float(np.mean(losses[arm])) for arm in (winner, BASELINE))
    yield {
        "arm": f"confirm:{winner.name}",
        "against": BASELINE.name,
        "ours": own,
        "peer": other,
        "ratio": other / own,
        "unit": "held-out log loss per judgment",
        "loss_diff": sample.mean(diff_M).plain(),
        "acc_diff": sample.mean(right[winner] - right[BASELINE], decided).plain(),
        "accuracy": {arm.name: float((right[arm] * decided).sum() / decided.sum()) for arm in right},
        "peak_mb": {"ours": peak(found, "confirm")},
        "seeds": list(seeds),
    }
    for arm, runs in evidence.items():
        for seed, one in zip(seeds, runs, strict=True):
            near = held_out.ceiling(one)
            yield {"arm": f"near_people:{arm.name}", "seeds": [seed], "unit": "share of the way", "ceiling": near}


def places_of(found: Found) -> dict[int, list[float]]:
    """Scores by the number of the item."""
    return {int(place): score for place, score in found["scores"].items()}


def peak(found: dict[str, Found], part: str) -> float | None:
    """The most memory that a run of one kind took on the GPU."""
    peaks = [one["peak_mb"] for key, one in found.items() if part in key and one.get("peak_mb")]
    return max(peaks) if peaks else None
