"""Lists by keyset: a page starts after the last row of the one before, so it neither slows down nor skips."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.errors import Unprocessable

Row = TypeVar("Row")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How many rows, after which one."""

    limit: int = 50
    cursor: str | None = None

    def after_id(self) -> int | None:
        """The id the page starts after; `Unprocessable` when the cursor is none of ours."""
        if self.cursor is None:
            return None
        if not self.cursor.isascii() or not self.cursor.isdigit() or len(self.cursor) > 18:
            raise Unprocessable(
                "cursor is not one that this list gave out", advice="Start from the first page.", field="cursor"
            )
        return int(self.cursor)


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Rows(Generic[Row]):
    """The rows of one page, before they take their wire format."""

    items: list[Row]
    next_cursor: str | None


def page_by_id(
    session: Session,
    query: Select[Row],
    key: InstrumentedAttribute[int],
    page: PageRequest,
    *,
    newest_first: bool = True,
) -> Rows[Row]:
    """One page of `query`, ordered by the identity column `key` of its rows."""
    after = page.after_id()
    if after is not None:
        query = query.where(key < after if newest_first else key > after)
    query = query.order_by(key.desc() if newest_first else key.asc()).limit(page.limit + 1)
    rows: list[Any] = list(session.scalars(query))
    items = rows[: page.limit]
    more = len(rows) > page.limit
    return Rows(items=items, next_cursor=str(getattr(items[-1], key.key)) if more else None)
