import json
from pathlib import Path

import pytest

from tests.tiny_model import tiny_tokenizer
from workers.rlhf.data import BadDataError, Chat, chat_of
from workers.rlhf.demonstrations import conversation, held_out_or_not, read_conversations, rows_of
from workers.rlhf.language_configs import SftConfig

USER = {"role": "user", "content": "Say hello."}
ASSISTANT = {"role": "assistant", "content": "Hello, and thank you."}
TALK = [{"role": "system", "content": "Be kind."}, USER, ASSISTANT, {"role": "user", "content": "Again."}, ASSISTANT]
CONFIG = SftConfig()


@pytest.fixture(scope="module")
def chat() -> Chat:
    return chat_of(tiny_tokenizer())


def row_of(chat: Chat, line: dict, config: SftConfig = CONFIG):
    return rows_of([conversation(line, "line 1")], chat, config)


def learnt_text(chat: Chat, row) -> str:
    return chat.tokenizer.decode([token for token, learnt in zip(row.ids, row.learnt, strict=True) if learnt])


@pytest.mark.parametrize(
    "line",
    [
        {"prompt": "Say hello.", "completion": "Hello, and thank you."},
        {"prompt": [USER], "completion": "Hello, and thank you."},
        {"messages": [USER], "completion": "Hello, and thank you."},
        {"messages": [USER, ASSISTANT]},
    ],
)
def test_every_way_to_write_a_demonstration_is_the_same_text(chat: Chat, line: dict) -> None:
    (row,) = row_of(chat, line).rows
    assert chat.tokenizer.decode(row.ids) == (
        "<|im_start|>user\nSay hello.<|im_end|>\n<|im_start|>assistant\nHello, and thank you.<|im_end|>"
    )
    assert learnt_text(chat, row) == "Hello, and thank you.<|im_end|>"


def test_the_stop_token_is_learnt_and_the_prompt_is_what_sampling_will_see(chat: Chat) -> None:
    (row,) = row_of(chat, {"messages": [USER, ASSISTANT]}).rows
    assert row.ids[-1] == chat.stop_id
    assert row.learnt[-1]
    prompt = chat.prompt([USER], 1000).ids
    assert row.ids[: len(prompt)] == prompt
    assert not any(row.learnt[: len(prompt)])


def test_every_turn_of_the_assistant_is_learnt_or_the_last_alone(chat: Chat) -> None:
    (every,) = row_of(chat, {"messages": TALK}).rows
    assert learnt_text(chat, every) == "Hello, and thank you.<|im_end|>" * 2
    (last,) = row_of(chat, {"messages": TALK}, SftConfig(turns="last")).rows
    assert last.ids == every.ids
    assert learnt_text(chat, last) == "Hello, and thank you.<|im_end|>"
    assert last.learnt[-1]


def test_a_template_that_rewrites_earlier_turns_is_learnt_turn_by_turn() -> None:
    tokenizer = tiny_tokenizer()
    # Only the last message is written in full, as templates do that drop earlier thoughts.
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] if loop.last else m['content'][:3] }}"
        "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    chat = chat_of(tokenizer)
    reading = row_of(chat, {"messages": TALK})
    assert reading.split_conversations == 1
    assert [learnt_text(chat, row) for row in reading.rows] == ["Hello, and thank you.<|im_end|>"] * 2
    for row, place in zip(reading.rows, (2, 4), strict=True):
        prompt = chat.prompt(TALK[:place], 1000).ids
        assert row.ids[: len(prompt)] == prompt


def test_a_cut_answer_teaches_no_stop_and_a_long_text_loses_its_start(chat: Chat) -> None:
    line = {"messages": [USER, ASSISTANT]}
    (whole,) = row_of(chat, line).rows
    reading = row_of(chat, line, SftConfig(max_completion_tokens=4))
    (short,) = reading.rows
    assert reading.cut_completions == 1
    assert sum(short.learnt) == 3
    assert chat.stop_id not in short.ids[-3:]
    reading = row_of(chat, line, SftConfig(max_tokens=12))
    assert reading.cut_texts == 1
    assert reading.rows[0].ids == whole.ids[-12:]


def test_special_tokens_spelt_out_in_an_answer_stay_text(chat: Chat) -> None:
    (row,) = row_of(chat, {"prompt": "a<|im_end|>b", "completion": "c<|im_end|>d"}).rows
    assert sum(token == chat.stop_id for token in row.ids) == 2


def test_bad_lines_are_named_all_at_once(tmp_path: Path) -> None:
    lines = [
        json.dumps({"prompt": "a", "completion": "b"}),
        "{broken",
        json.dumps({"prompt": "a"}),
        json.dumps({"prompt": "a", "completion": " "}),
        json.dumps({"messages": [USER]}),
        json.dumps({"messages": [{"role": "judge", "content": "x"}, ASSISTANT]}),
        json.dumps(["no object"]),
        json.dumps({"completion": "b"}),
    ]
    (tmp_path / "data.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.raises(BadDataError) as caught:
        read_conversations(tmp_path / "data.jsonl")
    text = str(caught.value)
    for number in range(2, 9):
        assert f"line {number}" in text
    assert "line 1 " not in text
    assert "7 lines are bad in all" in text
    assert "line 6, message 1 needs a role" in text


def test_named_splits_hold_and_test_prompts_are_in_neither() -> None:
    entries = [
        conversation({"prompt": f"{n}", "completion": "x", "split": split}, "")
        for n, split in enumerate(["train", "validation", "test", None])
    ]
    learnt, held = held_out_or_not(entries, 0.5)
    assert [entry.split for entry in learnt] == ["train", None]
    assert [entry.split for entry in held] == ["validation"]


def test_without_splits_whole_groups_are_held_out_and_always_the_same() -> None:
    entries = [
        conversation({"prompt": f"question {n % 100}", "completion": f"answer {n}"}, f"line {n}") for n in range(200)
    ]
    learnt, held = held_out_or_not(entries, 0.2)
    assert 20 <= len(held) <= 60
    assert not {entry.group for entry in learnt} & {entry.group for entry in held}
    again = held_out_or_not(entries[::-1], 0.2)[1]
    assert {entry.source for entry in again} == {entry.source for entry in held}
    assert held_out_or_not(entries, 0.0)[1] == []
