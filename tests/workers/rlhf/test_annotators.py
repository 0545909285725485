"""People as parameters, on simulated people whose parameters are known."""

import numpy as np
import pytest
import torch

from tests.workers.rlhf.conftest import ranked_rows
from workers.rlhf import annotators
from workers.rlhf.annotators import AnnotatorParameters, fit
from workers.rlhf.losses import first_tie_parameter
from workers.rlhf.orders import marginal_losses
from workers.rlhf.pairs import ranked_prompt

PEOPLE, EACH, SPREAD = 10, 400, 0.4


def simulated(seed: int, *, shuffled: bool = False):
    """Pairs judged by Rao–Kupper people: margins as said, ties, annotators, and the people's true log a_j."""
    draw = np.random.default_rng(seed)
    log_scale = draw.normal(0, SPREAD, PEOPLE)
    person = np.repeat(np.arange(PEOPLE), EACH)
    delta, theta = draw.normal(0, 1.5, PEOPLE * EACH), 1.5
    scaled = np.exp(log_scale)[person] * delta
    win = 1 / (1 + theta * np.exp(-scaled))
    lose = 1 / (1 + theta * np.exp(scaled))
    roll = draw.random(len(delta))
    tie = (roll > win) & (roll <= 1 - lose)
    margin = np.where(roll <= win, delta, np.where(tie, delta, -delta))
    shown = draw.permutation(person) if shuffled else person
    return torch.tensor(margin), torch.tensor(tie), torch.tensor(shown), log_scale


def fitted(seed: int, **more):
    margin, tie, person, truth = simulated(seed, **more)
    start = first_tie_parameter("rao_kupper", 0.3)
    found = fit(margin, tie, person, ties="rao_kupper", spread=SPREAD, tie_parameter=start)
    return found, torch.tensor(truth)


def test_sharpness_and_ties_are_recovered_and_their_intervals_cover() -> None:
    covered, thetas = [], []
    for seed in range(8):
        found, truth = fitted(seed)
        low, high = found.intervals().unbind(dim=1)
        covered.append(((low <= truth) & (truth <= high)).double().mean())
        thetas.append(torch.nn.functional.softplus(torch.tensor(found.tie_parameter)).exp())
        assert torch.corrcoef(torch.stack([found.log_scale_J, truth]))[0, 1] > 0.8
    assert float(torch.stack(covered).mean()) >= 0.9
    assert float(torch.stack(thetas).mean()) == pytest.approx(1.5, rel=0.05)


def test_permuted_people_are_all_alike() -> None:
    found, truth = fitted(0, shuffled=True)
    assert float(found.log_scale_J.std()) < 0.5 * float(truth.std())


def test_few_judgments_stay_near_everybody_else() -> None:
    margin, tie, person = (
        torch.tensor([-3.0] * 3 + [3.0] * 60),
        torch.zeros(63, dtype=torch.bool),
        torch.ones(63).long(),
    )
    person[:3] = 0
    found = fit(margin, tie, person, ties="half", spread=0.1, tie_parameter=0.0)
    assert -0.2 < float(found.log_scale_J[0]) < 0
    assert found.tie_shift_J.tolist() == [0, 0]


def test_the_mean_is_one_and_strangers_are_average() -> None:
    people = AnnotatorParameters(["a", "b"], 0.3)
    with torch.no_grad():
        people.log_scale_J.copy_(torch.tensor([1.0, 0.0]))
        people.tie_shift_J.copy_(torch.tensor([0.5, -0.5]))
    got = people.scale(torch.tensor([0, 1, -1])).log()
    assert got.tolist() == pytest.approx([0.5, -0.5, 0.0])
    assert people.tie_shift(torch.tensor([0, -1])).tolist() == [0.5, 0.0]
    assert float(people.penalty().detach()) == pytest.approx((1 + 0.5) / (2 * 0.09))


def test_people_are_listed_by_how_much_they_judged() -> None:
    rows = ranked_rows()
    rows[0]["annotations"].append({"annotator": "2", "ranks": [1, 2, 3, 4]})
    prompts = [ranked_prompt(row) for row in rows]
    assert annotators.names_of(prompts) == ["1", "2"]
    described = AnnotatorParameters(["1", "2"], 0.3).described(annotators.judgment_counts(prompts))
    assert described[0] == {"annotator": "1", "scale": 1.0, "tie_shift": 0.0, "judgments": 8}


def test_scores_are_recovered_from_two_thousand_rankings() -> None:
    draw = np.random.default_rng(3)
    truth = torch.tensor([1.0, 0.4, -0.3, -1.1])
    drawn = truth.numpy() + draw.gumbel(size=(2000, 4))
    tier = torch.tensor(np.argsort(np.argsort(-drawn)))
    score = torch.zeros(4, requires_grad=True)
    optimizer = torch.optim.LBFGS([score], max_iter=50, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = marginal_losses(score.expand(2000, 4), tier).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    torch.testing.assert_close(score.detach() - score.detach().mean(), truth - truth.mean(), atol=0.1, rtol=0)
