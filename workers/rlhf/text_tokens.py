"""Raw text as one long line of tokens in a file that is mapped into memory, however large it is.

A text file is one document; a file of JSON lines with ``text`` is one document a line. Each ends with the end token.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from workers.rlhf.artifacts import write_json
from workers.rlhf.data import BadDataError

BLOCK: Final = 1 << 20
TOKENS: Final = "tokens.bin"
ABOUT: Final = "tokens.json"
SMALL: Final = np.dtype("<u2")
LARGE: Final = np.dtype("<u4")


@dataclass(frozen=True, slots=True)
class TextTokens:
    """Tokens of a text, and the bytes of text that they stand for."""

    ids: NDArray[Any]
    text_bytes: int

    def window(self, start: int, length: int) -> list[int]:
        """Consecutive tokens."""
        part: list[int] = self.ids[start : start + length].tolist()
        return part


def blocks(file: TextIO) -> Iterator[str]:
    """A text in pieces that end after a line break before a letter, where no tokenizer joins what is around it."""
    rest = ""
    while piece := file.read(BLOCK):
        rest += piece
        cut = rest.rfind("\n") + 1
        while cut and (cut == len(rest) or rest[cut].isspace()):
            cut = rest.rfind("\n", 0, cut - 1) + 1
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest


def documents(path: Path) -> Iterator[Iterator[str]]:
    """Every document of a file, in pieces.

    Raises:
        BadDataError: a line of a JSONL file without text, or a file that is no UTF-8.
    """
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        try:
            if path.name.removesuffix(".gz").endswith(".jsonl"):
                for number, line in enumerate(file, start=1):
                    yield iter([_text_of(line, number)])
            else:
                yield blocks(file)
        except UnicodeDecodeError as error:
            raise BadDataError(f"{path.name} is no UTF-8 text: {error}") from error


def write_tokens(source: Path, tokenizer: PreTrainedTokenizerBase, folder: Path) -> TextTokens:
    """Tokenise a file into `folder`, from where `open_tokens` reads it.

    Raises:
        BadDataError: there is no text.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kind = SMALL if len(tokenizer) <= np.iinfo(SMALL).max else LARGE
    count = size = 0
    with (folder / TOKENS).open("wb") as out:
        for document in documents(source):
            for text in document:
                ids = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
                out.write(np.array(ids, dtype=kind).tobytes())
                count, size = count + len(ids), size + len(text.encode())
            out.write(np.array([tokenizer.eos_token_id], dtype=kind).tobytes())
            count += 1
    if size == 0:
        raise BadDataError(f"{source.name} holds no text")
    write_json(folder / ABOUT, {"tokens": count, "text_bytes": size, "type": kind.str})
    return open_tokens(folder)


def open_tokens(folder: Path) -> TextTokens:
    """Tokens that `write_tokens` left, mapped into memory."""
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    ids = np.memmap(folder / TOKENS, dtype=np.dtype(about["type"]), mode="r", shape=(about["tokens"],))
    return TextTokens(ids, about["text_bytes"])


def _text_of(line: str, number: int) -> str:
    try:
        text = json.loads(line)["text"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadDataError(f"line {number} is no JSON object with text: {error}") from error
    if not isinstance(text, str):
        raise BadDataError(f"line {number}: text must be a text")
    return text
