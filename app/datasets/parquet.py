"""Record batches of comparisons into the bytes of a Parquet file, as they come."""

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

MESSAGES: Final = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
SCHEMA: Final = pa.schema(
    [
        ("prompt", MESSAGES),
        ("chosen", MESSAGES),
        ("rejected", MESSAGES),
        ("tie", pa.bool_()),
        ("strength", pa.int16()),
        ("comparison_id", pa.int64()),
        ("ranking_id", pa.int64()),
        ("task_id", pa.int64()),
        ("prompt_id", pa.int64()),
        ("annotator_id", pa.int64()),
        ("chosen_id", pa.int64()),
        ("rejected_id", pa.int64()),
        ("chosen_model", pa.string()),
        ("rejected_model", pa.string()),
        ("split", pa.string()),
        ("extra", pa.bool_()),
        ("none_acceptable", pa.bool_()),
        ("guideline_number", pa.int64()),
        ("created_at", pa.timestamp("us", tz="UTC")),
    ]
)


class Outbox(io.RawIOBase):
    """A file that only remembers what was written since it was last emptied."""

    def __init__(self) -> None:
        super().__init__()
        self._pending = bytearray()
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        self._pending += data
        self._position += len(data)
        return len(data)

    def take(self) -> bytes:
        """What was written since the last call."""
        taken = bytes(self._pending)
        self._pending.clear()
        return taken


class ParquetStream:
    """Writes one Parquet file into pieces; each record batch becomes a row group."""

    def chunks(self, batches: Iterable[Any]) -> Iterator[bytes]:
        """The file's bytes; `batches` have the columns of `SCHEMA`, conversations as JSON text, answers as text."""
        outbox = Outbox()
        with pq.ParquetWriter(outbox, SCHEMA, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(conversational(batch))
                yield outbox.take()
        yield outbox.take()


def conversational(batch: Any) -> Any:
    """The batch with prompt, chosen and rejected as lists of messages."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns["prompt"] = prompts_from_json(columns["prompt"])
    columns["chosen"] = answers(columns["chosen"])
    columns["rejected"] = answers(columns["rejected"])
    arrays = [columns[field.name].cast(field.type) for field in SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def prompts_from_json(texts: Any) -> Any:
    """Conversations from JSON text; equal ones, and there are C(K,2) of each, are parsed once."""
    encoded = texts.dictionary_encode()
    parsed = [json.loads(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(parsed, type=MESSAGES).take(encoded.indices)


def answers(texts: Any) -> Any:
    """Each text as a conversation of one assistant turn, without copying it."""
    contents = texts.cast(pa.string())
    roles = pa.repeat(pa.scalar("assistant"), len(contents))
    turns = pa.StructArray.from_arrays([roles, contents], fields=list(MESSAGES.value_type))
    return pa.ListArray.from_arrays(pa.array(range(len(contents) + 1), type=pa.int32()), turns, type=MESSAGES)
