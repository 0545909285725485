"""Prompts out of bytes, line by line: whatever the bytes are, each line is a prompt or an error with a reason. Pure.

JSONL: `{"prompt": text | messages}` or `{"messages": […]}` a line, `group` if wanted, other fields passed over.
CSV: a column `prompt`, `system` and `group` if wanted. TXT: a prompt a line. UTF-8; empty lines are passed over.
"""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, TypeVar

from app.prompts.messages import MOST_BYTES, Message, NotAPromptError, checked_group, checked_messages

Format = Literal["jsonl", "csv", "txt"]
FORMATS: dict[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".txt": "txt"}
# A prompt of 64 KiB may take six bytes a character in JSON (`\\u0041`), and its line has other fields.
LONGEST_LINE = 8 * MOST_BYTES
# Packed, a file of empty lines is a thousandth of its size: without a bound, reading it would take minutes.
MOST_LINES = 5_000_000
EXCERPT_CHARACTERS = 200
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class GoodLine:
    """A prompt, with the number of the line it starts on."""

    line: int
    messages: list[Message]
    group: str | None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no prompt; `reason` says why, `excerpt` shows its beginning."""

    line: int
    reason: str
    excerpt: str


class UnreadableFileError(ValueError):
    """Nothing of the file can be used, in words for whoever made it."""


Parsed = GoodLine | BadLine
T = TypeVar("T")


def format_of(file_name: str) -> Format:
    """The format that a file's name tells, a trailing `.gz` aside. Raises `UnreadableFileError`."""
    name = file_name.lower().removesuffix(".gz")
    for ending, known in FORMATS.items():
        if name.endswith(ending):
            return known
    raise UnreadableFileError(f"the file's name ends in none of {', '.join(FORMATS)} (each also with .gz)")


def parse(file: BinaryIO, file_format: Format) -> Iterator[Parsed]:
    """Every line of `file` that is not empty, as a prompt or an error, reading as it goes."""
    parsers: dict[Format, Callable[[BinaryIO], Iterator[Parsed]]] = {
        "jsonl": parse_jsonl,
        "csv": parse_csv,
        "txt": parse_txt,
    }
    return parsers[file_format](file)


def parse_jsonl(file: BinaryIO) -> Iterator[Parsed]:
    """Prompts from JSON lines."""
    return parse_lines(file, _from_json)


def parse_txt(file: BinaryIO) -> Iterator[Parsed]:
    """Prompts from plain lines."""
    return parse_lines(file, lambda line, text: GoodLine(line, checked_messages(text), None))


def parse_csv(file: BinaryIO) -> Iterator[Parsed]:
    """Prompts from comma-separated values; a quoted cell may span lines."""
    lines = CsvLines(file)
    rows = csv.reader(lines)
    columns = _header(rows)
    while True:
        start = lines.number + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except (csv.Error, NotAPromptError) as error:
            yield BadLine(line=start, reason=f"the row cannot be read: {error}", excerpt="")
            continue
        if any(cell.strip() for cell in row):
            yield _from_row(start, row, columns)


class CsvLines:
    """The lines of a file as text, for `csv.reader`; goes on after a line that is too long."""

    def __init__(self, file: BinaryIO) -> None:
        self.lines = bounded_lines(file)
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.number, line = next(self.lines)
        if line is None:
            raise NotAPromptError(_too_long())
        # Bytes that are no UTF-8 become halves of surrogate pairs, which the check of each cell refuses.
        return line.decode("utf-8", "surrogateescape")


def bounded_lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number, ended by `\\n` alone; None for one over the limit, which is never held whole.

    Raises `UnreadableFileError` past the most lines that a file may have, empty ones too.
    """
    number = 0
    while chunk := file.readline(LONGEST_LINE + 1):
        number += 1
        if number > MOST_LINES:
            raise UnreadableFileError(f"the file has more than {MOST_LINES:,} lines, empty ones counted; split it")
        line: bytes | None = chunk
        while len(chunk) > LONGEST_LINE and not chunk.endswith(b"\n"):
            line = None
            chunk = file.readline(LONGEST_LINE + 1)
        if line is not None and number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)
        yield number, line


def parse_lines(file: BinaryIO, read: Callable[[int, str], T]) -> Iterator[T | BadLine]:
    """What `read` makes of every line that is not empty, or what it refused with `NotAPromptError`."""
    for number, line in bounded_lines(file):
        if line is not None and not line.strip():
            continue
        try:
            yield read(number, _text(line))
        except NotAPromptError as error:
            yield BadLine(line=number, reason=str(error), excerpt=_excerpt(line))


def _text(line: bytes | None) -> str:
    if line is None:
        raise NotAPromptError(_too_long())
    try:
        return line.rstrip(b"\r\n").decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotAPromptError(f"not valid UTF-8 at byte {error.start + 1} of the line") from error


def _from_json(line: int, text: str) -> GoodLine:
    value = json_object(text)
    if ("prompt" in value) == ("messages" in value):
        raise NotAPromptError("the object needs `prompt` or `messages`, one of the two")
    conversation = value["prompt"] if "prompt" in value else value["messages"]
    return GoodLine(line, checked_messages(conversation), checked_group(value.get("group")))


def json_object(text: str) -> dict[str, Any]:
    """A line as a JSON object whose fields are named once each. Raises `NotAPromptError`."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except NotAPromptError:
        raise
    except RecursionError as error:
        raise NotAPromptError("nested too deep") from error
    except ValueError as error:
        # Also a whole number of thousands of digits, which Python refuses to read.
        raise NotAPromptError(f"not valid JSON: {str(error)[:200]}") from error
    if not isinstance(value, dict):
        raise NotAPromptError("the line is not a JSON object")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise NotAPromptError("an object names the same field twice")
    return result


def _refuse_constant(name: str) -> Any:
    raise NotAPromptError(f"{name} is no JSON value")


def _header(rows: Iterator[list[str]]) -> dict[str, int]:
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
    except (csv.Error, NotAPromptError) as error:
        raise UnreadableFileError(f"the first row cannot be read: {error}") from error
    if "prompt" not in header:
        raise UnreadableFileError("the first row names no column `prompt`; the cells are separated by commas")
    return {name: header.index(name) for name in ("prompt", "system", "group") if name in header}


def _from_row(line: int, row: list[str], columns: dict[str, int]) -> Parsed:
    cells = {name: row[place] if place < len(row) else "" for name, place in columns.items()}
    turns = [{"role": "user", "content": cells["prompt"]}]
    if cells.get("system", "").strip():
        turns.insert(0, {"role": "system", "content": cells["system"]})
    try:
        _refuse_escaped_bytes("".join(cells.values()))
        return GoodLine(line=line, messages=checked_messages(turns), group=checked_group(cells.get("group")))
    except NotAPromptError as error:
        return BadLine(line=line, reason=str(error), excerpt=_shown(cells["prompt"]))


def _refuse_escaped_bytes(text: str) -> None:
    if any("\udc80" <= character <= "\udcff" for character in text):
        raise NotAPromptError("not valid UTF-8")


def _too_long() -> str:
    return f"the line is longer than {LONGEST_LINE // 1024} KiB"


def _excerpt(line: bytes | None) -> str:
    return _shown((line or b"")[: 4 * EXCERPT_CHARACTERS].decode("utf-8", "replace").strip())


def _shown(text: str) -> str:
    clean = text.encode("utf-8", "replace").decode().replace("\0", "\N{SYMBOL FOR NULL}")
    return clean[:EXCERPT_CHARACTERS]
