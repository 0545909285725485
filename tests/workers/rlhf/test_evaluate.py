"""Evaluations of a tiny policy: what they measure, who may judge, and what they leave behind."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.tiny_model import EXCHANGES
from tests.workers.rlhf.conftest import write_job
from workers.rlhf import evaluate, evaluate_run, judged_prompts, models
from workers.rlhf.artifacts import Description, artifact_sha256, describe, read_description, seal, verify
from workers.rlhf.cli import main
from workers.rlhf.data import BadDataError
from workers.rlhf.evaluate_configs import EvaluateConfig
from workers.rlhf.heads import ScoreHead, save_head
from workers.rlhf.job import Event, open_job
from workers.rlhf.launch import launch
from workers.rlhf.models import Role

QUICK = {"prompts": 6, "samples_per_prompt": 2, "max_new_tokens": 8, "prompts_per_chunk": 4, "text_tokens": 64}


def save_adapter(
    base: Path, folder: Path, *, kind: str, size: float, seed: int = 5, asks: str | None = None, **said: object
) -> Path:
    """A LoRA artifact so far away from its base, with judgments of these prompts behind it if that is known; a reward
    model has a head of two members."""
    folder.mkdir()
    model = models.load_base(base)
    with models.fresh_seed(seed):
        models.add_adapter(model, kind, rank=2, alpha=4, layers=1)
        for weight in model.parameters_of(kind):
            torch.nn.init.normal_(weight, std=size)
        if kind == "reward":
            save_head(ScoreHead(model.width, 2), folder)
    models.save_adapter(model, kind, folder)
    if asks is not None:
        judged_prompts.write_judged(folder, [[{"role": "user", "content": ask}] for ask in asks])
    describe(folder, Description(kind=kind, base_sha256=model.base_sha256, adapter=True, **said))
    seal(folder)
    (folder / "base").symlink_to(base)
    return folder


@pytest.fixture(scope="module")
def folders(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A policy that was trained with one reward model, and another one that had no part in it."""
    home = tmp_path_factory.mktemp("models")
    proxy = save_adapter(tiny_base, home / "proxy", kind="reward", size=0.1, asks="ab")
    judge = save_adapter(tiny_base, home / "judge", kind="reward", size=0.1, seed=6, asks="xyz")
    behind = [artifact_sha256(proxy)]
    policy = save_adapter(tiny_base, home / "policy", kind="policy", size=0.15, asks="ab", rewarded_by=behind)
    unknown = save_adapter(tiny_base, home / "unknown", kind="policy", size=0.15)
    return {"reference": tiny_base, "policy": policy, "judge": judge, "proxy": proxy, "unknown": unknown}


def prompts(split: str = "test") -> list[dict]:
    return [
        {"prompt_id": place, "split": split, "messages": [{"role": "user", "content": ask}]}
        for place, (ask, _) in enumerate(EXCHANGES)
    ]


def evaluated(folder: Path, roles: dict[str, Path], rows: list[dict] | None = None, **config: object) -> list[Event]:
    events: list[Event] = []
    job = write_job(folder, "evaluate", prompts() if rows is None else rows, roles, config=QUICK | config)
    launch(open_job(job, events.append))
    return events


def asked(role: Role) -> list[evaluate.Asked]:
    chat = role.model.chat
    return [
        evaluate.Asked(row["prompt_id"], row["messages"], chat.prompt(row["messages"], 64).ids) for row in prompts()
    ]


def test_kl_is_the_whole_distributions_and_counts_the_stop_token(folders: dict[str, Path]) -> None:
    roles = evaluate.load_writers({name: folders[name] for name in ("policy", "reference")})
    assert roles["policy"].model is roles["reference"].model
    config = EvaluateConfig(**QUICK | {"temperature": 0.8})
    (said, *_) = evaluate.write(roles["policy"], asked(roles["policy"])[:3], config, seed=1)
    got = evaluate.distances(roles["policy"], roles["reference"], asked(roles["policy"])[:3], said, 0.8)
    pairs = zip(asked(roles["policy"])[:3], said, strict=True)
    for row, (one, entry) in enumerate((one, entry) for one, group in pairs for entry in group):
        ids = [*one.ids, *entry.completion.ids]
        logprobs = []
        for role in roles.values():
            role.model.activate(role.adapter)
            with torch.no_grad():
                hidden = role.model.backbone(input_ids=torch.tensor([ids])).last_hidden_state[0]
            logprobs.append(torch.log_softmax(role.model.vocabulary_head(hidden).double() / 0.8, dim=-1))
        p, q = (part[len(one.ids) - 1 : -1] for part in logprobs)
        assert len(p) == entry.tokens
        assert float(got[row]) == pytest.approx(float((p.exp() * (p - q)).sum()), abs=1e-4)
    # Both kinds of ends are there: the stop token counts, and what was cut is kept.
    assert {entry.completion.stopped for group in said for entry in group} == {True, False}


def test_a_model_is_no_way_from_itself(folders: dict[str, Path], tmp_path: Path) -> None:
    events = evaluated(tmp_path / "a", {"policy": folders["reference"], "reference": folders["reference"]})
    metrics = events[-1]["metrics"]
    assert metrics["kl/policy"] == pytest.approx(0, abs=1e-6)
    texts = [one["completion"] for one in events if one["type"] == "sample"]
    # Both draw numbers of their own: else a comparison of equal models would be of nothing.
    assert texts[::2] != texts[1::2]


def test_a_policy_is_judged_by_the_stop_strings_that_it_was_trained_with(tiny_base: Path, tmp_path: Path) -> None:
    trained = {"stop_strings": "a|e"}
    policy = save_adapter(tiny_base, tmp_path / "policy", kind="policy", size=0.15, config=trained, rewarded_by=[])
    roles = {"policy": policy, "reference": tiny_base}
    texts = {}
    for name, config in (("trained", {}), ("named", {"stop_strings": "o"}), ("none", {"stop_strings": "|"})):
        told = evaluated(tmp_path / name, roles, max_new_tokens=24, **config)[-1]["report"]
        texts[name] = "".join(line.read_text() for line in (tmp_path / name).rglob("completions.jsonl"))
        rows = [json.loads(line) for line in texts[name].splitlines()]
        # The reference ends by them too: else the two would not have answered by one rule.
        endless = [row["text"] for row in rows if set("ae") & set(row["text"])]
        assert bool(endless) is (name != "trained"), name
        assert told["lineage"]["config"]["stop_strings"] == {"trained": "a|e", "named": "o", "none": "|"}[name]
    ended = [json.loads(line)["stopped"] for line in texts["trained"].splitlines()]
    assert sum(ended) > len(ended) / 2, "what such a string ended was not cut"


def test_an_evaluation_tells_who_may_judge(folders: dict[str, Path], tmp_path: Path) -> None:
    roles = {name: folders[name] for name in ("policy", "reference", "judge", "proxy")}
    events = evaluated(tmp_path / "a", roles)
    told = events[-1]["report"]
    assert [(one["name"], one["standing"]) for one in told["judges"]] == [("judge", "judge"), ("proxy", "proxy")]
    assert "trained or chosen with it" in told["judges"][1]["why"]
    assert {(row["against"], row["standing"]) for row in told["comparisons"]} == {
        ("reference", "judge"),
        ("reference", "proxy"),
    }
    swapped = evaluated(tmp_path / "b", roles | {"judge": folders["proxy"]})[-1]["report"]
    assert [one["standing"] for one in swapped["judges"]] == ["proxy", "proxy"]
    unknown = evaluated(tmp_path / "c", roles | {"policy": folders["unknown"]})[-1]["report"]
    assert unknown["judges"][0]["standing"] == "proxy"
    assert "nobody wrote down" in unknown["judges"][0]["why"]


def test_a_judge_that_learnt_from_the_policys_judgments_is_a_proxy(tiny_base: Path, tmp_path: Path) -> None:
    """A DPO policy names no reward model: only the prompts tell, and the larger file that the judge read has another
    hash than the policy's."""
    folders = {}
    for name, kind, asks in (
        ("policy", "policy", "ab"),
        ("grown", "reward", "abc"),
        ("apart", "reward", "xyz"),
        ("old", "reward", None),
    ):
        folders[name] = tmp_path / name
        folders[name].mkdir()
        if asks is not None:
            learnt_from = [[{"role": "user", "content": ask}] for ask in asks]
            judged_prompts.write_judged(folders[name], learnt_from, tiny_base)
        describe(folders[name], Description(kind=kind, rewarded_by=[], metrics={"name": name}))
        seal(folders[name])
    writers = {"policy": folders["policy"], "reference": tiny_base}
    found = {name: evaluate_run.standing("judge", folders[name], writers) for name in ("grown", "apart", "old")}
    assert {name: one.standing for name, one in found.items()} == {"grown": "proxy", "apart": "judge", "old": "proxy"}
    assert found["grown"].why == "trained on judgments of 2 of the prompts whose judgments are behind policy"
    assert found["old"].why == "it is not known whether it learnt from judgments behind policy"
    # No judgment is behind a base, so any reward model may judge it.
    assert evaluate_run.standing("judge", folders["old"], {"policy": tiny_base}).standing == "judge"


def test_what_the_service_knows_of_judgments_in_common_decides(folders: dict[str, Path], tmp_path: Path) -> None:
    roles = {"policy": folders["reference"], "reference": folders["reference"], "judge": folders["judge"]}
    for name, count, standing in (("shared", 7, "proxy"), ("apart", 0, "judge"), ("unknown", None, "proxy")):
        job = write_job(tmp_path / name, "evaluate", prompts()[:1], roles, config=QUICK)
        content = json.loads((job / "config.json").read_text())
        content["shared"] = {"judge": {"policy": count, "reference": 0}}
        (job / "config.json").write_text(json.dumps(content))
        events: list[Event] = []
        launch(open_job(job, events.append))
        (told,) = events[-1]["report"]["judges"]
        assert told["standing"] == standing
        assert count != 7 or told["why"] == "trained on 7 of the judgments behind policy"


def test_what_was_judged_goes_from_model_to_model(tiny_base: Path, tmp_path: Path) -> None:
    ask = [{"role": "user", "content": "Why?"}]
    reward, policy, lost = (tmp_path / name for name in ("reward", "policy", "lost"))
    for folder, before in ((reward, [tiny_base]), (policy, [tiny_base, reward])):
        folder.mkdir()
        judged_prompts.write_judged(folder, [ask] if folder is reward else [], *before)
    assert judged_prompts.judged_behind(policy) == {judged_prompts.fingerprint(ask)}
    lost.mkdir()
    describe(lost, Description(kind="reward"))
    (tmp_path / "next").mkdir()
    judged_prompts.write_judged(tmp_path / "next", [ask], lost)
    assert not (tmp_path / "next" / judged_prompts.FILE).exists()


def test_two_proxies_have_figures_and_curves_of_their_own(folders: dict[str, Path], tmp_path: Path) -> None:
    roles = {"policy": folders["unknown"], "reference": folders["reference"]}
    alone = evaluated(tmp_path / "a", roles | {"judge": folders["judge"]})[-1]
    both = evaluated(tmp_path / "b", roles | {"judge": folders["judge"], "proxy": folders["proxy"]})[-1]
    told = both["report"]
    assert [one["standing"] for one in told["judges"]] == ["proxy", "proxy"]
    won = {row["judge"]: row["win_rate"]["value"] for row in told["comparisons"]}
    assert both["metrics"]["win_rate/proxy/reference"] == won["proxy"]
    assert both["metrics"]["win_rate/proxy/judge/reference"] == won["judge"]
    for point, lone in zip(told["curve"], alone["report"]["curve"], strict=True):
        means = {name: seen["mean"] for name, seen in point["seen"].items()}
        assert means == {name: told["models"][point["model"]]["scores"][name]["value"] for name in ("judge", "proxy")}
        assert (point["judge"], point["proxy"]) == (None, point["seen"]["proxy"])
        # A second proxy changes nothing of what the first one thinks.
        assert point["seen"]["judge"] == lone["seen"]["judge"] == lone["proxy"]


def test_an_evaluation_leaves_a_report_a_card_and_all_completions(folders: dict[str, Path], tmp_path: Path) -> None:
    job = tmp_path / "a"
    job.mkdir()
    (job / "pretrain.txt").write_text(" ".join(answer for _, answer in EXCHANGES))
    (job / "flags.txt").write_text("water: sea|river\n")
    roles = {name: folders[name] for name in ("policy", "reference", "judge")} | {"rival_1": folders["unknown"]}
    events = evaluated(job, roles, flags="trees: tree")
    out = job / "out"
    assert events[-1]["sha256"] == verify(out)
    assert read_description(out).kind == "evaluation"
    told = json.loads((out / "report.json").read_text())
    assert told == json.loads(json.dumps(events[-1]["report"]))
    rows = [json.loads(line) for line in (out / "completions.jsonl").read_text().splitlines()]
    assert len(rows) == 3 * 6 * 2
    policy = told["models"]["policy"]
    mean = sum(row["kl"] for row in rows if row["model"] == "policy") / 12
    assert policy["kl"]["value"] == pytest.approx(mean)
    assert policy["kl"]["standard_error"] > 0
    tokens = sum(row["tokens"] for row in rows if row["model"] == "policy")
    assert policy["kl"]["per_token"] == pytest.approx(12 * mean / tokens)
    assert told["models"]["reference"]["kl"] is None
    assert told["forgetting"][0]["perplexity"]["policy"] > told["forgetting"][0]["perplexity"]["reference"] > 1
    assert told["forgetting"][0]["nats_more_than_reference"]["policy"] > 0
    assert set(policy["flags"]) == {"water", "trees"}
    assert [row["prompt"] for row in told["samples"]] == [ask for ask, _ in EXCHANGES[:6]]
    curve = told["curve"]
    assert curve[0]["model"] == "reference"
    assert [point["sqrt_kl"] ** 2 for point in curve] == pytest.approx([point["kl"] for point in curve])
    card = (out / "README.md").read_text()
    assert "rival_1" in card
    assert artifact_sha256(folders["judge"]) in card


def test_the_same_evaluation_again_is_the_same(folders: dict[str, Path], tmp_path: Path) -> None:
    roles = {name: folders[name] for name in ("policy", "reference")}
    once, again = (evaluated(tmp_path / name, roles)[-1] for name in "ab")
    assert once["sha256"] == again["sha256"]


def test_prompts_of_the_train_split_are_not_asked(folders: dict[str, Path], tmp_path: Path) -> None:
    roles = {name: folders[name] for name in ("policy", "reference")}
    rows = [*prompts("train"), *({**row, "prompt_id": 90 + row["prompt_id"]} for row in prompts("validation")[:2])]
    assert evaluated(tmp_path / "a", roles, rows)[-1]["report"]["prompts"] == 2
    with pytest.raises(BadDataError, match="no held-out prompt"):
        evaluated(tmp_path / "b", roles, prompts("train"))


def test_a_better_policy_is_seen_by_its_judge(folders: dict[str, Path]) -> None:
    (role,) = evaluate.load_writers({"policy": folders["reference"]}).values()
    config = replace(EvaluateConfig(**QUICK), prompts_per_chunk=8)
    (own,), (others,) = (list(evaluate.write(role, asked(role), config, seed=seed)) for seed in (1, 2))
    for group in own:
        for one in group:
            one.scores["judge"] = 1.0
    for group in others:
        for one in group:
            one.scores["judge"] = 0.0
    reader = evaluate_run.Reader("judge", "x", "judge", "")
    found = evaluate_run.Evaluation(
        config=config, asked=asked(role), writings={"policy": own, "reference": others}, readers=[reader], flags={}
    )
    (row,) = evaluate_run.evaluation_report.report(found)["comparisons"]
    assert row["win_rate"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert row["verdict"] == "better"


def test_by_hand(folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "prompts.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in prompts()))
    words = ["evaluate", "--model", str(folders["policy"]), "--judge", str(folders["judge"]), "--data", str(data)]
    quick = [word for name, value in QUICK.items() for word in ("--set", f"{name}={value}")]
    assert main([*words, "--out", str(tmp_path / "out"), "--quiet", *quick]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert 0 <= told["win_rate/judge/reference"] <= 1
    assert told["kl/policy"] > 0
    assert (tmp_path / "out" / "out" / "README.md").is_file()
    words[2] = str(folders["reference"])
    assert main([*words, "--out", str(tmp_path / "other"), "--quiet"]) == 1
    assert "--reference is needed" in capsys.readouterr().err
