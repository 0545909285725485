import pytest
import torch

from tests.workers.rlhf.conftest import ranked_rows
from workers.rlhf.data import BadDataError
from workers.rlhf.losses import pair_losses
from workers.rlhf.pairs import Weighing, accuracy, majority, order_batch, pair_batch, ranked_prompt


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


def test_a_completion_without_a_text_is_refused() -> None:
    row = ranked_rows()[0]
    row["completions"][1]["text"] = None
    with pytest.raises(BadDataError, match="prompt 0: each completion needs a text"):
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


def test_what_has_no_rank_was_not_observed() -> None:
    got = prompt([2, None, 1, 2])
    assert [(pair.first, pair.second, pair.tie, pair.tiers_apart) for pair in got.pairs] == [
        (2, 0, False, 1),
        (0, 3, True, 0),
        (2, 3, False, 1),
    ]
    assert pair_batch([got]).weight_M.tolist() == pytest.approx([1 / 3] * 3)
    orders = order_batch([got])
    assert orders.place_JK.tolist() == [[0, 2, 3]]
    assert orders.tier_JK.tolist() == [[1, 0, 1]]
    assert orders.weight_J.tolist() == pytest.approx([1 / 3])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"ranks": [1, 2, 3, "4"]}, "whole numbers"),
        ({"ranks": [1, 2, 3, True]}, "whole numbers"),
        ({"ranks": "1234"}, "one rank for each"),
        ({"ranks": [1, 2, 3, 4], "strength": 5}, "strength must be"),
        ({"ranks": [1, 2, 3, 4], "weight": -1}, "weight must be"),
        ({"ranks": [1, 2, 3, 4], "weight": float("inf")}, "weight must be"),
    ],
)
def test_a_judgment_that_makes_no_sense_is_refused_by_its_prompt(entry: dict, message: str) -> None:
    row = ranked_rows()[0]
    row["annotations"] = [{"annotator": "1"} | entry]
    with pytest.raises(BadDataError, match=f"prompt 0.*{message}"):
        ranked_prompt(row)


def overlapping(*judgments: list[int | None]):
    row = ranked_rows()[0]
    row["annotations"] = [{"annotator": str(n), "ranks": ranks} for n, ranks in enumerate(judgments)]
    return ranked_prompt(row)


def test_overlapping_judgments_weigh_less_each_and_more_together() -> None:
    batch = pair_batch([overlapping([1, 2, 3, 4], [1, 2, None, None], [2, 1, None, None])])
    # One of six pairs was judged by three people: 3 / (1 + 2 · ½) = 1.5 judgments, half of one for each.
    assert sorted(batch.weight_M.tolist()) == pytest.approx([0.5 / 6] * 3 + [1 / 6] * 5)
    sure = pair_batch([overlapping([1, 2, 3, 4], [1, 2, 3, 4])], Weighing(correlation=1.0))
    assert float(sure.weight_M.sum()) == pytest.approx(1)
    free = pair_batch([overlapping([1, 2, 3, 4], [1, 2, 3, 4])], Weighing(correlation=0.0))
    assert float(free.weight_M.sum()) == pytest.approx(2)


def test_overlap_is_a_soft_label() -> None:
    got = overlapping([1, 2, None, None], [1, 2, None, None], [2, 1, None, None], [1, 1, None, None])
    batch, score = pair_batch([got]), torch.tensor([0.9, 0.1, 0.0, 0.0])
    losses = pair_losses(
        score[batch.first_M] - score[batch.second_M], batch.tie_M, ties="half", tie_parameter=torch.tensor(0.0)
    )
    right = torch.sigmoid(torch.tensor(0.8))
    soft = -(2.5 / 4) * right.log() - (1.5 / 4) * (1 - right).log()
    assert float((losses * batch.weight_M).sum() / batch.weight_M.sum()) == pytest.approx(float(soft))


def test_the_majority_speaks_for_all_and_a_draw_of_opposites_is_a_tie() -> None:
    got = majority(overlapping([1, 2, 2, 3], [1, 2, 3, 3], [2, 1, 4, 3]))
    said = {pair.places: (pair.first, pair.tie) for pair in got.pairs}
    assert said == {
        (0, 1): (0, False),
        (0, 2): (0, False),
        (0, 3): (0, False),
        (1, 2): (1, False),
        (1, 3): (1, False),
        (2, 3): (2, True),
    }
    assert float(pair_batch([got]).weight_M.sum()) == pytest.approx(1)


def test_weights_of_judgments_and_numbers_of_annotators() -> None:
    row = ranked_rows()[0]
    row["annotations"].append({"annotator": "2", "ranks": [1, 2, 3, 4], "weight": 0.5, "strength": 3})
    weighing = Weighing(correlation=0.0, own_weights=True, numbers={"2": 0})
    batch = pair_batch([ranked_prompt(row)], weighing)
    assert batch.weight_M.tolist() == pytest.approx([1 / 6] * 6 + [0.5 / 6] * 6)
    assert batch.annotator_M.tolist() == [-1] * 6 + [0] * 6
    assert batch.strength_M.tolist() == [0] * 6 + [3] * 6
    assert order_batch([ranked_prompt(row)], weighing).annotator_J.tolist() == [-1, 0]


def test_of_equal_texts_the_first_ranked_one_stands_in_an_order() -> None:
    got = prompt([None, 2, 1, 3], ["same", "same", "x", "y"])
    assert order_batch([got]).place_JK.tolist() == [[1, 2, 3]]


def test_sizes_from_two_to_nine_mix_and_each_prompt_weighs_the_same() -> None:
    rows = []
    for count in range(2, 10):
        row = ranked_rows()[0]
        row["completions"] = [{"text": f"answer {place}"} for place in range(count)]
        row["annotations"] = [{"annotator": "1", "ranks": list(range(1, count + 1))}]
        rows.append(ranked_prompt(row))
    batch = pair_batch(rows)
    assert len(batch.first_M) == sum(count * (count - 1) // 2 for count in range(2, 10))
    shares = torch.zeros(8).index_add(0, batch.prompt_M, batch.weight_M)
    assert shares.tolist() == pytest.approx([1.0] * 8)
    orders = order_batch(rows)
    assert orders.tier_JK.shape == (8, 9)
    assert orders.weight_J.tolist() == pytest.approx([2 / (count * (count - 1)) for count in range(2, 10)])


def test_a_tie_in_an_all_tied_ranking_weighs_nothing_where_ties_are_dropped() -> None:
    batch = pair_batch([prompt([1, 1, 1, 1]), prompt([1, 1, 2, 2])])
    losses = pair_losses(torch.zeros(12), batch.tie_M, ties="drop", tie_parameter=torch.tensor(0.0))
    weighed = torch.zeros(2).index_add(0, batch.prompt_M, losses * batch.weight_M)
    # Four of six observed pairs are decided: dropped ties stay in the divisor.
    assert weighed.tolist() == pytest.approx([0.0, 4 / 6 * 0.6931], abs=1e-4)
