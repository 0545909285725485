"""Statements that run with every judgment: compiled once, and sent over the session's own connection.

Building a result through SQLAlchemy's layers costs more than PostgreSQL needs to find it: a look-up by key takes about
150 µs of CPU here that way, 280 µs with two entities, and 65 and 110 µs as below. Everything that is not asked
all day long goes through the session.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Never

import psycopg
from psycopg import RawCursor
from sqlalchemy import Connection
from sqlalchemy import inspect as mapper_of
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql import ClauseElement

from app.db import Base

Row = Any
Values = Mapping[str, object]
DIALECT: Final = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
CURSOR: Final = "statements.cursor"


class Statement:
    """SQL with `:names`, or a query made of columns, that runs in a session's transaction.

    What the session has not written yet is written first. Rows are named tuples. A connection that broke is given up,
    and errors are SQLAlchemy's, as from `Session.execute`.
    """

    def __init__(self, written: ClauseElement) -> None:
        self.written = written
        self._names: tuple[str, ...] = ()

    def run(self, session: Session, values: Values) -> None:
        """Run it for what it does."""
        self.send(session, values)

    def one(self, session: Session, values: Values) -> Row:
        """The first row of an answer that always has one."""
        return self._read(self.send(session, values)[0])

    def one_or_none(self, session: Session, values: Values) -> Row | None:
        """The first row, or None."""
        rows = self.send(session, values)
        return self._read(rows[0]) if rows else None

    def _read(self, row: Sequence[Any]) -> Row:
        return self._row._make(row)

    def send(self, session: Session, values: Values) -> Sequence[Sequence[Any]]:
        """Send it; the rows as they come."""
        session.flush()
        connection = session.connection()
        cursor = _cursor_of(connection)
        try:
            cursor.execute(self.sql, self.parameters(values), prepare=True)
            if cursor.rownumber is None:
                return ()
            if not self._names:
                self._names = tuple(column.name for column in cursor.description or ())
            return cursor.fetchall()
        except psycopg.Error as error:
            self._give_up(connection, error)

    def parameters(self, values: Values) -> list[object]:
        """The values in the order of `places`, as they are sent."""
        given = {**self._constants, **values}
        return [given[name] if made is None else made(given[name]) for name, made in self._places]

    def _give_up(self, connection: Connection, error: psycopg.Error) -> Never:
        is_gone = bool(connection.connection.driver_connection.closed)  # type: ignore[union-attr]
        raised = DBAPIError.instance(
            self.sql, None, error, psycopg.Error, connection_invalidated=is_gone, dialect=DIALECT
        )
        if is_gone:
            connection.invalidate(error)
        raise raised from error

    @cached_property
    def sql(self) -> str:
        """What is sent: PostgreSQL's own `$1` for the parameters."""
        return str(self._compiled)

    @cached_property
    def _compiled(self) -> Any:
        return self.written.compile(dialect=DIALECT)

    @cached_property
    def places(self) -> list[str]:
        """The names behind `$1`, `$2` and so on."""
        return list(self._compiled.positiontup or ())

    @cached_property
    def _constants(self) -> dict[str, object]:
        return {name: value for name, value in self._compiled.params.items() if value is not None}

    @cached_property
    def _places(self) -> list[tuple[str, Callable[[object], object] | None]]:
        made = {
            name: bound.type.dialect_impl(DIALECT).bind_processor(DIALECT)
            for bound, name in self._compiled.bind_names.items()
        }
        return [(name, made[name]) for name in self.places]

    @cached_property
    def _row(self) -> Any:
        return namedtuple("Row", self._names, rename=True)


class EntityStatement(Statement):
    """A `select(Entity, …)`, or what it says `from_statement`; a row is a tuple of its parts in the query's order.

    The entities are copies that no session keeps: they can be read, and a change of one is written nowhere. An entity
    that an outer join did not find is None.
    """

    def __init__(self, written: Any) -> None:
        super().__init__(written)
        self._parts = [_part_of(described) for described in written.column_descriptions]

    def _read(self, row: Sequence[Any]) -> Row:
        parts, start = [], 0
        for entity, keys in self._parts:
            end = start + len(keys)
            parts.append(_copy(entity, keys, row[start:end]) if entity else row[start])
            start = end
        return tuple(parts)


def _part_of(described: Mapping[str, Any]) -> tuple[type[Base] | None, list[str]]:
    entity = described["entity"]
    if entity is None or described["expr"] is not entity:
        return None, [described["name"]]
    return entity, [attribute.key for attribute in mapper_of(entity).column_attrs]


def _copy(entity: type[Base], keys: Sequence[str], values: Sequence[Any]) -> Base | None:
    if all(value is None for value in values):
        return None
    copy = entity()
    vars(copy).update(zip(keys, values, strict=True))
    return copy


def _cursor_of(connection: Connection) -> RawCursor[tuple[Any, ...]]:
    """One cursor for a connection, which serves one request at a time: making one costs as much as using it."""
    cursor: RawCursor[tuple[Any, ...]] | None = connection.info.get(CURSOR)
    if cursor is None:
        driver = connection.connection.driver_connection
        cursor = connection.info[CURSOR] = RawCursor(driver)  # type: ignore[arg-type]
    return cursor
