"""The held-out figures part by part: by split, size, distance, strength, annotator, source and pair of models."""

from typing import Any, Final

import numpy as np

from workers.rlhf import judging
from workers.rlhf.evidence import Evidence
from workers.rlhf.resampling import Numbers, Resampler

PARTS: Final = ("completions", "tiers_apart", "strength", "source", "models")
ENOUGH_OF_A_PERSON: Final = 30
MOST_ROWS: Final = 50


def by_parts(evidence: Evidence, loss_M: Numbers) -> dict[str, list[dict[str, Any]]]:
    """One table a property; a property that never varies has none."""
    tables = {name: table(evidence, loss_M, name) for name in PARTS}
    return {name: rows for name, rows in tables.items() if len(rows) > 1} | {"annotator": people(evidence)}


def table(evidence: Evidence, loss_M: Numbers, name: str) -> list[dict[str, Any]]:
    """Accuracy and log loss for each value of a property, the most frequent first."""
    values = evidence.column(name)
    names, counts = np.unique(values, return_counts=True)
    order = [names[place] for place in np.argsort(-counts, kind="stable") if names[place]][:MOST_ROWS]
    return [{name: str(value)} | row(evidence.chosen(values == value), loss_M[values == value]) for value in order]


def row(part: Evidence, loss_M: Numbers) -> dict[str, Any]:
    """Accuracy on decided pairs and log loss per judgment of some of the evidence, with intervals."""
    decided = part.decided()
    accuracy = Resampler(decided.group_M).mean(judging.right(decided.margin_M))
    loss = Resampler(part.group_M).mean(loss_M, part.weight_M)
    return {
        "pairs": len(part),
        "decided": len(decided),
        "judgments": part.judgments(),
        "accuracy": accuracy.plain(),
        "log_loss": loss.plain(),
    }


def people(evidence: Evidence) -> list[dict[str, Any]]:
    """Accuracy for each annotator with enough decided pairs, drawn towards the mean of all as far as chance explains.

    Shrinkage is empirical Bayes on a beta-binomial by its moments; each resample is shrunken alike.
    """
    decided = evidence.decided()
    if not len(decided):
        return []
    right, names = judging.right(decided.margin_M), decided.column("annotator")
    kept = [
        str(name)
        for name, count in zip(*np.unique(names, return_counts=True), strict=True)
        if count >= ENOUGH_OF_A_PERSON
    ]
    mean = float(right.mean())
    counts = np.array([(names == name).sum() for name in kept], dtype=np.float64)
    shares = np.array([right[names == name].mean() for name in kept])
    sample, prior = Resampler(decided.group_M), prior_strength(shares, counts, mean)
    rows: list[dict[str, Any]] = []
    for name, count, share in zip(kept, counts, shares, strict=True):
        shrunken = sample.shrunken(right, names == name, count / (count + prior))
        rows.append({"annotator": name, "decided": int(count), "raw": float(share), "accuracy": shrunken.plain()})
    return sorted(rows, key=lambda entry: -entry["decided"])[:MOST_ROWS]


def prior_strength(share_J: Numbers, count_J: Numbers, mean: float) -> float:
    """How many pairs the mean of all is worth: what is left of the spread when chance is taken off tells."""
    if len(share_J) < 2 or not 0 < mean < 1:
        return ENOUGH_OF_A_PERSON
    chance = mean * (1 - mean)
    spread = float(np.var(share_J)) - float((chance / count_J).mean())
    return float(np.clip(chance / spread - 1, 1, 1e4)) if spread > 0 else 1e4
