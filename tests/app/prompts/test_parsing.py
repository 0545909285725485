import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.prompts import parsing
from app.prompts.messages import MOST_BYTES, content_hash
from app.prompts.parsing import BadLine, GoodLine, UnreadableFileError, format_of, parse

FORMATS = ["jsonl", "csv", "txt"]


def lines_of(content: bytes | str, file_format: str = "jsonl") -> list:
    encoded = content if isinstance(content, bytes) else content.encode()
    return list(parse(io.BytesIO(encoded), file_format))


def only(content: bytes | str, file_format: str = "jsonl"):
    [line] = lines_of(content, file_format)
    return line


def user(text: str) -> dict:
    return {"role": "user", "content": text}


def test_json_lines_hold_a_text_or_a_conversation():
    chat = [{"role": "system", "content": "Be kind."}, user("Hi"), {"role": "assistant", "content": "Hello"}, user("?")]
    content = "\n".join(
        json.dumps(line) for line in ({"prompt": "Hi", "group": "g"}, {"prompt": chat}, {"messages": chat, "id": 7})
    )
    assert lines_of(content) == [
        GoodLine(1, [user("Hi")], "g"),
        GoodLine(2, chat, None),
        GoodLine(3, chat, None),
    ]


def test_empty_lines_are_passed_over_and_numbers_stay_true():
    assert [line.line for line in lines_of('\n  \r\n{"prompt":"a"}\n\n{"prompt":"b"}')] == [3, 5]


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_of_very_many_lines_is_refused_though_they_are_empty(file_format, monkeypatch):
    monkeypatch.setattr(parsing, "MOST_LINES", 3)
    assert lines_of("prompt\n\n\n" if file_format == "csv" else "\n\n\n", file_format) == []
    with pytest.raises(UnreadableFileError, match="more than 3 lines"):
        lines_of("prompt\n\n\n\n" if file_format == "csv" else "\n\n\n\n", file_format)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm():
    assert only(b'\xef\xbb\xbf{"prompt":"a"}\r\n').messages == [user("a")]
    assert lines_of(b"\xef\xbb\xbfone\r\ntwo\r\n", "txt") == [
        GoodLine(1, [user("one")], None),
        GoodLine(2, [user("two")], None),
    ]


def test_unicode_line_separators_do_not_cut_a_line():
    assert only("one\u2028two\u0085three\x0bfour", "txt").messages == [user("one\u2028two\u0085three\x0bfour")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "not valid JSON"),
        ("[]", "not a JSON object"),
        ("7", "not a JSON object"),
        ("{}", "needs `prompt` or `messages`"),
        ('{"prompt":"a","messages":[]}', "one of the two"),
        ('{"prompt":"a","prompt":"b"}', "same field twice"),
        ('{"prompt":null}', "neither a text nor a list"),
        ('{"prompt":7}', "neither a text nor a list"),
        ('{"prompt":""}', "message 1 is empty"),
        ('{"prompt":" \\n\\t"}', "message 1 is empty"),
        ('{"prompt":"a\\u0000b"}', "NUL"),
        ('{"prompt":"\\ud800"}', "surrogate"),
        ('{"prompt":"a","group":"\\udfff"}', "surrogate"),
        ('{"prompt":"a","group":[]}', "the group is neither"),
        ('{"prompt":"a","group":true}', "the group is neither"),
        ('{"prompt":"a","group":"' + "g" * 501 + '"}', "the group is longer"),
        ('{"prompt":[]}', "1 to 200 messages"),
        ('{"prompt":["a"]}', "message 1 is not an object"),
        ('{"prompt":[{"role":"user"}]}', "message 1 is not an object"),
        ('{"prompt":[{"role":"user","content":"a","name":"x"}]}', "message 1 is not an object"),
        ('{"prompt":[{"role":"tool","content":"a"}]}', "the role of message 1"),
        ('{"prompt":[{"role":{},"content":"a"}]}', "the role of message 1"),
        ('{"prompt":[{"role":"user","content":["a"]}]}', "the content of message 1"),
        ('{"prompt":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}', "end with a user turn"),
        (
            '{"prompt":[{"role":"user","content":"a"},{"role":"system","content":"b"},{"role":"user","content":"c"}]}',
            "only the first",
        ),
        ('{"prompt":NaN}', "NaN is no JSON value"),
        ('{"prompt":"a","x":-Infinity}', "-Infinity is no JSON value"),
        ('{"prompt":' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deep"),
        ('{"prompt":"a","x":' + "9" * 5000 + "}", "not valid JSON"),
        ('{"prompt":"' + "a" * (MOST_BYTES + 1) + '"}', "longer than 64 KiB"),
        ("x" * (parsing.LONGEST_LINE + 1), "the line is longer than 512 KiB"),
    ],
)
def test_each_bad_line_says_why_and_the_next_one_is_read(line, reason):
    bad, good = lines_of(line + '\n{"prompt":"good"}')
    assert isinstance(bad, BadLine)
    assert reason in bad.reason
    assert bad.line == 1
    assert len(bad.excerpt) <= parsing.EXCERPT_CHARACTERS
    assert good == GoodLine(2, [user("good")], None)


def test_a_prompt_of_exactly_the_limit_passes_however_it_is_escaped():
    assert isinstance(only('{"prompt":"' + "\\u0041" * MOST_BYTES + '"}'), GoodLine)


@pytest.mark.parametrize("file_format", ["jsonl", "txt"])
def test_bytes_that_are_no_utf8_are_told_with_their_place(file_format):
    bad = only(b"ab\xff", file_format)
    assert bad.reason == "not valid UTF-8 at byte 3 of the line"
    assert bad.excerpt == "ab\N{REPLACEMENT CHARACTER}"


def test_csv_takes_its_columns_by_name():
    content = 'Group, PROMPT ,other,system\ng1,"one, ""two""\nthree",x,\n,four,,Be kind.\n\n ,,,\n'
    assert lines_of(content, "csv") == [
        GoodLine(2, [user('one, "two"\nthree')], "g1"),
        GoodLine(4, [{"role": "system", "content": "Be kind."}, user("four")], None),
    ]


def test_bad_csv_rows_are_told_and_the_rest_is_read():
    content = (
        b"prompt,group\n\xff,a\n,b\nx\0y,c\n" + b"z" * (parsing.LONGEST_LINE + 1) + b"\n" + b"y" * 140_000 + b"\nok\n"
    )
    found = lines_of(content, "csv")
    assert [(line.line, type(line)) for line in found] == [
        (2, BadLine),
        (3, BadLine),
        (4, BadLine),
        (5, BadLine),
        (6, BadLine),
        (7, GoodLine),
    ]
    assert [line.reason.partition(":")[0] for line in found[:5]] == [
        "not valid UTF-8",
        "message 1 is empty",
        "message 1 holds a NUL character",
        "the row cannot be read",
        "the row cannot be read",
    ]


@pytest.mark.parametrize("content", [b"", b"question\nWhy?\n", b"prompt;group\na;b\n", b"\xff\xfe\n"])
def test_a_csv_without_the_column_cannot_be_used(content):
    with pytest.raises(UnreadableFileError, match="prompt"):
        lines_of(content, "csv")


def test_the_format_is_told_by_the_name():
    names = ("a.jsonl", "A.NDJSON", "a.csv.gz", "a.b.txt", "a.jsonl.gz")
    assert [format_of(name) for name in names] == ["jsonl", "jsonl", "csv", "txt", "jsonl"]
    for name in ("a.zip", "a", "a.json", "a.gz", ""):
        with pytest.raises(UnreadableFileError):
            format_of(name)


def test_the_same_words_are_the_same_prompt():
    assert content_hash([user(" Äpfel\n")]) == content_hash([user("A\u0308pfel")])
    assert content_hash([user("a")]) != content_hash([user("A")])
    assert content_hash([user("a"), user("b")]) != content_hash([user("ab")])


def storable(line: GoodLine | BadLine) -> bool:
    texts = [line.reason, line.excerpt] if isinstance(line, BadLine) else [line.group or ""]
    texts += [] if isinstance(line, BadLine) else [message["content"] for message in line.messages]
    return all("\0" not in text and text.encode() is not None for text in texts)


json_like = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["prompt", "messages", "role", "content"]), inner),
    max_leaves=20,
)


@given(content=st.binary(max_size=2000), file_format=st.sampled_from(FORMATS))
@example(content=b'prompt\n"', file_format="csv")
@example(content=b'prompt\n"\0""\r', file_format="csv")
@example(content=b'{"prompt":"\\ud83d\\ude00"}', file_format="jsonl")
def test_no_bytes_break_the_parser(content, file_format):
    try:
        found = lines_of(content, file_format)
    except UnreadableFileError:
        assert file_format == "csv"
        return
    assert all(storable(line) for line in found)
    numbers = [line.line for line in found]
    assert numbers == sorted(set(numbers))


@given(value=json_like)
def test_no_json_value_breaks_the_parser(value):
    for line in lines_of(json.dumps({"prompt": value}) + "\n" + json.dumps(value)):
        assert storable(line)


@given(rows=st.lists(st.lists(st.text(), max_size=4), max_size=6))
def test_no_table_breaks_the_parser(rows):
    content = "prompt,system,group\n" + "\n".join(",".join(row) for row in rows)
    assert all(storable(line) for line in lines_of(content.encode("utf-8", "surrogatepass"), "csv"))
