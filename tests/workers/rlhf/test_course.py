"""The loss of a run: what counts, how much, and for whom."""

from math import log

import pytest
import torch

from tests.workers.rlhf.conftest import ranked_rows
from workers.rlhf.course import Course, Likelihood, head_shares, says_something
from workers.rlhf.pairs import RankedPrompt, ranked_prompt
from workers.rlhf.reward_configs import RewardConfig

SCORE = torch.tensor([[0.3, -0.2, 0.9, 0.1, 1.0, -1.0, 0.5, 0.0]]).T


def prompts_of(*ranks: list[list[int]]) -> list[RankedPrompt]:
    rows = ranked_rows(prompts=len(ranks))
    for row, said in zip(rows, ranks, strict=True):
        row["annotations"] = [{"annotator": str(number), "ranks": one} for number, one in enumerate(said)]
    return [ranked_prompt(row) for row in rows]


def loss_of(prompts: list[RankedPrompt], config: RewardConfig, score_NH: torch.Tensor, **more) -> float:
    course = Course.of(prompts, config, seed=0)
    return float(course.loss(Likelihood(config, tie_rate=0.2, **more), score_NH, course.prompts).detach())


@pytest.mark.parametrize("overlap", ["soft", "majority"])
@pytest.mark.parametrize("ties", ["half", "drop"])
def test_undecided_scores_cost_log_two_a_prompt_whatever_the_overlap(overlap: str, ties: str) -> None:
    prompts = prompts_of([[1, 2, 3, 4]] * 3, [[4, 3, 2, 1]])
    config = RewardConfig(overlap=overlap, ties=ties)
    assert loss_of(prompts, config, torch.zeros(8, 1)) == pytest.approx(2 * log(2), rel=1e-5)


def test_a_prompt_that_more_people_judged_counts_more() -> None:
    prompts = prompts_of([[1, 2, 3, 4]] * 3, [[1, 2, 3, 4]])
    course = Course.of(prompts, RewardConfig(), seed=0)
    assert course.mean_weight == pytest.approx((1.5 + 1) / 2)
    likelihood = Likelihood(RewardConfig(), tie_rate=0.0)
    one, two = (float(course.loss(likelihood, torch.zeros(4, 1), [prompt])) for prompt in course.prompts)
    assert one / two == pytest.approx(1.5)


@pytest.mark.parametrize("likelihood", ["pairs", "plackett_luce", "davidson_luce"])
def test_ties_need_a_likelihood_that_reads_them(likelihood: str) -> None:
    (tied,) = prompts_of([[1, 1, 1, 1]])
    config = RewardConfig(likelihood=likelihood, ties="drop")
    assert says_something(tied, config) == (likelihood == "davidson_luce")
    assert len(Course.of([tied], config, seed=0).prompts) == (likelihood == "davidson_luce")


@pytest.mark.parametrize("likelihood", ["plackett_luce", "davidson_luce"])
def test_every_likelihood_divides_by_the_observed_pairs(likelihood: str) -> None:
    prompts = prompts_of([[1, 2, 3, 4]], [[1, None, None, 2]])
    course = Course.of(prompts, RewardConfig(likelihood=likelihood), seed=0)
    model = Likelihood(course.config, tie_rate=1e-9)
    four, two = (float(course.loss(model, torch.zeros(4, 1), [prompt]).detach()) for prompt in course.prompts)
    open_orders = log(24) / 6 if likelihood == "plackett_luce" else four
    assert four == pytest.approx(open_orders, rel=1e-5)
    assert two == pytest.approx(log(2), rel=0.02)


def test_strength_asks_for_a_lead() -> None:
    rows = ranked_rows(prompts=1)
    rows[0]["completions"] = rows[0]["completions"][:2]
    rows[0]["annotations"] = [{"annotator": "1", "ranks": [1, 2], "strength": 3}]
    prompts = [ranked_prompt(row) for row in rows]
    margin = loss_of(prompts, RewardConfig(margin=0.25), torch.tensor([[0.9], [0.1]]))
    assert margin == pytest.approx(float(torch.nn.functional.softplus(torch.tensor(0.5 - 0.8))), rel=1e-5)


def test_a_sharp_person_counts_the_difference_for_more() -> None:
    prompts = prompts_of([[1, 2, 3, 4], [4, 3, 2, 1]])
    config = RewardConfig(annotators="parameters", overlap_correlation=0.0)
    course = Course.of(prompts, config, seed=0)
    likelihood = Likelihood(config, tie_rate=0.0, annotators=["0", "1"])
    with torch.no_grad():
        likelihood.annotators.log_scale_J.copy_(torch.tensor([1.0, -1.0]))
    alike = loss_of(prompts, config, SCORE[:4], annotators=["0", "1"])
    apart = float(course.loss(likelihood, SCORE[:4], course.prompts).detach())
    assert apart != pytest.approx(alike)
    course.loss(likelihood, SCORE[:4], course.prompts).backward()
    assert torch.isfinite(likelihood.annotators.log_scale_J.grad).all()
    assert float(course.penalty(likelihood)) == pytest.approx((1 + 1) / (2 * 0.09) / course.mean_weight)


@pytest.mark.parametrize("likelihood", ["pairs", "plackett_luce", "davidson_luce"])
def test_the_order_of_completions_is_no_information(likelihood: str) -> None:
    config = RewardConfig(likelihood=likelihood, ties="rao_kupper")
    row, order = ranked_rows(prompts=1, ranks=[3, 1, 2, 2])[0], [2, 0, 3, 1]
    straight = loss_of([ranked_prompt(row)], config, SCORE[:4])
    row["completions"] = [row["completions"][place] for place in order]
    row["annotations"] = [{"annotator": "1", "ranks": [[3, 1, 2, 2][place] for place in order]}]
    assert loss_of([ranked_prompt(row)], config, SCORE[:4][order]) == pytest.approx(straight, rel=1e-5)


def test_heads_see_the_prompts_with_weights_of_their_own() -> None:
    share = head_shares(50, 4, seed=1)
    assert share.mean(dim=0).tolist() == pytest.approx([1.0] * 4, rel=1e-5)
    assert not torch.equal(share[:, 0], share[:, 1])
    assert torch.equal(share, head_shares(50, 4, seed=1))
    assert head_shares(3, 1, seed=1).tolist() == [[1.0]] * 3
