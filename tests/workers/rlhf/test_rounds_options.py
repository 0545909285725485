"""What PPO, RLOO and GRPO can do alike: strings that end a completion, doubts of an ensemble, text and averaging."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch

from tests.tiny_model import EXCHANGES
from tests.workers.rlhf.conftest import write_job
from tests.workers.rlhf.players import answered, credited, played
from tests.workers.rlhf.test_alternatives import ROUND
from tests.workers.rlhf.test_ppo import SMALL, ask, save_reward
from workers.rlhf import cast, checkpoints, compare, models, rollout, rounds, sample
from workers.rlhf.artifacts import seal
from workers.rlhf.averaging import KEPT, settle
from workers.rlhf.by_hand import OtherRunError, check_same, known_settings
from workers.rlhf.cast import Cast
from workers.rlhf.checkpoints import Training
from workers.rlhf.configs import SampleConfig
from workers.rlhf.drawing import Sampling, listed
from workers.rlhf.heads import ScoreHead, save_head, spread
from workers.rlhf.job import Event, open_job
from workers.rlhf.launch import launch
from workers.rlhf.mixing import Mix, mix_of
from workers.rlhf.packing import Row
from workers.rlhf.policy_configs import GrpoConfig, Online, RlooConfig


@pytest.fixture(scope="module")
def reward_folder(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_reward(tiny_base, tmp_path_factory.mktemp("reward") / "artifact")


@pytest.fixture(scope="module")
def several(reward_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    for path in reward_folder.iterdir():
        if path.name not in {"score_head.safetensors", "MANIFEST.json"}:
            (folder / path.name).symlink_to(path.resolve())
    with models.fresh_seed(9):
        save_head(ScoreHead(64, members=3), folder)
    seal(folder)
    return folder


# Strings that end a completion


def test_stop_strings_are_listed_with_bars_between() -> None:
    assert listed("") == ()
    assert listed(" User: | \\n\\n|") == ("User:", "\n\n")


def test_a_completion_that_a_stop_string_ends_is_not_cut_and_pays_no_penalty(
    tiny_base: Path, reward_folder: Path
) -> None:
    config = replace(SMALL, missing_stop_penalty=0.5, max_new_tokens=16, stop_strings="a|e")
    players = played(tiny_base, reward_folder, config)
    answers = answered(players, config)
    by_string = torch.tensor([done.stop_string is not None and not done.stopped for done in answers.completions])
    assert bool(by_string.any())
    zero_N = torch.zeros(len(answers.completions))
    assert bool((rollout.paid(zero_N, answers, config)[by_string] == 0).all())
    seen = rollout.look(players, answers, config)
    ended = sum(done.ended for done in answers.completions) / len(answers.completions)
    assert rounds.describe(seen, 0.3)["response/stopped"] == pytest.approx(ended)
    # What was written is learnt: its last token is an action, and the reward model reads a stop token behind it.
    row = int(by_string.nonzero()[0, 0])
    assert int(seen.mask_NR[row].sum()) == len(answers.completions[row].ids)
    last = answers.batch.reply[row][answers.batch.reply_mask_NR[row]][-1]
    assert int(last) == players.policy.model.chat.stop_id
    # Without the setting the same completions run on, and those that are cut pay.
    plain = replace(config, stop_strings="")
    onward = answered(players, plain)
    assert len(onward.completions[row].ids) > len(answers.completions[row].ids)
    cut = ~onward.stopped_N
    assert bool((rollout.paid(zero_N, onward, plain)[cut] == -0.5).all())
    assert bool(cut.any())


def test_a_sample_run_ends_texts_before_its_stop_strings(tiny_base: Path) -> None:
    config = SampleConfig(stop_strings="a|e", max_new_tokens=16, temperature=1.0)
    said = [[{"role": "user", "content": EXCHANGES[place][0]}] for place in range(4)]
    rows = [{"prompt_id": place, "messages": messages} for place, messages in enumerate(said)]
    written: list[sample.Written] = []
    requests = sample.requests_of(rows, config)
    list(sample.write({"policy": tiny_base}, requests, config, written.append, seed=3))
    assert len(written) == 16
    ended = [one for one in written if one.completion.stop_string is not None]
    assert ended
    assert all(one.finish_reason == "stop" for one in ended)
    assert not any(letter in one.text for one in written for letter in "ae")
    cut = [one for one in written if not one.completion.ended]
    assert all(one.finish_reason == "length" and one.completion.stop_string is None for one in cut)


def test_a_sample_run_counts_what_a_stop_string_ended_as_ended(tiny_base: Path, tmp_path: Path) -> None:
    asked = [{"prompt_id": 1, "messages": [{"role": "user", "content": "Hi"}]}]
    # Every completion of more than a few tokens has one of these.
    config = {"stop_strings": "a|e|i|o|u|s|t", "max_new_tokens": 64}
    events: list[Event] = []
    launch(
        open_job(write_job(tmp_path / "sample", "sample", asked, {"policy": tiny_base}, config=config), events.append)
    )
    said = [event["finish_reason"] for event in events if event["type"] == "completion"]
    told = next(event for event in events if event["type"] == "result")["metrics"]["response/stopped"]
    assert told == said.count("stop") / len(said) > 0


def test_the_penalties_of_a_sample_run_reach_the_sampler(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Sampling] = []

    def hear(*words: object, **_: object) -> int:
        heard.extend(word for word in words if isinstance(word, Sampling))
        return 0

    monkeypatch.setattr(sample, "write_batch", hear)
    config = SampleConfig(presence_penalty=0.5, frequency_penalty=-0.25, stop_strings="x")
    rows = [{"prompt_id": 1, "messages": [{"role": "user", "content": "Hi"}]}]
    list(sample.write({"policy": tiny_base}, sample.requests_of(rows, config), config, lambda _: None, seed=0))
    assert [(plan.presence_penalty, plan.frequency_penalty, plan.stop_strings) for plan in heard] == [
        (0.5, -0.25, ("x",))
    ]


# Doubts of an ensemble


def test_how_far_an_ensemble_disagrees_is_told_at_every_update(
    tiny_base: Path, several: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    players = played(tiny_base, several, SMALL)
    passes = []
    plain = rollout.passes

    def counted(role: object, *rest: object, **more: object) -> object:
        passes.append(role is players.judge[0])
        return plain(role, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(rollout, "passes", counted)
    seen = credited(players, SMALL, fit=True)
    assert sum(passes) == 1
    (reward, head), batch = players.judge, seen.answers.batch
    reward.model.activate("reward")
    score_NH = []
    for row, owner in enumerate(batch.owner_N.tolist()):
        ids = ask(players)[owner].ids + batch.reply[row][batch.reply_mask_NR[row]].tolist()
        with torch.no_grad():
            hidden_1d = reward.model.backbone(input_ids=torch.tensor([ids])).last_hidden_state[:, -1]
        score_NH.append(head.members(hidden_1d)[0])
    by_hand = [value for group in torch.stack(score_NH).split(3) for value in spread(group).tolist()]
    told = rounds.describe(seen, 0.3)["objective/score_spread"]
    assert told == pytest.approx(sum(by_hand) / len(by_hand), rel=1e-4)
    assert told > 0


def test_one_judge_alone_has_no_disagreement(tiny_base: Path, reward_folder: Path) -> None:
    players = played(tiny_base, reward_folder, SMALL)
    assert "objective/score_spread" not in rounds.describe(credited(players, SMALL, fit=True), 0.3)


# Text and averaging without values


def mixed(players: Cast, config: Online) -> Mix:
    chat = players.policy.model.chat
    rows = []
    for said, reply in EXCHANGES:
        prompt = chat.prompt([{"role": "user", "content": said}], 64).ids
        ids = chat.completion(reply, 64).ids
        rows.append(Row([*prompt, *ids], [False] * len(prompt) + [True] * len(ids)))
    return mix_of(players.policy, config, seed=5, text=None, texts=rows)


@pytest.mark.parametrize("kind", [RlooConfig, GrpoConfig])
def test_text_and_averaging_are_there_without_values_too_and_resume_to_the_last_bit(
    tiny_base: Path, reward_folder: Path, tmp_path: Path, kind: type[Online]
) -> None:
    config = kind(**ROUND, pretrain_weight=0.7, pretrain_rows=3, ema=0.5)

    def start() -> tuple[Cast, Training]:
        players = cast.assemble(tiny_base, reward_folder, config, seed=1)
        return players, compare.training_of(players, config)

    def steps(players: Cast, training: Training, done: int = 0) -> object:
        return compare.train(players, ask(players), config, training, seed=1, done=done, mix=mixed(players, config))

    straight, whole = start()
    told = [step.metrics for step in steps(straight, whole)]  # type: ignore[attr-defined]
    assert all(numbers["gradient_norm/pretraining"] > 0 for numbers in told)
    first, half = start()
    list(islice(steps(first, half), 2))  # type: ignore[call-overload]
    saved = checkpoints.save(tmp_path, 2, half)
    second, resumed = start()
    again = steps(second, resumed, checkpoints.load(saved.path, resumed))
    assert [step.metrics for step in again] == told[2:]  # type: ignore[attr-defined]
    last = {name: weight.detach().clone() for name, weight in second.trained().items()}
    settle(resumed)
    settle(whole)
    moved = False
    for name, weight in second.trained().items():
        assert torch.equal(weight, straight.trained()[name])
        if KEPT + name in resumed.kept:
            moved |= not torch.equal(weight, last[name])
    # The average is not where the policy ended.
    assert moved


# Settings that came up since


def test_a_run_goes_on_after_a_setting_was_added_and_not_with_another_value_of_it() -> None:
    before = {"kind": "rloo", "seed": 1, "settings": {"updates": 3}}
    known = known_settings(before)
    assert known["settings"]["updates"] == 3
    assert known["settings"]["stop_strings"] == ""
    check_same(known, {**before, "settings": known["settings"]}, Path("run"))
    with pytest.raises(OtherRunError, match="stop_strings was '', is 'x'"):
        check_same(known, {**before, "settings": known["settings"] | {"stop_strings": "x"}}, Path("run"))
    assert known_settings({"kind": "gone"}) == {"kind": "gone"}
