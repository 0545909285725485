"""Datasets on the wire."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from app.datasets.tables import DatasetSnapshot


class SplitCounts(BaseModel):
    """Comparisons by split."""

    train: int
    validation: int
    test: int


class ComparisonSummary(BaseModel):
    """What a project's current judgments amount to; `by_split` counts comparisons."""

    rankings: int
    comparisons: int
    ties: int
    annotators: int
    prompts: int
    by_split: SplitCounts


class SnapshotRead(BaseModel):
    """An immutable dataset; `run_id` is the run it was frozen for."""

    id: int
    kind: Literal["judgments", "prompts", "demonstrations", "text"]
    content_hash: str
    counts: dict[str, Any]
    run_id: int | None
    created_at: datetime


class TextRead(BaseModel):
    """A raw text to pretrain on or to mix in; `bytes` and `content_hash` are of the unpacked file."""

    id: int
    name: str
    file_name: str
    source: str | None
    licence: str | None
    bytes: int
    lines: int
    content_hash: str
    created_at: datetime


def text_read(snapshot: DatasetSnapshot) -> TextRead:
    """The wire form of a text."""
    kept = {"id": snapshot.id, "content_hash": snapshot.content_hash, "created_at": snapshot.created_at}
    return TextRead.model_validate({**snapshot.selection, **snapshot.counts, **kept})


def snapshot_read(snapshot: DatasetSnapshot) -> SnapshotRead:
    """The wire form of a snapshot."""
    return SnapshotRead.model_validate(
        {
            "id": snapshot.id,
            "kind": snapshot.kind,
            "content_hash": snapshot.content_hash,
            "counts": snapshot.counts,
            "run_id": snapshot.selection.get("run_id"),
            "created_at": snapshot.created_at,
        }
    )
