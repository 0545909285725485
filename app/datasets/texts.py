"""Raw texts: uploaded once and kept as artifacts, to pretrain on and to mix into fine-tuning and policy training."""

import codecs
import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import locks
from app.auth.tables import User
from app.config import get_settings
from app.datasets import service as datasets
from app.datasets.tables import DatasetSnapshot
from app.errors import ServiceUnavailable, Unprocessable
from app.pagination import PageRequest, Rows, page_by_id
from app.prompts.parsing import BYTE_ORDER_MARK, Format, UnreadableFileError
from app.prompts.service import NewPromptSet
from app.prompts.upload import Counted, Upload
from app.storage import Stored, seal, store

# The name of the text in its artifact.
FILE: Final = "text.txt"
CHUNK: Final = 1 << 20
# How the names of folders begin that texts are copied into; the scheduler sweeps up after a killed process.
SCRATCH: Final = ".text-"


class TextWriter:
    """Copies a text in pieces; knows its SHA-256, bytes and lines, and refuses what is no UTF-8."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.bytes = 0
        self.lines = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._blank = True

    def copy(self, pieces: Iterator[bytes], target: Path) -> None:
        """Write every piece. Raises `UnreadableFileError` where they are no text, or an empty one."""
        with target.open("wb") as file:
            for piece in pieces:
                self._take(piece)
                file.write(piece)
            self._take(b"", final=True)
        if self._blank:
            raise UnreadableFileError("the file holds no text")

    def _take(self, piece: bytes, *, final: bool = False) -> None:
        try:
            text = self._decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            where = f"{self.bytes:,} and {self.bytes + len(piece):,}"
            raise UnreadableFileError(f"the file is not valid UTF-8 between its bytes {where}") from error
        self.digest.update(piece)
        self.bytes += len(piece)
        self.lines += piece.count(b"\n")
        self._blank = self._blank and not text.strip()


def pieces_of(file: BinaryIO, file_format: Format) -> Iterator[bytes]:
    """A text in pieces of a megabyte, without the mark that some editors put before it.

    Raises `UnreadableFileError` for a format that is no plain text.
    """
    if file_format != "txt":
        raise UnreadableFileError("a text comes as plain text: name the file .txt (also with .gz)")
    yield file.read(CHUNK).removeprefix(BYTE_ORDER_MARK)
    yield from iter(partial(file.read, CHUNK), b"")


def store_text(session: Session, *, project_id: int, actor: User, upload: Upload, new: NewPromptSet) -> DatasetSnapshot:
    """Keep an uploaded text as an artifact and a snapshot of the kind `text`; the same text again is the same snapshot.

    Raises:
        Unprocessable: the file is no text.
        ServiceUnavailable: `disk-full`.
    """
    datasets.take_your_time(session)
    writer = TextWriter()
    with _room_on_the_disk():
        artifact = _keep(upload, writer)
    content_hash = writer.digest.hexdigest()
    # Somebody may have sent the same text meanwhile: whoever comes here second finds it.
    locks.hold(session, f"text:{project_id}:{content_hash}")
    known = _find(session, project_id, content_hash)
    if known is not None:
        return known
    about = {"name": new.name, "file_name": new.file_name, "source": new.source, "licence": new.licence}
    snapshot = DatasetSnapshot(
        project_id=project_id,
        kind="text",
        content_hash=content_hash,
        selection={**about, "artifact_sha256": artifact.sha256},
        counts={"bytes": writer.bytes, "lines": writer.lines},
        created_by=actor.id,
    )
    datasets.add(session, snapshot)
    session.refresh(snapshot)
    return snapshot


def _keep(upload: Upload, writer: TextWriter) -> Stored:
    beside = get_settings().data_dir
    beside.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=beside, prefix=SCRATCH) as scratch:
        folder = Path(scratch)
        try:
            writer.copy(upload.lines(Counted(), pieces_of), folder / FILE)
        except UnreadableFileError as error:
            raise Unprocessable(str(error), type="unreadable-file", field="file") from error
        seal(folder, {"format": 1, "kind": "text"})
        return store().put(folder)


@contextmanager
def _room_on_the_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise ServiceUnavailable(
            "the disk of the service is full; nothing of the text was kept",
            type="disk-full",
            advice="Ask the operator to free space in the data folder, then send the text again.",
        ) from error


def _find(session: Session, project_id: int, content_hash: str) -> DatasetSnapshot | None:
    query = select(DatasetSnapshot).where(
        DatasetSnapshot.project_id == project_id,
        DatasetSnapshot.kind == "text",
        DatasetSnapshot.content_hash == content_hash,
    )
    return session.scalars(query.limit(1)).one_or_none()


def list_texts(session: Session, project_id: int, page: PageRequest) -> Rows[DatasetSnapshot]:
    """A project's texts, newest first."""
    query = select(DatasetSnapshot).where(DatasetSnapshot.project_id == project_id, DatasetSnapshot.kind == "text")
    return page_by_id(session, query, DatasetSnapshot.id, page)
