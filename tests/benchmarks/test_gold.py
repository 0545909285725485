"""The gold experiment: its people, its arithmetic, and all of it once with a tiny model and a taste of our own."""

# ruff: noqa: S311, S314 -- simulations, not secrets; our own XML

import argparse
import random
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from benchmarks import gold, gold_report
from benchmarks.gold_plan import ARMS, FORMS, PPO, THINGS, Experiment
from benchmarks.gold_report import Written
from benchmarks.gold_taste import Gold, People, agreed, tie_rate
from tests.sanity import meadow
from tests.tiny_model import build_tiny_model

LORA = {"lora_layers": 0, "lora_rank": 2, "learning_rate": 3e-3}
ROUNDS = LORA | {"updates": 2, "prompts_per_update": 2, "samples_per_prompt": 2, "max_new_tokens": 8}
SETTINGS = {
    "people": {"tasks_per_prompt": 1, "judgments": 2},
    "choice": {"n": 4, "prompts": 2},
    "way": {"points": 2},
    "evaluate": {"samples_per_prompt": 2, "max_new_tokens": 8},
    "reward": LORA | {"minimum_steps": 2, "checkpoint_every": 0},
    "ppo": ROUNDS | {"blind_value": "warn"},
    "rloo": ROUNDS,
    "dpo": LORA | {"minimum_steps": 2, "shown_tokens": 8},
    "best_of_n": LORA | {"samples_per_prompt": 2, "max_new_tokens": 8, "prompts": 4},
}


def test_length_alone_has_no_gold() -> None:
    draw = random.Random(0)
    texts = ["word " * draw.randint(1, 60) for _ in range(400)]
    raw = [0.3 * np.log(1 + len(text)) + draw.gauss(0, 0.1) for text in texts]
    fitted = Gold.fitted(texts, raw)
    scores = fitted.of(texts, raw)
    assert np.std(scores) == pytest.approx(1.0)
    assert np.corrcoef(scores, [np.log(1 + len(text)) for text in texts])[0, 1] == pytest.approx(0, abs=1e-9)
    assert fitted.slope == pytest.approx(0.3, abs=0.02)


def test_people_tie_and_agree_as_often_as_they_should() -> None:
    gaps = np.random.default_rng(0).normal(0, 1.4, 3000)
    people = People.fitted(gaps.tolist())
    assert tie_rate(gaps, people.sharpness, people.tie) == pytest.approx(0.20, abs=1e-3)
    assert agreed(gaps, people.sharpness, people.tie) == pytest.approx(0.75, abs=1e-3)
    draw = random.Random(1)
    said = [[people.ranks([gap, 0.0], draw) for _ in range(2)] for gap in gaps]
    ties = [ranks == [1, 1] for both in said for ranks in both]
    decided = [both[0] == both[1] for both in said if [1, 1] not in both]
    assert np.mean(ties) == pytest.approx(0.20, abs=0.02)
    assert np.mean(decided) == pytest.approx(0.75, abs=0.03)


def test_ranks_of_many_are_whole_tiers() -> None:
    sure = People(sharpness=1000.0, tie=5.0)
    assert sure.ranks([0.0, 3.0, 1.0, 2.0], random.Random(0)) == [4, 1, 3, 2]
    assert set(People(sharpness=1.0, tie=1e9).ranks([0.0, 3.0, 1.0], random.Random(0))) == {1}


def test_the_best_of_n_takes_each_as_often_as_drawing_would() -> None:
    scores = [0.3, -1.0, 2.0, 0.9, 0.1, -0.5]
    draw = random.Random(0)
    for count in (1, 3, 6):
        weights = gold_report.best_of_n_weights(scores, count)
        drawn = np.zeros(len(scores))
        for _ in range(4000):
            drawn[max(draw.sample(range(len(scores)), count), key=lambda place: scores[place])] += 1 / 4000
        assert sum(weights) == pytest.approx(1)
        assert weights == pytest.approx(drawn.tolist(), abs=0.03)
    assert gold_report.best_of_n_kl(1) == 0
    assert gold_report.best_of_n_kl(4) == pytest.approx(0.636, abs=1e-3)


def test_gold_at_equal_kl_is_between_points_or_not_shown() -> None:
    points = [(0.0, 0.0), (2.5, 0.55), (1.5, 0.45)]
    assert gold_report.at_equal_kl(points, 2.0) == pytest.approx(0.5)
    assert gold_report.at_equal_kl(points, 4.0) is None
    assert gold_report.at_equal_kl(points, 1.0) is None, "0 and 1.5 nats are too far apart to say what is between"
    assert gold_report.at_equal_kl(points, 0.0) == 0.0
    ways = {"a": [points, points], "b": [[(1.5, 0.3), (2.5, 0.5), (3.5, 0.7), (4.5, 0.9)]] * 2}
    rows = {row["arm"]: row for row in gold_report.equal_kl_rows(ways, "a")}
    assert rows["b"]["2"]["gaps"] == pytest.approx([-0.1, -0.1])
    assert rows["b"]["4"] is None
    assert "not shown" in "".join(gold_report.equal_kl_table(list(rows.values()), "a"))


def test_seeds_are_resampled_too() -> None:
    draw = np.random.default_rng(0)
    # Prompts agree, seeds do not: the interval must be as wide as few seeds deserve.
    far_apart = gold_report.two_levels(np.array([0.3, 0.5, 0.7])[:, None] + draw.normal(0, 0.01, (3, 200)))
    together = gold_report.two_levels(0.5 + draw.normal(0, 0.01, (3, 200)))
    assert far_apart.high - far_apart.low > 0.2
    assert together.high - together.low < 0.01


def test_a_chart_has_a_line_a_seed_and_bears_rounding() -> None:
    # The exact KL of equal models is 0 up to rounding, from below too.
    drawn = ET.fromstring(gold_report.chart({"a < b": [[(-1e-9, 0.0), (4.0, 1.0)], [(1.0, 0.5)]]}))
    tags = [part.tag.rpartition("}")[2] for part in drawn]
    assert (tags.count("polyline"), tags.count("circle")) == (2, 3)
    assert "a < b" in [part.text for part in drawn]


def test_held_out_prompts_are_of_all_kinds_where_only_some_are_asked(tmp_path: Path) -> None:
    def plan(held_out: int | None) -> Experiment:
        return Experiment(tmp_path, tmp_path, 1, {}, len(THINGS), len(FORMS), lambda _: [], held_out)

    everything, some = plan(None).prompts("test"), plan(64).prompts("test")
    assert (len(everything), len(some)) == (256, 64)
    assert set(some) < set(everything)
    assert all(any(thing in prompt for prompt in some) for thing in THINGS[-16:])
    assert all(any(prompt.startswith(form.partition("{")[0]) for prompt in some) for form in FORMS)
    assert plan(64).prompts("train") == plan(None).prompts("train")
    assert not set(plan(None).prompts("train")) & set(everything)


def test_leads_are_counted_over_the_seeds_that_both_arms_have() -> None:
    ways = {"a": [[(1.5, 0.4), (2.5, 0.6)]], "b": [[(1.5, 0.9), (2.5, 1.1)], [(1.5, 8.0), (2.5, 9.0)]]}
    rows = {row["arm"]: row for row in gold_report.equal_kl_rows(ways, "a")}
    assert rows["b"]["2"] == {"gold": pytest.approx(1.0), "gaps": [pytest.approx(0.5)]}


def test_the_best_of_many_is_told_of_the_seeds_that_have_it_by_now() -> None:
    best = [
        [{"n": n, "kl": 0.1 * n, "gold": gold, "win": gold, "prompts": 9} for n, gold in of]
        for of in ([(1, 0.2), (2, 0.6)], [(1, 0.4)])
    ]
    told = gold_report.page({}, {}, best, against=PPO)
    assert "| 1 | 0.10 | 0.30 | 0.300 | 9, 9 |" in told
    assert "| 2 | 0.20 | 0.60 | 0.600 | 9 |" in told


def test_an_arm_is_held_against_the_best_of_many_of_its_own_seed() -> None:
    near = [{"n": 1, "kl": 0.0, "win": 0.5}, {"n": 2, "kl": 0.2, "win": 0.6}]
    far = [*near, {"n": 4, "kl": 0.6, "win": 0.8}]
    # The second seed ended farther than its choice goes, the third has not run: the first alone says something.
    told = gold_report.beside_the_best([(0.4, 0.65), (0.4, 0.1), None], [far, near, far], PPO)
    assert told == f"At 0.40 nats the best of n wins 0.700; {PPO} -0.050 of that (1 of 3 seeds)."
    told = gold_report.beside_the_best([(0.7, 0.9), (0.4, 0.1)], [far, near], PPO)
    assert told == f"{PPO} is farther than a seed's best of n can be (n is 4 at most): no lead is shown."


def test_a_score_that_orders_as_gold_does_is_right_on_all_pairs() -> None:
    gold_scores = [[0.0, 1.0, 2.0], [3.0, 1.0]]
    assert gold_report.ordered_alike([[5.0, 6.0, 9.0], [0.2, 0.1]], gold_scores) == 1.0
    assert gold_report.ordered_alike([[9.0, 6.0, 5.0], [0.1, 0.2]], gold_scores) == 0.0
    assert gold_report.ordered_alike([[1.0, 1.0, 1.0], [0.0, 1.0]], gold_scores) == pytest.approx(1.5 / 4)


def test_a_choice_is_worth_what_it_takes() -> None:
    written = Written(gold=[[0.0, 1.0, 2.0]], length=[[1.0, 1.0, 1.0]])
    assert gold_report.chosen(written, [[0, 0, 1.0]]) == {"gold": 2.0, "win": pytest.approx(2.5 / 3)}


@pytest.mark.slow
def test_all_of_it_and_again_from_where_it_stopped(tmp_path: Path, monkeypatch, capsys) -> None:
    base = build_tiny_model(tmp_path / "base", steps=60, exchanges=meadow.exchanges(1))
    monkeypatch.setattr(gold, "vader", lambda _: lambda texts: [meadow.warmth(text) for text in texts])
    monkeypatch.setattr(gold, "DEFAULTS", SETTINGS)
    given = argparse.Namespace(
        model=base,
        work=tmp_path / "work",
        seeds=1,
        settings=None,
        things=4,
        forms=2,
        held_out=3,
        docs=tmp_path / "docs",
    )
    (tmp_path / "docs" / "images").mkdir(parents=True)
    pages: list[str] = []
    write_whole = gold.write_whole

    def hear(path: Path, text: str) -> None:
        pages.extend([text] if path == given.docs / "gold.md" else [])
        write_whole(path, text)

    monkeypatch.setattr(gold, "write_whole", hear)
    gold.carry_out(gold.experiment(given), given.docs)
    told = capsys.readouterr().out
    # A page after each part says what it lacks; the choice from more comes behind all arms.
    assert len(pages) == 1 + 2 * len(ARMS) + 1
    assert all(f"{arm.name} (0 of 1 seeds)" in pages[0] for arm in ARMS)
    assert [f"{arm.name} (0 of 1 seeds)" in pages[1] for arm in ARMS] == [False, *[True] * (len(ARMS) - 1)]
    assert "Not all of it has run" not in pages[-1]
    assert ["| 4 | 0.64 |" in page for page in pages].index(True) == 1 + len(ARMS)
    assert [told.count(f'"arm": "{arm.name}"') for arm in ARMS] == [1] * len(ARMS)
    page = (given.docs / "gold.md").read_text()
    assert all(f"| {arm.name} |" in page for arm in ARMS)
    assert f"lead over {PPO}" in page
    ET.parse(given.docs / "images" / "gold.svg")
    assert list((given.work / "seed-0").glob("PPO_values_shared/points/step-*"))
    # What is there is not done again; what is missing is, and comes out the same.
    kept, missing = given.work / "seed-0" / "SFT.jsonl", given.work / "seed-0" / "RLOO.jsonl"
    before = kept.stat().st_mtime_ns, missing.read_text()
    missing.unlink()
    gold.carry_out(gold.experiment(given), given.docs)
    assert (kept.stat().st_mtime_ns, missing.read_text()) == before
    assert (given.docs / "gold.md").read_text() == page
