import pytest
import torch

from tests.workers.rlhf.conftest import ranked_rows
from workers.rlhf.data import BadDataError
from workers.rlhf.losses import pair_losses
from workers.rlhf.pairs import accuracy, pair_batch, ranked_prompt


def prompt(ranks: list[int], texts: list[str] | None = None):
    row = ranked_rows(ranks=ranks)[0]
    if texts:
        row["completions"] = [{"id": place, "text": text} for place, text in enumerate(texts)]
    return ranked_prompt(row)


def test_a_ranking_becomes_all_its_pairs() -> None:
    got = [(pair.first, pair.second, pair.tie) for pair in prompt([2, 1, 3, 2]).pairs]
    assert got == [(1, 0, False), (0, 2, False), (0, 3, True), (1, 2, False), (1, 3, False), (3, 2, False)]


def test_two_annotators_bring_their_pairs_side_by_side() -> None:
    row = ranked_rows()[0]
    row["annotations"].append({"annotator": "2", "ranks": [1, 1, 1, 1]})
    pairs = ranked_prompt(row).pairs
    assert len(pairs) == 12
    assert sum(pair.tie for pair in pairs) == 6


def test_completions_with_the_same_text_say_nothing() -> None:
    got = prompt([1, 2, 3, 4], ["same", "same", "x", "y"])
    assert len(got.pairs) == 5
    assert got.identical == 1


@pytest.mark.parametrize("key", ["completions", "annotations", "messages"])
def test_a_row_without_a_field_is_refused_by_its_prompt(key: str) -> None:
    row = ranked_rows()[0]
    del row[key]
    with pytest.raises(BadDataError, match="prompt 0"):
        ranked_prompt(row)


def test_ranks_must_fit_the_completions() -> None:
    with pytest.raises(BadDataError, match="one rank for each"):
        prompt([1, 2, 3])


def test_k_ways_give_the_mean_over_separate_pairs_and_prompts_weigh_the_same() -> None:
    prompts = [prompt([1, 2, 3, 4]), prompt([1, 1, 2, 2])]
    score = torch.randn(8)
    batch = pair_batch(prompts)
    together = pair_losses(
        score[batch.first_M] - score[batch.second_M], batch.tie_M, ties="half", tie_parameter=torch.tensor(0.0)
    )
    total = float((together * batch.weight_M).sum() / len(prompts))
    means = []
    for number, one in enumerate(prompts):
        losses = [
            pair_losses(
                score[[4 * number + pair.first]] - score[[4 * number + pair.second]],
                torch.tensor([pair.tie]),
                ties="half",
                tie_parameter=torch.tensor(0.0),
            )
            for pair in one.pairs
        ]
        means.append(float(torch.cat(losses).mean()))
    assert total == pytest.approx(sum(means) / 2, rel=1e-6)


def test_the_order_of_completions_is_no_information() -> None:
    ranks, order, score = [3, 1, 2, 2], [2, 0, 3, 1], torch.randn(4)

    def loss(ranks: list[int], score: torch.Tensor) -> float:
        batch = pair_batch([prompt(ranks)])
        margin = score[batch.first_M] - score[batch.second_M]
        losses = pair_losses(margin, batch.tie_M, ties="davidson", tie_parameter=torch.tensor(0.4))
        return float((losses * batch.weight_M).sum())

    assert loss([ranks[place] for place in order], score[order]) == pytest.approx(loss(ranks, score), rel=1e-6)


def test_accuracy_counts_decided_pairs_and_halves_equal_scores() -> None:
    batch = pair_batch([prompt([1, 2, 2, 3])])
    # Pairs: 0>1 right, 0>2 right, 0>3 equal, 1=2 ignored, 1>3 wrong, 2>3 wrong.
    share, count = accuracy(torch.tensor([2.0, 1.0, 1.0, 2.0]), batch)
    assert count == 5
    assert share == pytest.approx(2.5 / 5)
