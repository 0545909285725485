"""Controls b, c, e and h: a judge that knows the taste itself, so that the reward model is not to blame."""

from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
import torch

from tests.sanity import meadow
from tests.sanity.conftest import SEEDS, Tell, only_in_full, sized
from tests.sanity.playing import LONGEST, compared, mean_kl, mean_taste, oracle, taught, written
from workers.rlhf import cast, rollout
from workers.rlhf.configs import PpoConfig
from workers.rlhf.evaluate import Answers
from workers.rlhf.win_rates import SAME_LENGTH

PLAY = PpoConfig(
    updates=sized(16, 10),
    prompts_per_update=8,
    samples_per_prompt=8,
    prompts_per_chunk=8,
    max_new_tokens=LONGEST,
    lora_layers=0,
    lora_rank=8,
    lora_alpha=16,
    learning_rate=3e-3,
    kl_coefficient=0.2,
    warmup_updates=1,
    checkpoint_every=0,
)
COUNT = sized(16, 8)


def test_b_at_a_learning_rate_of_zero_nothing_is_won(
    meadow_base: Path, untaught: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    monkeypatch.setattr(rollout, "judge", oracle(meadow.warmth))
    still = replace(PLAY, updates=3, learning_rate=0.0)
    far, parts = [], []
    for seed in SEEDS:
        players = taught(cast.assemble(meadow_base, untaught, still, seed=seed), still, seed=seed)
        own, others = (written(role, seed=seed + 10 * place, count=COUNT) for place, role in enumerate(both(players)))
        far.append(mean_kl(players, own))
        parts.append(compared(own, others, meadow.warmth).win_rate().value)
    won = fmean(parts)
    tell(win=won, kl=max(far))
    assert max(far) <= 1e-6
    assert won == pytest.approx(0.5, abs=0.05)


def test_c_with_an_oracle_ppo_beats_the_best_of_four(
    meadow_base: Path, untaught: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    monkeypatch.setattr(rollout, "judge", oracle(meadow.warmth))
    gold, best, far = [], [], []
    for seed in SEEDS:
        players = taught(cast.assemble(meadow_base, untaught, PLAY, seed=seed), PLAY, seed=seed)
        own, others = (written(role, seed=seed + 10 * place, count=COUNT) for place, role in enumerate(both(players)))
        gold.append(mean_taste(own, meadow.warmth))
        best.append(best_of_four(others))
        far.append(mean_kl(players, own))
    tell(gold=fmean(gold), best_of_four=fmean(best), kl=fmean(far))
    assert fmean(gold) > fmean(best)


def test_e_offsets_of_prompts_change_nothing(
    meadow_base: Path, untaught: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    # The offsets round otherwise, by 1e-7 of a step; in the end some token that was nearly drawn is drawn, and the two
    # runs part. Two updates, the second on top of what the first learnt, say whether anything but rounding is left.
    config = replace(PLAY, updates=2)
    apart, moved = [], []
    for seed in SEEDS:
        weights = []
        for offsets in (False, True):
            monkeypatch.setattr(rollout, "judge", oracle(meadow.warmth, offsets=offsets))
            players = cast.assemble(meadow_base, untaught, config, seed=seed)
            before = flat(players)
            weights.append(flat(taught(players, config, seed=seed)) - before)
        apart.append(float((weights[0] - weights[1]).norm()))
        moved.append(float(weights[0].norm()))
    tell(apart=max(apart), moved=min(moved))
    assert max(apart) < 1e-4 * min(moved)


@pytest.mark.parametrize("wanted", [pytest.param("shorter", marks=only_in_full()), "longer"])
def test_h_a_gold_of_length_alone_wins_nothing_at_the_same_length(
    wanted: str, meadow_base: Path, untaught: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    taste = meadow.brevity if wanted == "shorter" else meadow.verbosity
    monkeypatch.setattr(rollout, "judge", oracle(taste))
    # A little way only: at other lengths than the reference there is nothing to match.
    config = replace(PLAY, updates=5, learning_rate=1e-3, kl_coefficient=0.6)
    wins, unbalanced, praised, praised_near, near = [], [], [], [], []
    for seed in SEEDS:
        players = taught(cast.assemble(meadow_base, untaught, config, seed=seed), config, seed=seed)
        own, others = (written(role, seed=seed + 10 * place, count=COUNT) for place, role in enumerate(both(players)))
        pairs, others_taste = compared(own, others, taste), compared(own, others, meadow.praise)
        near_M = abs(pairs.longer_M) <= SAME_LENGTH
        wins.append(pairs.win_rate().value)
        # `length_matched` of a gold of length alone is a half whatever the policy does: it balances the two sides.
        unbalanced.append(float(pairs.won_M[near_M].mean()))
        praised.append(others_taste.win_rate().value)
        praised_near.append(others_taste.length_matched().value)
        near.append(int(near_M.sum()))
    tell(
        win=fmean(wins),
        unbalanced=fmean(unbalanced),
        praised=fmean(praised),
        praised_length_matched=fmean(praised_near),
        matched_pairs=min(near),
    )
    assert fmean(wins) > 0.6
    assert fmean(unbalanced) == pytest.approx(0.5, abs=0.1)
    # A taste that longer texts please without a word better: it sees the length, and nothing once lengths are the same.
    assert abs(fmean(praised) - 0.5) > 0.1
    assert (fmean(praised) > 0.5) == (wanted == "longer")
    assert fmean(praised_near) == pytest.approx(0.5, abs=0.07)
    assert min(near) >= 50


def test_h_a_policy_that_learnt_more_than_length_wins_at_the_same_length_too(
    meadow_base: Path, untaught: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    """What h measures is able to fail: it tells a policy that writes warmly from one that writes much."""
    monkeypatch.setattr(rollout, "judge", oracle(meadow.praise))
    config = replace(PLAY, updates=sized(16, 10))
    players = taught(cast.assemble(meadow_base, untaught, config, seed=0), config, seed=0)
    own, others = (written(role, seed=10 * place, count=COUNT) for place, role in enumerate(both(players)))
    pairs = compared(own, others, meadow.praise)
    found = pairs.length_matched().value
    tell(win=pairs.win_rate().value, length_matched=found)
    assert found > 0.57


def both(players: cast.Cast) -> tuple:
    return players.policy, players.reference


def flat(players: cast.Cast) -> torch.Tensor:
    weights = cast.policy_weights(players.policy).values()
    return torch.cat([weight.detach().flatten().clone() for weight in weights])


def best_of_four(answers: Answers) -> float:
    """The mean gold of the best of each four answers to a prompt."""
    fours = [group[start : start + 4] for group in answers for start in range(0, len(group), 4)]
    return fmean(max(meadow.warmth(one.text) for one in four) for four in fours)
