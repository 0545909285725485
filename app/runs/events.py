"""A run's story: numbered events and figures, stored first, read by number."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.events import wake_after_commit
from app.runs.lifecycle import FINAL
from app.runs.tables import Run, RunEvent, RunMetric
from app.webhooks import outbox

NUMBER = text("UPDATE runs SET last_event_seq = last_event_seq + :count WHERE id = :run_id RETURNING last_event_seq")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, before it has its number."""

    type: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure at one step; `value` is None where it is not defined."""

    name: str
    step: int
    value: float | None


def moved(before: str | None, after: str, *, who: str, why: str) -> Event:
    """The event of a change of state."""
    return Event("state", {"from": before, "to": after, "who": who, "text": why})


def note(text: str, *, level: str = "info") -> Event:
    """A line for the run's log."""
    return Event("log", {"level": level, "text": text})


def append(session: Session, run_id: int, *happened: Event) -> None:
    """Store events under the run's next numbers; the row's lock keeps the numbers in order of commits."""
    if not happened:
        return
    last: int = session.execute(NUMBER, {"run_id": run_id, "count": len(happened)}).scalar_one()
    store(session, run_id, last, happened)


def store(session: Session, run_id: int, last: int, happened: Sequence[Event]) -> None:
    """Store events whose numbers, ending in `last`, the caller has already taken."""
    if happened:
        first = last - len(happened) + 1
        rows = [
            {"run_id": run_id, "seq": first + place, "type": event.type, "data": event.data}
            for place, event in enumerate(happened)
        ]
        session.execute(insert(RunEvent), rows)
    if any(event.type == "state" and event.data["to"] in FINAL for event in happened):
        _tell_webhooks(session, run_id)
    wake_after_commit(session, run_id)


def _tell_webhooks(session: Session, run_id: int) -> None:
    project_id = session.scalars(select(Run.project_id).where(Run.id == run_id)).one()
    outbox.put(session, project_id, outbox.RUN_FINISHED, run_id=run_id)


def add_metrics(session: Session, run_id: int, figures: Iterable[Metric]) -> None:
    """Store figures; one that a resumed run reports again replaces the first."""
    rows = {(figure.name, figure.step): figure.value for figure in figures}
    if not rows:
        return
    statement = upsert(RunMetric)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[RunMetric.run_id, RunMetric.name, RunMetric.step],
            set_={"value": statement.excluded.value},
        ),
        [{"run_id": run_id, "name": name, "step": step, "value": value} for (name, step), value in rows.items()],
    )


def after(session: Session, run_id: int, seq: int, limit: int = 500) -> list[RunEvent]:
    """The run's events after number `seq`, in order."""
    return list(
        session.scalars(
            select(RunEvent).where(RunEvent.run_id == run_id, RunEvent.seq > seq).order_by(RunEvent.seq).limit(limit)
        )
    )


def state_and_last_seq(session: Session, run_id: int) -> tuple[str, int]:
    """The run's state and its newest event's number, read together."""
    state, last = session.execute(select(Run.state, Run.last_event_seq).where(Run.id == run_id)).one()
    return state, last


def series(session: Session, run_id: int) -> dict[str, list[tuple[int, float | None]]]:
    """All figures of a run by name, in order of steps."""
    found: dict[str, list[tuple[int, float | None]]] = {}
    rows = session.execute(
        select(RunMetric.name, RunMetric.step, RunMetric.value)
        .where(RunMetric.run_id == run_id)
        .order_by(RunMetric.name, RunMetric.step)
    )
    for name, step, value in rows:
        found.setdefault(name, []).append((step, value))
    return found
