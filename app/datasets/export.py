"""Downloads: every current comparison of a project as of one moment, streamed, at most a few at a time.

Each has a connection of its own, read-only, in one REPEATABLE READ transaction without a statement timeout. Closing it
ends the query, so a reader who goes away costs nothing more.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any, Final

import psycopg
from adbc_driver_postgresql import dbapi

from app.config import get_settings
from app.datasets.parquet import ParquetStream
from app.db import engine
from app.errors import ServiceUnavailable

CHUNK_BYTES: Final = 1 << 16
# The server lets go of a closed connection's lock a moment later; whoever comes in between is not turned away.
PATIENCE_SECONDS: Final = 0.5
MEDIA_TYPES: Final = {"jsonl": "application/x-ndjson", "parquet": "application/vnd.apache.parquet"}

CURRENT: Final = """
    FROM comparisons c
    JOIN rankings r ON r.id = c.ranking_id AND r.superseded_by_id IS NULL AND r.withdrawn_at IS NULL
    JOIN tasks t ON t.id = r.task_id AND t.purpose = 'collect'
    JOIN prompts p ON p.id = t.prompt_id
    JOIN completions chosen ON chosen.id = c.preferred_id
    JOIN completions rejected ON rejected.id = c.other_id
    LEFT JOIN model_versions chosen_by ON chosen_by.id = chosen.model_version_id
    LEFT JOIN model_versions rejected_by ON rejected_by.id = rejected.model_version_id
    LEFT JOIN guideline_versions g ON g.id = r.guideline_version_id
    WHERE c.project_id = {project}
    ORDER BY c.id
"""
# A person's demonstration has no model; its author stays unnamed.
REST: Final = """
    c.tie, c.strength, c.id AS comparison_id, r.id AS ranking_id, t.id AS task_id, p.id AS prompt_id,
    r.annotator_id, c.preferred_id AS chosen_id, c.other_id AS rejected_id,
    coalesce(chosen_by.name, 'person') AS chosen_model, coalesce(rejected_by.name, 'person') AS rejected_model,
    p.split, r.extra, r.none_acceptable, g.number AS guideline_number, c.created_at
"""
JSON_ROWS: Final = f"""
    SELECT p.messages AS prompt,
      json_build_array(json_build_object('role', 'assistant', 'content', chosen.text)) AS chosen,
      json_build_array(json_build_object('role', 'assistant', 'content', rejected.text)) AS rejected, {REST} {CURRENT}
"""
# JSON never holds these two control characters raw, so with them as quote and delimiter COPY leaves it as it is.
COPY_JSON: Final = (
    "COPY (SELECT row_to_json(line) FROM ({rows}) line) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
)
TABLE_ROWS: Final = f"""
    SELECT p.messages::text AS prompt, chosen.text AS chosen, rejected.text AS rejected, {REST} {CURRENT}
"""


def database_url() -> str:
    """The app's database address as libpq reads it."""
    return engine().url.set(drivername="postgresql").render_as_string(hide_password=False)


def own_connection() -> psycopg.Connection[Any]:
    """A connection outside the pool, so that slow readers take none from the rest of the service."""
    try:
        return psycopg.connect(database_url(), autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise ServiceUnavailable(
            "the database did not answer in time", advice="Try again in a few seconds.", retry_after_seconds=3
        ) from error


class ExportSlot:
    """The right to stream: one of `export_slots` locks, over all processes; a closed connection lets go of it."""

    def __init__(self) -> None:
        """Raise `ServiceUnavailable` when every slot is taken."""
        self.connection = own_connection()
        deadline = monotonic() + PATIENCE_SECONDS
        while not (taken := self._take_one()) and monotonic() < deadline:
            sleep(PATIENCE_SECONDS / 10)
        if not taken:
            self.connection.close()
            raise ServiceUnavailable(
                f"{get_settings().export_slots} downloads are under way, as many as are served at a time",
                type="export-slots-taken",
                advice="Try again in a few seconds.",
                retry_after_seconds=5,
            )

    def _take_one(self) -> bool:
        for number in range(get_settings().export_slots):
            row = self.connection.execute(
                "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"export:{number}"]
            ).fetchone()
            if row is not None and row[0]:
                return True
        return False

    def close(self) -> None:
        """Give the slot back."""
        self.connection.close()


class Export(ABC):
    """A download that is ready to stream; `close` ends it wherever it is."""

    def __init__(self, project_id: int) -> None:
        self.project_id = project_id
        self.slot = ExportSlot()

    @abstractmethod
    def chunks(self) -> Iterator[bytes]:
        """The file, piece by piece."""

    def close(self) -> None:
        """End the query if it still runs, and give the slot back."""
        self.slot.close()


class JsonLines(Export):
    """One comparison a line; the database writes the JSON, this process only passes it on."""

    def chunks(self) -> Iterator[bytes]:
        connection = self.slot.connection
        for setting in SETTINGS:
            connection.execute(setting)
        rows = JSON_ROWS.format(project=int(self.project_id))
        with connection.transaction(), connection.cursor() as cursor:
            connection.execute(READ_ONE_MOMENT)
            pending = bytearray()
            with cursor.copy(COPY_JSON.format(rows=rows).encode()) as lines:
                for line in lines:
                    pending += line
                    if len(pending) >= CHUNK_BYTES:
                        yield bytes(pending)
                        pending.clear()
            yield bytes(pending)


class Parquet(Export):
    """The same rows as a Parquet file, read in columns."""

    def __init__(self, project_id: int) -> None:
        super().__init__(project_id)
        self.reader: Any = None

    def chunks(self) -> Iterator[bytes]:
        rows = TABLE_ROWS.format(project=int(self.project_id))
        self.reader = dbapi.connect(database_url())
        with self.reader.cursor() as cursor:
            for setting in (*SETTINGS, READ_ONE_MOMENT):
                cursor.execute(setting)
            cursor.execute(rows)
            yield from ParquetStream().chunks(cursor.fetch_record_batch())

    def close(self) -> None:
        if self.reader is not None:
            self.reader.close()
        super().close()


SETTINGS: Final = ("SET statement_timeout = 0", "SET timezone = 'UTC'")
READ_ONE_MOMENT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
FORMATS: Final[dict[str, type[Export]]] = {"jsonl": JsonLines, "parquet": Parquet}
