"""Where a reward model's score is read: at the stop token, or as the mean over a completion's tokens."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import softplus

from tests.tiny_model import EXCHANGES
from tests.workers.rlhf.conftest import ANSWERS, ranked_rows, write_job
from tests.workers.rlhf.test_ppo import SMALL, ask
from tests.workers.rlhf.test_reward import QUICK, train
from tests.workers.rlhf.test_score import lines, ours
from workers.rlhf import cast, credit, models, reward_report, rollout
from workers.rlhf.artifacts import BadArtifactError, Description, describe, read_description, seal
from workers.rlhf.beside_live import read_by
from workers.rlhf.by_hand import Asked, has_classifier
from workers.rlhf.cli import main
from workers.rlhf.export import export_classifier
from workers.rlhf.heads import HEAD_WEIGHTS, READS_MEAN, Read, ScoreHead, load_head, save_head
from workers.rlhf.job import open_job
from workers.rlhf.launch import launch
from workers.rlhf.models import LanguageModel
from workers.rlhf.pairs import ranked_prompt
from workers.rlhf.policy_configs import PpoConfig
from workers.rlhf.prefix import States
from workers.rlhf.reward import Reader
from workers.rlhf.reward_card import PIPELINE, READINGS
from workers.rlhf.reward_configs import RewardConfig
from workers.rlhf.reward_run import NO_CLASSIFIER
from workers.rlhf.score import load_judge

MESSAGES = [{"role": "user", "content": EXCHANGES[0][0]}]
BRIEF = replace(SMALL, max_new_tokens=6)


@pytest.fixture(scope="module")
def told() -> list[dict[str, Any]]:
    """What the run that made `by_mean` has said."""
    return []


@pytest.fixture(scope="module")
def by_mean(tiny_base: Path, told: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mean") / "run"
    config = QUICK | {"read": "mean", "heads": 2}
    launch(open_job(write_job(folder, "reward", ranked_rows(), {"base": tiny_base}, config=config), told.append))
    (folder / "out" / "base").symlink_to(tiny_base)
    return folder / "out"


def states_of(reply_NRd: Tensor) -> States:
    return States(torch.zeros(1, 1, reply_NRd.size(-1)), reply_NRd)


@pytest.mark.parametrize("members", [1, 3])
def test_the_score_of_the_mean_is_the_mean_of_the_scores_and_padding_is_never_read(members: int) -> None:
    mask_NR = torch.tensor([[True, True, True, False], [True, False, False, False]])
    reply_NRd = torch.randn(2, 4, 8, dtype=torch.bfloat16)
    reply_NRd[~mask_NR] = float("nan")
    head = ScoreHead(8, members, read="mean")
    score_N = head(head.read_from(states_of(reply_NRd), mask_NR))
    expected = torch.stack([head(row[mask]).mean() for row, mask in zip(reply_NRd, mask_NR, strict=True)])
    assert score_N.dtype == torch.float32
    torch.testing.assert_close(score_N, expected)


def test_a_gradient_reaches_every_real_token_alike_and_no_other() -> None:
    mask_NR = torch.tensor([[True, True, True, False], [True, True, False, False]])
    reply_NRd = torch.randn(2, 4, 8, requires_grad=True)
    head = ScoreHead(8, read="mean")
    head.raw(head.read_from(states_of(reply_NRd), mask_NR)).sum().backward()
    share_NR = mask_NR / mask_NR.sum(dim=1, keepdim=True)
    torch.testing.assert_close(reply_NRd.grad, share_NR[..., None] * head.weight.detach())


def right_after_few_rankings(read: Read, *, pairs: int = 40, told: int = 400) -> float:
    """Share of new pairs that a head tells where each token's state holds a little of what people like, and noise."""
    torch.manual_seed(1)
    head = ScoreHead(32, read=read)
    taste_d = torch.randn(32) / 32**0.5
    better_N = torch.tensor([1.0, -1.0]).repeat(pairs + told)
    reply_NRd = 0.5 * better_N[:, None, None] * taste_d + torch.randn(len(better_N), 16, 32)
    read_Nd = head.read_from(states_of(reply_NRd), torch.ones(len(better_N), 16, dtype=torch.bool))
    optimizer = torch.optim.Adam([head.weight], lr=0.1)
    for _ in range(50):
        score_N = head.raw(read_Nd[: 2 * pairs])
        optimizer.zero_grad()
        softplus(score_N[1::2] - score_N[::2]).mean().backward()
        optimizer.step()
    score_N = head.raw(read_Nd[2 * pairs :])
    return float((score_N[::2] > score_N[1::2]).float().mean())


def test_from_few_rankings_the_mean_tells_more_pairs_than_one_state() -> None:
    """Noise of one state is all there is at the stop token; the mean over 16 has a quarter of it."""
    assert right_after_few_rankings("stop") < 0.75
    assert right_after_few_rankings("mean") > 0.9


@pytest.mark.parametrize(
    "more",
    [
        {"heads": 2, "ties": "rao_kupper", "annotators": "parameters"},
        {"method": "full", "full_learning_rate": 1e-3, "likelihood": "plackett_luce"},
    ],
    ids=["lora", "full"],
)
def test_it_learns_and_what_is_saved_scores_as_what_was_trained(
    tiny_base: Path, tmp_path: Path, more: dict[str, Any]
) -> None:
    config = RewardConfig(**QUICK | {"read": "mean", "minimum_steps": 15} | more)
    prompts = [ranked_prompt(row) for row in ranked_rows()]
    model, _, metrics, _ = train(tiny_base, prompts, config)
    assert metrics["accuracy/held_out"] == 1.0
    scored = reward_report.score(model, Reader(model.language_model, config), prompts[:1])
    expected = model.head.gain * scored[0].raw_N + model.head.bias
    save_head(model.head, tmp_path)
    models.save_role(model.role, tmp_path)
    adapter = model.role.adapter is not None
    describe(tmp_path, Description(kind="reward", base_sha256=model.language_model.base_sha256, adapter=adapter))
    seal(tmp_path)
    if adapter:
        (tmp_path / "base").symlink_to(tiny_base)
    assert ours(tmp_path) == pytest.approx(expected.tolist(), abs=1e-5)


def test_an_artifact_scores_by_its_own_reading_wherever_it_is_loaded(
    by_mean: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judge, expected = load_judge(by_mean), ours(by_mean)
    assert judge.head.read == "mean"
    # The scale was anchored on these very scores.
    raw = [part.raw_N for part in read_by(judge, RewardConfig(), [ranked_prompt(row) for row in ranked_rows()])]
    scores = [judge.head.gain * part + judge.head.bias for part in raw]
    assert scores[0].tolist() == pytest.approx(expected, abs=1e-5)
    assert float(torch.cat(scores).mean()) == pytest.approx(0, abs=1e-4)
    data = lines(tmp_path / "data.jsonl", {"messages": MESSAGES, "completions": ANSWERS})
    assert main(["score", "--model", str(by_mean), "--data", str(data)]) == 0
    assert json.loads(capsys.readouterr().out)["scores"] == pytest.approx(expected, abs=1e-5)
    # The damage: the same weights read elsewhere.
    at_stop = ScoreHead(judge.model.width, 2)
    at_stop.load_state_dict({name: value for name, value in judge.head.state_dict().items() if name != READS_MEAN})
    other = replace(judge, head=at_stop).members(MESSAGES, ANSWERS).mean(dim=1)
    assert float((other - torch.tensor(expected)).abs().max()) > 0.1


def test_its_reading_is_told_and_a_program_that_knows_of_none_refuses_it(
    by_mean: Path, told: list[dict[str, Any]], tiny: LanguageModel
) -> None:
    assert NO_CLASSIFIER in [event.get("text") for event in told]
    assert read_description(by_mean).config["read"] == "mean"
    assert json.loads((by_mean / "report.json").read_text())["lineage"]["config"]["read"] == "mean"
    card = (by_mean / "README.md").read_text()
    assert f"- score: {READINGS['mean']}" in card
    assert not any(line in card for line in PIPELINE)
    with pytest.raises(RuntimeError, match=READS_MEAN):
        ScoreHead(tiny.width, 2).load_state_dict(load_file(by_mean / HEAD_WEIGHTS))


def test_what_was_saved_before_there_was_a_choice_reads_the_stop_token(tiny: LanguageModel, tmp_path: Path) -> None:
    save_head(ScoreHead(tiny.width), tmp_path)
    assert set(load_file(tmp_path / HEAD_WEIGHTS)) == {"weight", "gain", "bias"}
    save_file({"weight": torch.ones(64), "gain": torch.tensor(1.0), "bias": torch.tensor(0.0)}, tmp_path / HEAD_WEIGHTS)
    assert load_head(tmp_path, tiny).read == "stop"


def test_no_wrong_classifier_is_written(by_mean: Path, tmp_path: Path) -> None:
    with pytest.raises(BadArtifactError, match="mean over all tokens"):
        export_classifier(by_mean, tmp_path / "classifier")
    assert not (tmp_path / "classifier").exists()
    assert not has_classifier(Asked(kind="reward", settings={}, files={}, models={}, out=by_mean.parent))


def token_scores(players: cast.Cast, answers: rollout.Answers, asked: list[int], place: int) -> Tensor:
    """What the reward model's head says at each token of one completion alone, the judge's stop token last."""
    role, head = players.judge
    done = answers.completions[place]
    ids = done.ids if done.stopped else [*done.ids, role.model.chat.stop_id]
    role.model.activate(role.adapter)
    with torch.no_grad():
        hidden_Td = role.model.backbone(input_ids=torch.tensor([[*asked, *ids]])).last_hidden_state[0]
        scores: Tensor = head(hidden_Td[-len(ids) :])
    return scores


def test_a_rollout_is_scored_as_the_reward_model_scores_each_completion_alone(by_mean: Path, tiny_base: Path) -> None:
    """One that was cut, too: the stop token that only the judge reads behind it is one of its tokens."""
    players = cast.assemble(tiny_base, by_mean, BRIEF, seed=1)
    questions = ask(players, 3)
    answers = rollout.answer(players, questions, BRIEF, count=3, seed=(1,))
    assert not all(done.stopped for done in answers.completions)
    alone = [float(token_scores(players, answers, questions[n // 3].ids, n).mean()) for n in range(9)]
    assert rollout.judge(players, answers, BRIEF).tolist() == pytest.approx(alone, abs=1e-4)
    spread_N = rollout.disagreement(players, answers, BRIEF)
    cautious = rollout.judge(players, answers, replace(BRIEF, pessimism=0.5))
    assert cautious.tolist() == pytest.approx((torch.tensor(alone) - 0.5 * spread_N).tolist(), abs=1e-4)


def test_a_critic_starts_as_the_head_at_each_token_whose_mean_is_the_score(by_mean: Path, tiny_base: Path) -> None:
    config: PpoConfig = replace(BRIEF, value="apart")
    players = cast.assemble(tiny_base, by_mean, config, seed=1)
    questions = ask(players, 3)
    answers = rollout.answer(players, questions, config, count=3, seed=(1,))
    value_NR = credit.values_of(players, answers, torch.zeros(9), config)
    score_N = rollout.judge(players, answers, config)
    for place, done in enumerate(answers.completions):
        each = token_scores(players, answers, questions[place // 3].ids, place)
        # The value before a token is what the head says of the one before it.
        count = len(done.ids)
        assert value_NR[place, 1:count].tolist() == pytest.approx(each[: count - 1].tolist(), abs=1e-4)
        assert float(each.mean()) == pytest.approx(float(score_N[place]), abs=1e-4)
