"""The reward gate: its rule on figures worked by hand, and its errors on simulated people."""

from dataclasses import fields, replace
from functools import lru_cache
from math import pi
from typing import Any

import numpy as np
import pytest

from app.loop import gate
from app.loop.gate import Columns, Difference, judge

TRIALS = 400
A_GROUP = 3
"""Judgments of one group, whose prompt makes all of them harder or easier."""


def softplus(value: Any) -> Any:
    return np.logaddexp(0, value)


def people(draw: np.random.Generator, judgments: int, *, live: float, new: float) -> Columns:
    """Simulated judgments of one pair each: people follow Bradley–Terry on true distances, two models see these with
    noise of their own besides what both get wrong, and are read with one temperature.
    """
    group = np.arange(judgments) // A_GROUP
    groups = group[-1] + 1
    distance = (0.5 + draw.exponential(1.0, groups))[group] * draw.normal(size=judgments)
    won = draw.random(judgments) < 1 / (1 + np.exp(-distance))
    # Most of what two models get wrong they get wrong together: they learnt from the same judgments.
    shared = draw.normal(size=judgments)
    seen = {name: distance + shared + noise * draw.normal(size=judgments) for name, noise in (("l", live), ("n", new))}
    sign = np.where(won, 1.0, -1.0)
    return Columns(
        group=group,
        weight=np.ones(judgments),
        decided=np.ones(judgments),
        live_loss=softplus(-sign * 0.6 * seen["l"]),
        new_loss=softplus(-sign * 0.6 * seen["n"]),
        live_right=(sign * seen["l"] > 0).astype(float),
        new_right=(sign * seen["n"] > 0).astype(float),
    )


def share_passed(seed: int, judgments: int, *, number: int = 1, **noise: float) -> float:
    draw = np.random.default_rng(seed)
    return float(np.mean([judge(people(draw, judgments, **noise), number).verdict == "pass" for _ in range(TRIALS)]))


def true_differences(**noise: float) -> tuple[float, float]:
    """Loss and accuracy of the new model over the live one, over so many people that chance hardly matters."""
    many = people(np.random.default_rng(9), 300_000, live=0.3, **noise)
    return (
        float((many.new_loss - many.live_loss).mean()),
        float((many.new_right - many.live_right).mean()),
    )


@lru_cache
def noise_at(place: int, margin: float) -> float:
    """The noise of a model that is worse by just the margin in loss (0) or in accuracy (1), by bisection."""
    low, high = 0.3, 3.0
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (middle, high) if abs(true_differences(new=middle)[place]) < margin else (low, middle)
    return high


@pytest.mark.parametrize("number", [1, 4])
def test_an_equal_model_passes_in_four_of_five_cases_at_the_stated_number(number: int) -> None:
    stated = judge(people(np.random.default_rng(1), 6_000, live=0.3, new=0.3), number).needed
    assert stated is not None
    assert 500 <= stated < 10_000
    assert share_passed(2, stated, number=number, live=0.3, new=0.3) >= 0.8


@pytest.mark.parametrize(("place", "margin"), [(0, gate.LOSS_MARGIN), (1, gate.ACCURACY_MARGIN)])
def test_a_model_that_is_worse_by_a_margin_hardly_ever_passes(place: int, margin: float) -> None:
    noise = noise_at(place, margin)
    assert abs(true_differences(new=noise)[place]) == pytest.approx(margin, abs=0.001)
    assert share_passed(3, 1_500, live=0.3, new=noise) <= 0.05


def test_a_project_whose_models_are_all_worse_by_the_margin_hardly_ever_promotes_one() -> None:
    """Eight gates, each on 500 more judgments than the one before, because live stays live."""
    noise, draw, promoted = noise_at(0, gate.LOSS_MARGIN), np.random.default_rng(7), 0
    for _ in range(TRIALS):
        every = people(draw, 8 * 500, live=0.3, new=noise)
        seen = (
            Columns(**{one.name: getattr(every, one.name)[: k * 500] for one in fields(Columns)}) for k in range(1, 9)
        )
        promoted += any(judge(columns, k).verdict == "pass" for k, columns in enumerate(seen, start=1))
    assert promoted / TRIALS <= 0.05


def test_a_model_that_is_worse_in_accuracy_alone_hardly_ever_passes() -> None:
    """Equal losses; of every 100 pairs the new model alone has four right and the live one alone six."""
    draw, judgments, passed = np.random.default_rng(4), 3_000, 0
    for _ in range(TRIALS):
        luck = draw.random(judgments)
        live, new = (luck < 0.06).astype(float), (luck > 0.96).astype(float)
        worse = replace(columns(0.0, judgments=judgments), live_right=live, new_right=new)
        passed += judge(worse, 1).verdict == "pass"
    assert passed / TRIALS <= 0.05


def columns(loss: Any, *, judgments: int = 600, right: float = 0.0, weight: float = 1.0) -> Columns:
    """Judgments of one pair each, three a group; `loss` and `right` are the new model's over live."""
    none = np.zeros(judgments)
    return Columns(
        group=np.arange(judgments) // 3,
        weight=np.full(judgments, weight),
        decided=np.ones(judgments),
        live_loss=none,
        new_loss=none + loss,
        live_right=none,
        new_right=none + right,
    )


@pytest.mark.parametrize(
    ("loss", "right", "verdict"),
    [(0.0, 0.0, "pass"), (0.019, 0.0, "pass"), (0.021, 0.0, "refuse"), (-1.0, -0.021, "refuse"), (-1, -0.019, "pass")],
)
def test_the_two_margins(loss: float, right: float, verdict: str) -> None:
    assert judge(columns(loss, right=right), 1).verdict == verdict


def test_under_500_effective_judgments_nothing_passes_however_good_it_looks() -> None:
    assert judge(columns(-1.0, judgments=499), 1).verdict == "too_little"
    overlapping = judge(columns(-1.0, judgments=900, weight=0.5), 1)
    assert (overlapping.verdict, overlapping.judgments, overlapping.effective) == ("too_little", 900, 450.0)
    assert judge(columns(-1.0, judgments=501), 1).verdict == "pass"


def test_few_prompt_groups_are_no_evidence_however_many_judgments() -> None:
    crowded = replace(columns(-1.0), group=np.arange(600) % (gate.FEWEST_GROUPS - 1))
    found = judge(crowded, 1)
    assert (found.verdict, found.loss, found.needed) == ("too_little", Difference(-1.0), None)


def test_no_judgment_and_no_decided_pair_are_no_evidence() -> None:
    empty = Columns.of({name: [] for name in NAMES})
    assert judge(empty, 1).verdict == "too_little"
    assert judge(empty, 1).loss.value is None
    tied = replace(columns(-1.0), decided=np.zeros(600))
    assert judge(tied, 1).verdict == "too_little"


NAMES = ("group", "weight", "decided", "live_loss", "new_loss", "live_right", "new_right")


def test_columns_that_do_not_fit_together_are_refused() -> None:
    good: dict[str, list[Any]] = {name: [0.0, 1.0] for name in NAMES}
    assert len(Columns.of(good | {"group": ["a", "b"]}).group) == 2
    for wrong in ({"weight": [1.0]}, {"new_loss": [0.0, float("nan")]}, {"new_loss": [0.0, None]}):
        with pytest.raises(ValueError, match="columns"):
            Columns.of(good | wrong)
    with pytest.raises(KeyError):
        Columns.of({"group": []})


def test_the_bound_is_that_of_a_mean_over_groups() -> None:
    """With equal groups the jackknife is the standard error of the groups' means, worked out here."""
    draw = np.random.default_rng(5)
    loss = draw.normal(size=600)
    found = judge(columns(loss), 1)
    means = loss.reshape(-1, 3).mean(axis=1)
    assert found.loss.value == pytest.approx(means.mean())
    assert found.loss.error == pytest.approx(means.std(ddof=1) / np.sqrt(200))
    # t with 199 degrees of freedom at 1 - 0.0304: 1.886 by tables' interpolation between 1.653 (5 %) and 1.972 (2.5 %).
    assert found.loss.bound == pytest.approx(found.loss.value + 1.886 * found.loss.error, abs=2e-3)


def test_judgments_of_one_group_do_not_count_as_many() -> None:
    copied = np.repeat(np.random.default_rng(6).normal(size=200), 3)
    together = judge(columns(copied), 1).loss.error
    apart = judge(replace(columns(copied), group=np.arange(600)), 1).loss.error
    assert together is not None
    assert apart is not None
    assert together > 1.6 * apart


@pytest.mark.parametrize(
    ("probability", "freedom", "value"),
    [(0.95, 19, 1.7291), (0.975, 30, 2.0423), (0.99, 19, 2.5395), (0.999, 60, 3.2317), (0.9995, 19, 3.8834)],
)
def test_students_quantiles_are_those_of_the_tables(probability: float, freedom: int, value: float) -> None:
    assert gate.student(probability, freedom) == pytest.approx(value, abs=2e-3)


def test_all_gates_together_spend_one_error() -> None:
    spent = [gate.error_of(number) for number in range(1, 10_000)]
    assert spent[0] == pytest.approx(0.05 * 6 / pi**2)
    assert spent[1] == pytest.approx(spent[0] / 4)
    assert 0.0499 < sum(spent) < 0.05


@pytest.mark.parametrize(("count", "rounded"), [(3.2, 4), (501, 510), (1210, 1300), (1300, 1300), (20_400, 21_000)])
def test_what_is_needed_is_rounded_up(count: float, rounded: int) -> None:
    assert gate.rounded_up(count) == rounded
