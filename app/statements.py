"""Statements that run with every judgment: compiled once, and sent over the session's own connection.

Building a result through SQLAlchemy's layers costs more than PostgreSQL needs to find it: a look-up by key takes about
150 µs of CPU here that way, 280 µs with two entities. Everything that is not asked all day long goes through the
session.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, Final, Never, TypeVar

import psycopg
from psycopg import RawCursor
from psycopg.types.json import set_json_loads
from pydantic_core import from_json
from sqlalchemy import Connection
from sqlalchemy import inspect as mapper_of
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.sql import ClauseElement
from sqlalchemy.types import Integer, TypeEngine

Row = Any
Entity = TypeVar("Entity")
Values = Mapping[str, object]
Cursor = RawCursor[tuple[Any, ...]]
DIALECT: Final = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
CURSOR: Final = "statements_cursor"


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
        cursor, connection = _cursor_of(session)
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
        made = {name: _processor(bound.type) for bound, name in self._compiled.bind_names.items()}
        return [(name, made[name]) for name in self.places]

    @cached_property
    def _row(self) -> Any:
        return namedtuple("Row", self._names, rename=True)


class EntityStatement(Statement):
    """A `select(Entity, …)`, or what it says `from_statement`; a row is a tuple of its parts in the query's order.

    The entities are copies that no session keeps: they can be read, and cannot be changed. An entity that an outer join
    did not find is None.
    """

    def __init__(self, written: Any) -> None:
        super().__init__(written)
        self._parts: list[tuple[Callable[[Sequence[Any]], Any], int, int]] = []
        start = 0
        for described in written.column_descriptions:
            make, width = _part_of(described)
            self._parts.append((make, start, start + width))
            start += width

    def _read(self, row: Sequence[Any]) -> Row:
        return tuple([make(row[start:end]) for make, start, end in self._parts])


def _part_of(described: Mapping[str, Any]) -> tuple[Callable[[Sequence[Any]], Any], int]:
    entity = described["entity"]
    if entity is None or described["expr"] is not entity:
        return itemgetter(0), 1
    keys = [attribute.key for attribute in mapper_of(entity).column_attrs]
    # Making an object of the entity's own class would take longer than all else that is done with the row.
    make = namedtuple(entity.__name__, keys)._make  # type: ignore[attr-defined]  # fields from columns
    return lambda values: None if values.count(None) == len(values) else make(values), len(keys)


def as_object(entity: type[Entity], copy: Entity) -> Entity:
    """What `copy` says as an object of the entity's own class, which no session keeps."""
    return entity(**copy._asdict())  # type: ignore[attr-defined]  # a named tuple, as `_part_of` makes them


def as_array(numbers: Iterable[int | None]) -> str:
    """PostgreSQL's notation of an array of numbers or truths; the driver takes its time over a list's elements."""
    return "{" + ",".join(["NULL" if number is None else str(number) for number in numbers]) + "}"


def _processor(kind: TypeEngine[Any]) -> Callable[[Any], object] | None:
    if isinstance(kind, ARRAY) and isinstance(kind.item_type, Integer):
        return as_array
    return kind.dialect_impl(DIALECT).bind_processor(DIALECT)


def _cursor_of(session: Session) -> tuple[Cursor, Connection]:
    """One cursor for a connection, which serves one request at a time: making one costs as much as using it.

    It is looked for once in a transaction, which keeps its connection to the end.
    """
    transaction = session.get_transaction()
    known: tuple[SessionTransaction, Cursor, Connection] | None = session.info.get(CURSOR)
    if known is not None and known[0] is transaction:
        return known[1:]
    connection = session.connection()
    cursor: Cursor | None = connection.info.get(CURSOR)
    if cursor is None:
        cursor = connection.info[CURSOR] = RawCursor(connection.connection.driver_connection)  # type: ignore[arg-type]
        set_json_loads(from_json, cursor)
    session.info[CURSOR] = session.get_transaction(), cursor, connection
    return cursor, connection
