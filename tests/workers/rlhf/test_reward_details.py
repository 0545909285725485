"""The details that make a reward model right, each under the number of a list kept since InstructGPT, Appendix C, and
the papers that tried to repeat it. Details of the sampler and of PPO are elsewhere.
"""

from math import log
from pathlib import Path

import pytest
import torch

from tests.workers.rlhf.conftest import ranked_rows
from workers.rlhf import models, reward, reward_report
from workers.rlhf.course import Course, Likelihood
from workers.rlhf.heads import ScoreHead
from workers.rlhf.models import LanguageModel
from workers.rlhf.pairs import pair_batch, ranked_prompt
from workers.rlhf.prefix import dialogues, prompt_positions, reply_positions, shared
from workers.rlhf.reward import Reader, RewardModel
from workers.rlhf.reward_configs import RewardConfig

QUICK = {"lora_layers": 1, "lora_rank": 4, "minimum_steps": 1}


@pytest.fixture
def built(tiny_base: Path) -> tuple[RewardModel, Reader, RewardConfig]:
    config = RewardConfig(**QUICK)
    model = models.load_base(tiny_base)
    return RewardModel(model, config, tie_rate=0.0, seed=1), Reader(model, config), config


def prompts_of(**more):
    return [ranked_prompt(row) for row in ranked_rows(**more)]


def test_01_all_pairs_of_a_prompt_are_in_one_step_and_each_completion_is_run_once(built, monkeypatch) -> None:
    trained, reader, config = built
    rows = []
    whole = RewardModel.raw_members
    monkeypatch.setattr(
        RewardModel, "raw_members", lambda self, batch: rows.append(len(batch.reply)) or whole(self, batch)
    )
    course = Course.of(prompts_of(prompts=3, held_out=0), config, seed=0)
    list(reward.train(trained, reader, course, reward.training_of(trained, config), seed=0))
    assert sum(rows) == 3 * 4
    assert len(pair_batch(course.prompts).first_M) == 3 * 6


def test_02_a_batch_counts_prompts_not_pairs() -> None:
    config = RewardConfig(prompts_per_step=3, minimum_steps=1)
    two, four = prompts_of(), prompts_of()
    for prompt in two:
        object.__setattr__(prompt, "pairs", prompt.pairs[:1])
    assert [len(step) for step in reward.batches(two, config, 0)] == [len(s) for s in reward.batches(four, config, 0)]


def test_03_every_prompt_weighs_the_same_however_many_pairs_it_has() -> None:
    four, two = prompts_of(prompts=2, held_out=0)
    object.__setattr__(two, "pairs", two.pairs[:1])
    batch = pair_batch([four, two])
    assert batch.weight_M[:6].sum() == pytest.approx(batch.weight_M[6:].sum())


def test_04_a_dropped_tie_drops_the_pair_not_the_ranking() -> None:
    config = RewardConfig(ties="drop")
    course = Course.of(prompts_of(prompts=1, held_out=0, ranks=[1, 1, 2, 3]), config, seed=0)
    loss = course.loss(Likelihood(config, tie_rate=0.0), torch.zeros(4, 1), course.prompts)
    assert float(loss.detach()) == pytest.approx(5 / 6 * log(2))


def test_05_one_pass_is_the_default_and_more_are_counted() -> None:
    assert RewardConfig().epochs == 1
    many = [ranked_prompt(row | {"prompt_id": n}) for n in range(20) for row in ranked_rows(prompts=8, held_out=0)]
    course = Course.of(many, RewardConfig(), seed=0)
    assert reward_report.exposures(course, seed=0) == {"most": 1, "least": 1, "mean": 1.0}
    few = Course.of(many[:8], RewardConfig(minimum_steps=12), seed=0)
    assert reward_report.exposures(few, seed=0)["mean"] == 12


def test_06_the_score_is_read_at_the_last_token_by_length_not_by_what_stands_there(tiny: LanguageModel) -> None:
    pad = tiny.chat.pad_id
    # The last real token is the pad token itself: only the length says that it is real.
    batch = dialogues([[20, 21]], [[[30, pad], [31, 32, 33, 34]]], pad)
    alone = tiny.backbone(input_ids=torch.tensor([[20, 21, 30, pad]])).last_hidden_state[0, -1]
    torch.testing.assert_close(shared(tiny.backbone, batch).last(batch.reply_mask_NR)[0], alone, atol=1e-5, rtol=1e-4)


def test_07_every_completion_ends_with_the_stop_token_even_when_cut(built) -> None:
    _, reader, _ = built
    stop = reader.model.chat.stop_id
    short = Reader(reader.model, RewardConfig(**QUICK, max_completion_tokens=3))
    for one in (reader, short):
        batch = one.tokens(prompts_of()[0])
        last = batch.reply_mask_NR.sum(dim=1) - 1
        assert batch.reply[torch.arange(4), last].tolist() == [stop] * 4


def test_08_padding_is_never_the_stop_token(tiny: LanguageModel) -> None:
    assert tiny.chat.pad_id != tiny.chat.stop_id


def test_09_positions_count_real_tokens_whatever_the_padding(tiny: LanguageModel) -> None:
    batch = dialogues([[20, 21, 22], [23]], [[[30, 31]], [[32]]], 0)
    assert prompt_positions(batch.prompt_mask_BP).tolist() == [[0, 1, 2], [0, 0, 0]]
    assert reply_positions(batch).tolist() == [[3, 4], [1, 2]]


def test_10_the_head_starts_at_variance_one_over_width_plus_one() -> None:
    torch.manual_seed(0)
    assert float(ScoreHead(10_000).weight.detach().var()) == pytest.approx(1 / 10_001, rel=0.05)


def test_11_and_12_scores_have_mean_zero_and_deviation_one_after_every_training(built) -> None:
    trained, reader, config = built
    prompts = prompts_of()
    for offset in (0.0, 3.0):
        with torch.no_grad():
            trained.head.weight += offset / 100
        reward_report.settle(trained, reader, prompts, config)
        scored = [
            trained.head.gain * s.raw_N + trained.head.bias for s in reward_report.score(trained, reader, prompts)
        ]
        assert float(torch.cat(scored).mean()) == pytest.approx(0, abs=1e-4)
        assert float(torch.stack(scored).var(dim=1).mean()) == pytest.approx(1, rel=1e-3)


def test_13_nothing_is_dropped_out(built) -> None:
    trained, reader, _ = built
    batch = reader.read(prompts_of()[:1])
    assert torch.equal(trained.raw_scores(batch), trained.raw_scores(batch))
    assert not any(part.training and isinstance(part, torch.nn.Dropout) and part.p for part in trained.modules())


def test_14_only_the_last_token_is_scored(built) -> None:
    trained, reader, _ = built
    states = trained.role.states(reader.read(prompts_of()[:1]))
    states.reply_NRd.retain_grad()
    mask = reader.read(prompts_of()[:1]).reply_mask_NR
    trained.head.raw(states.last(mask)).sum().backward()
    touched = states.reply_NRd.grad.abs().sum(dim=2) > 0
    assert touched.sum(dim=1).tolist() == [1] * 4
    assert torch.equal(touched.long().argmax(dim=1), mask.sum(dim=1) - 1)


def test_15_scores_and_losses_are_fp32_on_a_bf16_model() -> None:
    score = ScoreHead(64).raw(torch.randn(4, 64, dtype=torch.bfloat16))
    assert score.dtype == torch.float32
    config = RewardConfig()
    course = Course.of(prompts_of(prompts=1, held_out=0), config, seed=0)
    assert course.loss(Likelihood(config, tie_rate=0.0), score[:, None], course.prompts).dtype == torch.float32


def test_16_equal_scores_are_half_right_and_figures_come_by_part(built) -> None:
    trained, reader, config = built
    with torch.no_grad():
        trained.head.weight.zero_()
    metrics, report = reward_report.settle(trained, reader, prompts_of(), config)
    assert metrics["accuracy/held_out"] == 0.5
    assert report["judged"]["parts"]["tiers_apart"]
    assert "error_of_a_perfect_model" in report["judged"]["calibration"]
