"""Controls a and f: the whole way from rankings to a policy, with rankings that mean nothing or the opposite."""

from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from tests.sanity import chain, meadow
from tests.sanity.chain import Says
from tests.sanity.conftest import SEEDS, Tell, only_in_full
from tests.sanity.playing import compared, taught, written
from tests.sanity.test_oracle import PLAY, both
from workers.rlhf import cast

pytestmark = only_in_full()
CHAIN = replace(PLAY, updates=8, learning_rate=2e-3, kl_coefficient=0.3)
TASKS, STEPS = 3, 40


def after_rankings(base: Path, folder: Path, say: Says) -> tuple[float, float]:
    """The reward model's held-out accuracy, and how often the policy beats its reference by gold; over the seeds."""
    accuracy, wins = [], []
    for seed in SEEDS:
        rows = chain.ranked(base, say, tasks=TASKS, seed=seed)
        reward = chain.taught_reward(base, folder / str(seed), rows, steps=STEPS, seed=seed)
        players = taught(cast.assemble(base, reward.folder, CHAIN, seed=seed), CHAIN, seed=seed)
        own, others = (written(role, seed=seed + 10 * place, count=16) for place, role in enumerate(both(players)))
        accuracy.append(reward.accuracy)
        wins.append(compared(own, others, meadow.warmth).win_rate().value)
    return fmean(accuracy), fmean(wins)


def test_a_shuffled_labels_teach_nothing(meadow_base: Path, tmp_path: Path, tell: Tell) -> None:
    accuracy, won = after_rankings(meadow_base, tmp_path, chain.at_random)
    tell(accuracy=accuracy, win=won)
    assert accuracy == pytest.approx(0.5, abs=0.05)
    assert won == pytest.approx(0.5, abs=0.07)


def test_f_turned_labels_teach_the_opposite(meadow_base: Path, tmp_path: Path, tell: Tell) -> None:
    accuracy, won = after_rankings(meadow_base, tmp_path / "as said", chain.by_taste(meadow.warmth))
    turned, lost = after_rankings(meadow_base, tmp_path / "turned", chain.by_taste(meadow.coldness))
    tell(accuracy=accuracy, win=won, accuracy_turned=turned, win_turned=lost)
    assert min(accuracy, turned) > 0.75
    assert won > 0.6
    assert lost < 0.4
