"""An uploaded file, counted and hashed while it is read; gzip is unpacked on the way, never past the limit."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeVar, cast

from app.errors import PayloadTooLarge
from app.prompts.parsing import Format, Parsed, UnreadableFileError, format_of, parse

BUFFER = 64 * 1024
T = TypeVar("T")


@dataclass(slots=True)
class Counted:
    """What went by: how many bytes, and their SHA-256."""

    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


class CountingReader(io.RawIOBase):
    """Reads from `file`, counting; `PayloadTooLarge` past `limit_bytes`."""

    def __init__(self, file: BinaryIO, counted: Counted, limit_bytes: int) -> None:
        self.file, self.counted, self.limit_bytes = file, counted, limit_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self.file.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self.counted.size += len(chunk)
        self.counted.digest.update(chunk)
        if self.counted.size > self.limit_bytes:
            raise too_large(self.limit_bytes)
        return len(chunk)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody sent, and the most bytes it may have, packed and unpacked."""

    file: BinaryIO
    file_name: str
    limit_bytes: int

    def parsed(self, counted: Counted) -> Iterator[Parsed]:
        """The file's prompts and errors, as `lines`."""
        return self.lines(counted, parse)

    def lines(self, counted: Counted, parse: Callable[[BinaryIO, Format], Iterator[T]]) -> Iterator[T]:
        """What `parse` makes of the unpacked file; `counted` knows its size and hash when the last was given.

        Raises `UnreadableFileError` when nothing of it can be read, `PayloadTooLarge` past the limit.
        """
        known = format_of(self.file_name)
        raw = io.BufferedReader(CountingReader(self.file, counted, self.limit_bytes), BUFFER)
        if not self.file_name.lower().endswith(".gz"):
            yield from parse(raw, known)
            return
        unpacked = CountingReader(cast(BinaryIO, gzip.GzipFile(fileobj=raw)), Counted(), self.limit_bytes)
        try:
            yield from parse(io.BufferedReader(unpacked, BUFFER), known)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise UnreadableFileError(f"the gzip file is damaged: {error}") from error


def shown_name(file_name: str | None) -> str:
    """A file's name to show, without folders and control characters; it never becomes a path."""
    last = (file_name or "").replace("\\", "/").rpartition("/")[2]
    return "".join(character if character.isprintable() else "?" for character in last)[-200:] or "prompts"


def too_large(limit_bytes: int) -> PayloadTooLarge:
    """The refusal that names the limit and the setting that moves it."""
    return PayloadTooLarge(
        f"the file is larger than {limit_bytes // (1024 * 1024)} MB",
        advice="Split the file, or ask the operator to raise PLACKETT_UPLOAD_LIMIT_MB.",
        field="file",
    )
