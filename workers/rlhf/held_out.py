"""What held-out judgments say about a reward model: one figure after the other, each with the interval it deserves.

The primary figure is the log loss per judgment, with temperature and tie parameter fitted on other judgments.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from workers.rlhf import judging, slices
from workers.rlhf.evidence import Evidence, Said, Scored, left_out
from workers.rlhf.judging import Flags, Reading
from workers.rlhf.resampling import Estimate, Numbers, Resampler

FOLDS: Final = 5
SHOWN: Final = 8
SHOWN_CHARACTERS: Final = 600
HISTOGRAM_BINS: Final = 24
PERCENTILES: Final = (0, 5, 25, 50, 75, 95, 100)
SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Predictions:
    """What the scores say of each pair: the loss, the loss of equal scores, and the log-odds that the preferred wins
    given that the pair is decided. `read_by` tells which judgments the temperature and θ were fitted on.
    """

    read_by: str
    reading: Reading
    loss_M: Numbers
    undecided_M: Numbers
    logit_M: Numbers


def judged(scored: Sequence[Scored]) -> dict[str, Any] | None:
    """The report on held-out prompts: test prompts where there are some, read by a fit on validation; else validation
    prompts, each fold read by a fit on the others. None without a held-out pair.
    """
    validation, test = (Evidence.of([s for s in scored if s.prompt.split == split]) for split in ("validation", "test"))
    evidence = test if len(test) else validation
    if not len(evidence):
        return None
    said = predictions(evidence, validation if len(test) and len(validation) else None)
    sample = Resampler(evidence.group_M, seed=SEED)
    return {
        "split": "test" if len(test) else "validation",
        "read_by": said.read_by,
        "groups": sample.groups,
        "judgments": evidence.judgments(),
        "pairs": len(evidence),
        "decided": int((~evidence.tie_M).sum()),
        "factor": said.reading.factor,
        "theta": said.reading.theta,
        "log_loss": sample.mean(said.loss_M, evidence.weight_M).plain(),
        "undecided_log_loss": sample.mean(said.undecided_M, evidence.weight_M).plain(),
        "gain": with_verdict(sample.mean(said.undecided_M - said.loss_M, evidence.weight_M)),
        "tie_auc": sample.statistic(lambda w_M: judging.tie_auc(evidence.margin_M, evidence.tie_M, w_M)).plain(),
        "tau_b": tau_b(evidence).plain(),
        **decided_figures(evidence.decided(), said.logit_M[~evidence.tie_M]),
        "ceiling": ceiling(evidence),
        "parts": slices.by_parts(evidence, said.loss_M),
        "scores": score_distribution(scored),
        "disagreements": list(disagreements(evidence, said.logit_M)),
    }


def predictions(evidence: Evidence, apart: Evidence | None) -> Predictions:
    """Read the scores by a fit on judgments apart, else on the other folds of groups, else, too few, on themselves."""
    names, place_M = np.unique(evidence.group_M, return_inverse=True)
    if apart is not None:
        return _read("validation", evidence, [(np.ones(len(evidence), dtype=bool), apart)])
    if len(names) < FOLDS:
        return _read("itself", evidence, [(np.ones(len(evidence), dtype=bool), evidence)])
    fold_M = np.random.default_rng(SEED).permutation(len(names))[place_M] % FOLDS
    parts = [(fold_M == fold, evidence.chosen(fold_M != fold)) for fold in range(FOLDS)]
    return _read("other folds", evidence, parts)


def _read(read_by: str, evidence: Evidence, parts: Sequence[tuple[Flags, Evidence]]) -> Predictions:
    loss_M, undecided_M, logit_M = (np.zeros(len(evidence)) for _ in range(3))
    for inside, known in parts:
        margin, tie = evidence.margin_M[inside], evidence.tie_M[inside]
        reading = judging.refit(known.margin_M, known.tie_M, known.weight_M)
        undecided = judging.refit(np.zeros(len(known)), known.tie_M, known.weight_M)
        loss_M[inside], logit_M[inside] = reading.losses(margin, tie), reading.log_odds(margin)
        undecided_M[inside] = undecided.losses(np.zeros(len(margin)), tie)
    whole = parts[0][1] if len(parts) == 1 else evidence
    reading = judging.refit(whole.margin_M, whole.tie_M, whole.weight_M)
    return Predictions(read_by, reading, loss_M, undecided_M, logit_M)


def with_verdict(estimate: Estimate) -> dict[str, Any]:
    """A difference and on which side of 0 it surely is."""
    return {**estimate.plain(), "verdict": estimate.verdict()}


def decided_figures(decided: Evidence, logit_D: Numbers) -> dict[str, Any]:
    """Accuracy and calibration on the pairs that are no ties; for calibration each is shown in a random order."""
    sample = Resampler(decided.group_M, seed=SEED)
    right_D, longer_D = judging.right(decided.margin_M), (decided.longer_M + 1) / 2
    shown_D, won_D = judging.oriented(logit_D, seed=SEED)
    chance_D = 1 / (1 + np.exp(-shown_D))
    return {
        "accuracy": sample.mean(right_D).plain(),
        "longer_is_better": sample.mean(longer_D).plain(),
        "accuracy_over_longer": with_verdict(sample.mean(right_D - longer_D)),
        "brier": sample.mean(judging.brier(chance_D, won_D)).plain(),
        "calibration": {
            "slope": sample.statistic(lambda w_D: judging.calibration_line(shown_D, won_D, w_D)[0]).plain(),
            "intercept": sample.statistic(lambda w_D: judging.calibration_line(shown_D, won_D, w_D)[1]).plain(),
            "curve": judging.calibration_curve(chance_D, won_D),
            **calibration_error(chance_D, won_D),
        },
    }


def calibration_error(chance_D: Numbers, won_D: Numbers) -> dict[str, Any]:
    """The expected calibration error beside what a perfect model would show at this many pairs."""
    if not len(chance_D):
        return {"error": None, "error_of_a_perfect_model": None, "error_within_noise": None}
    error, null = judging.calibration_error(chance_D, won_D), judging.null_calibration_errors(chance_D, seed=SEED)
    within = bool(error <= np.percentile(null, 95))
    return {"error": error, "error_of_a_perfect_model": float(null.mean()), "error_within_noise": within}


def tau_b(evidence: Evidence) -> Estimate:
    """Mean of Kendall's τ-b over judgments that decide something."""
    value_J, known = judging.tau_b(evidence.margin_M, evidence.tie_M, evidence.judgment_M)
    group_of = dict(zip(evidence.judgment_M.tolist(), evidence.group_M.tolist(), strict=True))
    return Resampler(np.array([group_of[number] for number in known.tolist()])).mean(value_J)


def ceiling(evidence: Evidence) -> dict[str, Any] | None:
    """How well other people's majority foretells one person, and the model on the same judgments; None without overlap.

    `reached` is (model - longer) / (people - longer): 0 is no better than taking the longer text, 1 as good as people.
    """
    rows = left_out(evidence)
    if not len(rows.place_L):
        return None
    same = evidence.chosen(rows.place_L)
    sample = Resampler(same.group_M, seed=SEED)
    model_L, longer_L = judging.right(same.margin_M), (same.longer_M + 1) / 2
    reached = sample.share(model_L, longer_L, rows.others_L)
    return {
        "judgments": len(same),
        "people": sample.mean(rows.others_L).plain(),
        "model": sample.mean(model_L).plain(),
        "longer_is_better": sample.mean(longer_L).plain(),
        "model_over_people": with_verdict(sample.mean(model_L - rows.others_L)),
        "reached": reached.plain(),
    }


def score_distribution(scored: Sequence[Scored]) -> dict[str, Any]:
    """Percentiles of raw scores around their prompt's mean, of the prompts' means, and of the distances of pairs.

    The scores around their prompt's mean also as a histogram, and apart for each model that wrote completions.
    """
    raw = [entry.raw_N.numpy().astype(np.float64) for entry in scored]
    around = np.concatenate([part - part.mean() for part in raw])
    apart = np.abs(Evidence.of(scored).margin_M)
    columns = {"around_prompt_mean": around, "prompt_means": np.array([part.mean() for part in raw]), "distance": apart}
    counts, edges = np.histogram(around, bins=HISTOGRAM_BINS)
    return {name: percentiles(column) for name, column in columns.items() if len(column)} | {
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
        "by_model": scores_by_model(scored, around),
    }


def scores_by_model(scored: Sequence[Scored], around_N: Numbers) -> list[dict[str, Any]]:
    """The same percentiles for the models that wrote most, the highest median first; `around_N` has all prompts."""
    wrote = [str(model or "") for entry in scored for model in entry.prompt.models or [None] * len(entry.prompt.texts)]
    names_N = np.array(wrote, dtype=np.str_)
    rows: list[dict[str, Any]] = [
        {
            "model": name,
            "completions": int((names_N == name).sum()),
            "percentiles": percentiles(around_N[names_N == name]),
        }
        for name in sorted(set(wrote) - {""})
    ]
    frequent = sorted(rows, key=lambda row: -row["completions"])[: slices.MOST_ROWS]
    return sorted(frequent, key=lambda row: -row["percentiles"]["50"])


def percentiles(column: Numbers) -> dict[str, float]:
    """From the least to the largest value by way of the median."""
    return dict(zip(map(str, PERCENTILES), np.percentile(column, PERCENTILES).tolist(), strict=True))


def disagreements(evidence: Evidence, logit_M: Numbers) -> Iterator[dict[str, Any]]:
    """The decided pairs that the model gave least chance, one a prompt, to read.

    Where as many people side with the model as against it, one person's other view is no disagreement of the model's.
    """
    decided = evidence.decided()
    chance_D = 1 / (1 + np.exp(-logit_M[~evidence.tie_M]))
    seen: set[int] = set()
    for place in np.argsort(chance_D, kind="stable").tolist():
        one = decided.said[place]
        prompt, pair = one.prompt, one.pair
        said = votes(one)
        if id(prompt) in seen or decided.margin_M[place] >= 0 or said["preferred"] <= said["other"]:
            continue
        seen.add(id(prompt))
        yield {
            "prompt": prompt.prompt_id,
            "line": prompt.line,
            "annotator": pair.annotator,
            "chance": float(chance_D[place]),
            "margin": float(decided.margin_M[place]),
            "votes": said,
            "asked": _shortened(prompt.messages[-1]["content"]),
            "preferred": _shortened(prompt.texts[pair.first]),
            "other": _shortened(prompt.texts[pair.second]),
        }
        if len(seen) == SHOWN:
            return


def votes(one: Said) -> dict[str, int]:
    """How many people said what of a decided pair, the one who is listed among them."""
    about = [pair for pair in one.prompt.pairs if pair.places == one.pair.places]
    ties = sum(pair.tie for pair in about)
    agree = sum(not pair.tie and pair.first == one.pair.first for pair in about)
    return {"preferred": agree, "other": len(about) - ties - agree, "tie": ties}


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " …"
