"""Where a run is worked on: the queue that it waits in, and the devices that it asks for."""

from sqlalchemy import ColumnElement, SQLColumnExpression, select
from sqlalchemy.orm import Session

from app.config import get_settings
from app.errors import Unprocessable
from app.runs.kinds import queue_of
from app.runs.leases import in_seconds
from app.runs.tables import Worker
from app.runs.turns import SEEN_SECONDS
from workers.rlhf.configs import SHARED


def serving(queue: SQLColumnExpression[str] | str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """What holds of the workers that take runs of `queue`."""
    return Worker.queues.any_() == queue, Worker.seen_at > in_seconds(-SEEN_SECONDS)


def queue_for(session: Session, kind: str, asked: str | None, devices: int | None) -> str:
    """The queue that a new run waits in; `Unprocessable` where nobody serves the one that was asked for.

    A run that asks for none waits in its kind's: a worker may come, and its page says that there is none.
    """
    queues = get_settings().all_queues
    if asked is not None and asked not in queues:
        raise Unprocessable(
            f"there is no queue {asked!r}; there are {', '.join(queues)}",
            field="queue",
            type="no-such-queue",
            advice="PLACKETT_QUEUES adds queues; leave it out and the run waits in its kind's.",
        )
    queue = asked or queue_of(kind)
    if asked is not None or (devices or 1) > 1:
        _require_workers(session, kind, queue, devices or 1)
    return queue


def _require_workers(session: Session, kind: str, queue: str, devices: int) -> None:
    most = session.scalars(select(Worker.processes).where(*serving(queue)).order_by(Worker.processes.desc())).first()
    if most is None:
        raise Unprocessable(
            f"no worker serves the queue {queue}: the run would wait for ever",
            field="queue",
            type="unserved-queue",
            advice=f"Start one with `plackett work {queue}`, or leave the queue to the kind of run.",
        )
    if devices > 1 and kind not in SHARED:
        raise Unprocessable(
            f"a {kind} run works in one process; {', '.join(sorted(SHARED))} can use several devices",
            field="devices",
            type="one-device",
            advice="Leave the devices open.",
        )
    if devices > most:
        raise Unprocessable(
            f"the run asks for {devices} devices, and a worker of the queue {queue} has {most} at most",
            field="devices",
            type="too-few-devices",
            advice="Ask for fewer, or leave them open: then it uses all that its worker has.",
        )
