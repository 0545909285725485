"""The look at the data before training: everything that is lost or odd is named, and nothing else is lost."""

import json
from pathlib import Path

import pytest

from tests.tiny_model import tiny_tokenizer
from tests.workers.rlhf.conftest import ranked_rows
from workers.rlhf import preflight
from workers.rlhf.data import Chat, chat_of
from workers.rlhf.groups import components, with_splits
from workers.rlhf.pairs import ranked_prompt
from workers.rlhf.preflight import Preflight
from workers.rlhf.ranking_file import RankingFile, read_rankings
from workers.rlhf.reward_configs import RewardConfig


@pytest.fixture(scope="module")
def chat() -> Chat:
    return chat_of(tiny_tokenizer())


def row(number: int = 0, **more) -> dict:
    """A line of the file format with two completions that one person ranked."""
    return {
        "id": f"p{number}",
        "prompt": f"Question {number}?",
        "completions": [{"text": f"Short {number}."}, {"text": f"A much longer answer to question {number}."}],
        "annotations": [{"annotator": "ann", "ranks": [1, 2]}],
    } | more


def asked(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def read(folder: Path, *lines: object) -> RankingFile:
    path = folder / "rankings.jsonl"
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines), encoding="utf-8")
    return read_rankings(path)


def look(folder: Path, chat: Chat, *lines: object, **config) -> Preflight:
    return preflight.check(read(folder, *lines), chat, RewardConfig(**config))


def test_the_file_format_is_read(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        row(1, split="test", source="here", group="g"),
        "",
        row(2, prompt=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]),
        {key: value for key, value in row(3).items() if key not in {"id", "prompt"}}
        | {"prompt_id": 7, "messages": [{"role": "user", "content": "Hi"}], "split": "train"},
    )
    assert file.lines == 3
    assert file.bad == []
    first, second, third = file.prompts
    assert (first.prompt_id, first.split, first.source, first.group, first.line) == ("p1", "test", "here", "g", 1)
    assert first.messages == [{"role": "user", "content": "Question 1?"}]
    assert [message["role"] for message in second.messages] == ["system", "user"]
    assert (second.split, second.line) == ("", 3)
    assert third.prompt_id == 7
    assert len(file.sha256) == 64


def test_bad_lines_are_named_and_cost_nothing_else(tmp_path: Path, chat: Chat) -> None:
    found = look(
        tmp_path,
        chat,
        row(1, split="train"),
        "{not json",
        "[1, 2]",
        row(2, prompt=None),
        row(3, prompt=[{"role": "user"}]),
        row(4, split="dev"),
        row(5, annotations=[{"annotator": "ann", "ranks": [1]}]),
        row(6, completions=[{"text": "alone"}], annotations=[]),
        row(7, annotations=[{"annotator": "ann", "ranks": [1, 2.5]}]),
        row(8, split="train"),
    )
    assert [prompt.prompt_id for prompt in found.prompts] == ["p1", "p8"]
    bad = found.report["bad_rows"]
    assert bad["count"] == 8
    assert [(entry["line"], entry["prompt"]) for entry in bad["list"]] == [
        (2, None),
        (3, None),
        (4, "p2"),
        (5, "p3"),
        (6, "p4"),
        (7, "p5"),
        (8, "p6"),
        (9, "p7"),
    ]
    assert "is no JSON" in bad["list"][0]["reason"]
    assert "split must be" in bad["list"][4]["reason"]
    assert any("Left out line 8 (prompt p6)" in text for text in found.warnings)


def test_a_conversation_that_the_template_refuses_loses_its_line_alone(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    chat = chat_of(tokenizer)
    plain = tokenizer.chat_template
    tokenizer.chat_template = (
        "{% if 'Question 1' in messages[0]['content'] %}{{ raise_exception('no such question') }}{% endif %}" + plain
    )
    found = look(tmp_path, chat, row(1), row(2))
    assert [prompt.prompt_id for prompt in found.prompts] == ["p2"]
    assert found.report["bad_rows"]["list"][0]["line"] == 1
    assert "no such question" in found.report["bad_rows"]["list"][0]["reason"]


def test_what_cutting_makes_equal_is_dropped_counted_and_named(tmp_path: Path, chat: Chat) -> None:
    alike = [{"text": "Birds sleep in trees, thank you."}, {"text": "Birds sleep in trees at night."}, {"text": "No."}]
    lines = (row(1, completions=alike, annotations=[{"annotator": "a", "ranks": [1, 2, 3]}]), row(2))
    found = look(tmp_path, chat, *lines, max_completion_tokens=4)
    cut = found.report["truncated"]
    assert cut["completions"] >= 2
    assert cut["made_equal"]["pairs"] == 1
    assert cut["made_equal"]["list"] == [{"line": 1, "prompt": "p1", "same_as": [0, 0, 2]}]
    assert len(found.prompts[0].pairs) == 2
    assert any("Cutting makes completions equal" in text and "p1" in text for text in found.warnings)
    whole = look(tmp_path, chat, *lines)
    assert whole.report["truncated"]["made_equal"]["pairs"] == 0
    assert len(whole.prompts[0].pairs) == 3


def test_equal_texts_and_prompts_without_a_comparison_are_counted(tmp_path: Path, chat: Chat) -> None:
    same = [{"text": "Same."}, {"text": "Same."}]
    found = look(tmp_path, chat, row(1, completions=same), row(2, annotations=[]), row(3))
    assert found.report["identical"] == {"pairs": 1, "prompts": 1}
    assert found.report["dropped"]["no_comparison"] == 2
    assert [prompt.prompt_id for prompt in found.prompts] == ["p3"]


def test_ties_alone_are_counted_where_ties_are_dropped(tmp_path: Path, chat: Chat) -> None:
    tied = row(1, annotations=[{"annotator": "ann", "ranks": [1, 1]}])
    assert look(tmp_path, chat, tied, row(2), ties="drop").report["dropped"]["all_tied"] == 1
    assert look(tmp_path, chat, tied, row(2), ties="half").report["dropped"]["all_tied"] == 0


def test_people_who_contradict_themselves_and_majorities_that_go_round(tmp_path: Path, chat: Chat) -> None:
    three = [{"text": "one"}, {"text": "two"}, {"text": "three"}]
    circle = [
        {"annotator": "a", "ranks": [1, 2, None]},
        {"annotator": "b", "ranks": [None, 1, 2]},
        {"annotator": "c", "ranks": [2, None, 1]},
    ]
    turned = row(2, completions=list(reversed(row(2)["completions"])))
    found = look(tmp_path, chat, row(1, completions=three, annotations=circle), row(2), turned)
    assert found.report["contradictory"]["cycles"]["list"] == [{"prompt": "p1", "line": 1}]
    same = found.report["contradictory"]["same_person"]
    assert same["pairs"] == 1
    assert same["list"] == [{"annotator": "ann", "prompt": "p2", "line": 3}]
    assert any("both ways by the same person" in text for text in found.warnings)
    assert any("circle" in text for text in found.warnings)
    straight = look(tmp_path, chat, row(1, completions=three, annotations=circle[:2]), row(2), row(2))
    assert straight.report["contradictory"]["cycles"]["prompts"] == 0
    assert straight.report["contradictory"]["same_person"]["pairs"] == 0


def test_prompts_that_leak_between_splits_are_named(tmp_path: Path, chat: Chat) -> None:
    shared = [{"text": "A text that two prompts have in common."}, {"text": "Other."}]
    found = look(
        tmp_path,
        chat,
        row(1, split="train"),
        row(2, split="validation", prompt="  question 1?"),
        row(3, split="train", completions=shared),
        row(4, split="test", completions=shared),
        row(5, split="train"),
    )
    leaking = found.report["leaking"]
    assert (leaking["groups"], leaking["prompts"], leaking["all_groups"]) == (2, 4, 3)
    assert [entry["split"] for entry in leaking["list"][0]] == ["train", "validation"]
    assert any("flatter" in text for text in found.warnings)


def test_one_voice_and_a_taste_for_length_are_told(tmp_path: Path, chat: Chat) -> None:
    lines = [row(n, annotations=[{"annotator": "ann", "ranks": [2, 1]}]) for n in range(40)]
    found = look(tmp_path, chat, *lines, row(99, annotations=[{"annotator": "bo", "ranks": [2, 1]}]))
    assert found.report["dominance"] == {"annotator": "ann", "judgments": 40, "share": pytest.approx(40 / 41)}
    assert found.report["length_bias"] == {"longer_preferred": 1.0, "pairs": 41}
    assert any("ann gave 98%" in text for text in found.warnings)
    assert any("longer completion was preferred in 100%" in text for text in found.warnings)


def test_the_summary_counts_what_is_there(tmp_path: Path, chat: Chat) -> None:
    two = [{"annotator": "a", "ranks": [1, 2]}, {"annotator": "b", "ranks": [1, 1]}]
    found = look(tmp_path, chat, row(1, split="train", annotations=two), row(2, split="test"))
    assert found.report["pairs"] == 3
    assert found.report["ties"] == pytest.approx(1 / 3)
    assert found.report["splits"] == {"test": 1, "train": 1}
    assert found.report["completions_per_prompt"] == {"2": 2}
    assert found.report["overlap"]["effective_judgments"] == pytest.approx(2 / 1.5 + 1)
    assert found.summary.startswith("Pre-flight: 2 prompts, 3 judgments by 3 people, 3 pairs, 33% of them ties")
    assert found.warnings == []
    json.dumps(found.report, allow_nan=False)


def test_splits_are_given_to_whole_groups_and_keep_their_sizes() -> None:
    prompts = [
        ranked_prompt(
            row(number, prompt_id=number, split="", messages=[{"role": "user", "content": f"Q {number // 2}"}])
        )
        for number in range(200)
    ]
    given = with_splits(prompts, 0.2, seed=1)
    sizes = {split: sum(prompt.split == split for prompt in given) for split in ("train", "validation", "test")}
    assert sizes == {"train": 160, "validation": 20, "test": 20}
    assert all(given[n].split == given[n + 1].split for n in range(0, 200, 2))
    assert [prompt.split for prompt in with_splits(prompts, 0.2, seed=1)] == [prompt.split for prompt in given]
    assert [prompt.split for prompt in with_splits(prompts, 0.2, seed=2)] != [prompt.split for prompt in given]
    assert {prompt.split for prompt in with_splits(prompts, 0.0, seed=1)} == {"train"}


def test_a_group_with_a_split_keeps_it() -> None:
    rows = [
        ranked_prompt(entry | {"split": split}) for entry, split in zip(ranked_rows(), ["test"] + [""] * 7, strict=True)
    ]
    assert len(set(components(rows))) == 1
    assert {prompt.split for prompt in with_splits(rows, 0.2, seed=0)} == {"test"}
