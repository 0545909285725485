"""The duties that nobody asks for: `python -m workers.scheduler`. Several may run; each duty is safe to do twice."""

import logging
import signal
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, exists, func, inspect, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app import jobs, retention
from app.auth.tables import IdempotencyKey, SignInAttempt, SignInSession
from app.config import get_settings
from app.db import Base, transaction
from app.errors import AppError
from app.events import wake_after_commit
from app.loop import advancing, blind, pool, warning
from app.loop import service as loop
from app.projects.tables import Project
from app.runs import leases
from app.runs.placing import serving
from app.runs.tables import Run, ScheduleTick, Worker
from app.storage import store
from app.tasks import service as tasks
from app.webhooks import outbox
from app.webhooks.delivery import Couriers

logger = logging.getLogger("plackett.scheduler")

RETRAINING_SECONDS: Final = 10
UPKEEP_SECONDS: Final = 3600
RING_AGAIN_SECONDS: Final = 10.0
UNSERVED_SECONDS: Final = 60.0
# Rows of one table that one transaction forgets.
ROWS_AT_ONCE: Final = 5000
KEYS_KEPT: Final = timedelta(days=2)
couriers: Final = Couriers()
UNSERVED: Final = "No worker has taken this run for a minute. Is a worker for the queue {queue} running?"


def reap() -> None:
    """Take runs away from workers that fell silent."""
    settings = get_settings()
    with transaction() as session:
        lost = leases.reap(session, lease_seconds=settings.run_lease_seconds, max_stalls=settings.run_max_stalls)
        for run in lost:
            logger.warning("run %s was taken from a silent worker; it is %s now", run.id, run.state)


def ring() -> None:
    """Ring again for queued runs whose doorbell was lost or came too early."""
    with transaction() as session:
        due = leases.due_for_ringing(session, every_seconds=RING_AGAIN_SECONDS)
    jobs.ring_again(due)


def expire_leases() -> None:
    """Open slots again whose annotators went away."""
    with transaction() as session:
        tasks.expire_leases(session)


def advance_cycles() -> None:
    """Move cycles on whose run's worker could not, each in a transaction of its own."""
    with transaction() as session:
        cycle_ids = loop.cycles_under_way(session)
    one_by_one(cycle_ids, advancing.advance)


def count_votes() -> None:
    """End the blind comparisons that have their verdict, each in a transaction of its own."""
    with transaction() as session:
        comparison_ids = blind.open_comparisons(session)
    one_by_one(comparison_ids, blind.look)


def fill_pools() -> None:
    """Let live policies answer more prompts where few tasks are left."""
    one_by_one(projects(), pool.fill)


def warn_of_low_pools() -> None:
    """Put into the outbox that a project's people are about to wait for tasks."""
    one_by_one(projects(), warning.warn)


def deliver_webhooks() -> None:
    """Send couriers out with what the outbox holds; nobody waits for them."""
    couriers.send_out()


def retrain() -> None:
    """Start the cycles that projects' rules ask for; of several schedulers one does it."""
    one_by_one(projects(), retrain_project)


def retrain_project(session: Session, project_id: int) -> None:
    """The same for one project."""
    if loop.has_rule(session, project_id) and first_at_tick(session, f"retraining:{project_id}", RETRAINING_SECONDS):
        loop.start_due_cycle(session, project_id)


def notice_unserved() -> None:
    """Say on a run that it waits for a worker that is not there."""
    with transaction() as session:
        busy = select(Run.queue).where(Run.heartbeat_at > leases.in_seconds(-UNSERVED_SECONDS))
        waiting = session.scalars(
            select(Run)
            .where(
                Run.state == "queued",
                Run.notice.is_(None),
                Run.run_after < leases.in_seconds(-UNSERVED_SECONDS),
                Run.queue.not_in(busy),
                ~exists().where(*serving(Run.queue)),
            )
            .with_for_update(skip_locked=True)
        )
        for run in waiting:
            run.notice = UNSERVED.format(queue=run.queue)
            wake_after_commit(session, run.id)


def clean_up() -> None:
    """Forget what nobody can use any more: ended sign-ins, old answers, old ticks, lost workers; in several rounds.

    At once, a busy day's answers would run into the time limit of statements every hour, and none would ever go.
    """
    with transaction() as session:
        if not first_at_tick(session, "upkeep", UPKEEP_SECONDS):
            return
        gone = leases.in_seconds(-timedelta(days=1).total_seconds())
        more = [
            forget(session, SignInSession, SignInSession.expires_at < gone),
            forget(session, SignInAttempt, SignInAttempt.at < gone),
            forget(session, IdempotencyKey, IdempotencyKey.created_at < func.now() - KEYS_KEPT),
            forget(session, ScheduleTick, ScheduleTick.tick < gone),
            forget(session, Worker, Worker.seen_at < gone),
        ]
        outbox.drop_unheard(session)
        outbox.forget(session)
        if any(more):
            give_turn_back(session, "upkeep")


def clean_storage() -> None:
    """Delete from this machine some of what the retention policy lets go, and in the next round some more."""
    with transaction() as session:
        if not first_at_tick(session, "storage", UPKEEP_SECONDS):
            return
        gone = retention.remove_some(session, get_settings(), store())
        if gone:
            give_turn_back(session, "storage")
    for leftover in gone:
        logger.info("deleted %s %s, %s bytes", leftover.kind, leftover.name, leftover.size)


DUTIES: Final[tuple[Callable[[], None], ...]] = (
    reap,
    ring,
    expire_leases,
    count_votes,
    advance_cycles,
    retrain,
    fill_pools,
    warn_of_low_pools,
    deliver_webhooks,
    notice_unserved,
    clean_up,
    clean_storage,
)


def projects() -> list[int]:
    """Every project that is in use."""
    with transaction() as session:
        return list(session.scalars(select(Project.id).where(Project.archived_at.is_(None)).order_by(Project.id)))


def one_by_one(ids: Iterable[int], work: Callable[[Session, int], object]) -> None:
    """Do a duty's work for each project or cycle in a transaction of its own; a refusal of one stops no other."""
    for identity in ids:
        try:
            with transaction() as session:
                work(session, identity)
        except AppError as refusal:
            logger.warning("%s of %s was refused: %s", work.__name__, identity, refusal)
        except SQLAlchemyError:
            logger.exception("%s of %s failed; it comes round again", work.__name__, identity)


def first_at_tick(session: Session, name: str, seconds: int) -> bool:
    """Whether this scheduler is the first at the present turn of a periodic duty; the turn commits with the duty."""
    tick = func.date_bin(timedelta(seconds=seconds), func.now(), text("TIMESTAMPTZ '2000-01-01'"))
    taken = insert(ScheduleTick).values(name=name, tick=tick).on_conflict_do_nothing().returning(ScheduleTick.name)
    return session.execute(taken).first() is not None


def give_turn_back(session: Session, name: str) -> None:
    """Let the next round of any scheduler go on with a periodic duty, instead of its next turn."""
    session.execute(delete(ScheduleTick).where(ScheduleTick.name == name))


def forget(session: Session, table: type[Base], old: ColumnElement[bool]) -> bool:
    """Delete up to `ROWS_AT_ONCE` old rows of a table, less those that somebody holds; whether there may be more."""
    key = inspect(table).primary_key
    some = select(*key).where(old).limit(ROWS_AT_ONCE).with_for_update(skip_locked=True)
    deleted = session.execute(delete(table).where(tuple_(*key).in_(some)).returning(*key))
    return len(deleted.all()) == ROWS_AT_ONCE


def do_all() -> None:
    """One round. A duty that fails is logged and keeps nobody from theirs."""
    for duty in DUTIES:
        try:
            duty()
        except (SQLAlchemyError, AppError, OSError):
            logger.exception("%s failed; it comes round again", duty.__name__)


def main() -> None:
    """Do the rounds until SIGTERM or SIGINT."""
    settings = get_settings()
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    logger.info("the scheduler looks every %s s", settings.scheduler_seconds)
    while not over.wait(settings.scheduler_seconds):
        do_all()


if __name__ == "__main__":
    main()
