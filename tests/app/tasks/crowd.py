"""A crowd of annotators who do what people and networks do, against any desk; and what must be true when they are done.

Each person takes one step at a time: claim, submit, skip, doze until the lease is over, submit late or out of order,
send twice. Each transaction may die: rolled back or its connection cut before the commit, its answer lost after it.
Whoever gets no answer sends the same request again under the same key, as the page does.
"""

from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from threading import Lock
from time import monotonic, sleep
from typing import Any, Protocol

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db import transaction
from app.errors import Conflict

THREADS = 16
LEASE_SECONDS = 3.0
BEFORE_COMMIT, AFTER_COMMIT = 0.04, 0.04


class CrashError(Exception):
    """The process ended in the middle of its transaction, or before anybody heard of its end."""


@dataclass(frozen=True)
class Held:
    """What a claim gave: an assignment, and its completions in the order shown."""

    assignment_id: int
    shown_order: list[int]


class Desk(Protocol):
    """What is put to the test. Every method runs within the given transaction."""

    def claim(self, session: Session, person_id: int, holding: list[int]) -> Held | None:
        """Lease something to a person."""

    def submit(self, session: Session, person_id: int, held: Held, key: str) -> int:
        """Write a judgment; its id."""

    def skip(self, session: Session, person_id: int, held: Held) -> None:
        """Pass something on."""

    def expire(self, session: Session) -> None:
        """Take back what people let lie too long."""


@dataclass
class Events:
    """How often each thing happened, so that a run without crashes cannot pass for one with them."""

    counts: Counter[str] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def note(self, what: str) -> None:
        """One more of these."""
        with self.lock:
            self.counts[what] += 1


@dataclass
class Person:
    """One annotator: what they hold, what they still have to send, and what they were told (key to judgment)."""

    user_id: int
    random: Random
    desk: Desk
    events: Events
    holds: list[Held] = field(default_factory=list)
    late: list[tuple[float, Held]] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)

    def step(self) -> bool:
        """Do one thing; whether there was anything to do."""
        if self.late and self.late[0][0] < monotonic():
            self.send(self.late.pop(0)[1], "late")
        elif len(self.holds) == 2 or (self.holds and self.random.random() < 0.5):
            self.deal_with(self.holds.pop(self.random.randrange(len(self.holds))))
        else:
            return self.claim()
        return True

    def claim(self) -> bool:
        """Ask for work. An answer that is lost is asked for again: the desk gives what is not in `holding`."""
        found = self.attempt(
            lambda session: self.desk.claim(session, self.user_id, [h.assignment_id for h in self.holds])
        )
        if found is None:
            return bool(self.holds or self.late)
        self.holds.append(found)
        return True

    def deal_with(self, held: Held) -> None:
        """Judge, skip, or walk away and come back late."""
        dice = self.random.random()
        if dice < 0.06:
            self.skip(held)
        elif dice < 0.12:
            self.late.append((monotonic() + LEASE_SECONDS * 1.1, held))
        elif dice < 0.22:
            self.send_twice_at_once(held)
        else:
            self.send(held, "first")

    def skip(self, held: Held) -> None:
        """Pass it on. A lease that ran out and was given anew may have been judged meanwhile: then it stays judged."""
        try:
            self.attempt(lambda session: self.desk.skip(session, self.user_id, held))
        except Conflict as refusal:
            if refusal.type != "already-submitted":
                raise
            self.events.note("skipped too late")
        else:
            self.events.note("skipped")

    def send(self, held: Held, occasion: str) -> None:
        """Submit until there is an answer, which is always the same."""
        key = f"{self.user_id}-{held.assignment_id}-{occasion}-key"
        while True:
            try:
                answer = self.attempt(lambda session: self.desk.submit(session, self.user_id, held, key))
            except Conflict as refusal:
                if refusal.retry_after_seconds is None:
                    raise
                self.events.note("in progress")
                sleep(0.02)
                continue
            assert self.told.setdefault(key, answer) == answer
            self.events.note(occasion)
            return

    def send_twice_at_once(self, held: Held) -> None:
        """A double click: two requests with one key."""
        with ThreadPoolExecutor(2) as tabs:
            for tab in [tabs.submit(self.send, held, "twice") for _ in range(2)]:
                tab.result()

    def attempt(self, work: Callable[[Session], Any]) -> Any:
        """Do `work` in a transaction of its own, again and again until its answer arrives."""
        while True:
            try:
                with self.transaction() as session:
                    answer = work(session)
            except (CrashError, DBAPIError):
                continue
            if self.random.random() < AFTER_COMMIT:
                self.events.note("answer lost")
                continue
            return answer

    @contextmanager
    def transaction(self) -> Generator[Session]:
        """A transaction that may die before its commit, by itself or with its connection."""
        with transaction() as session:
            yield session
            dice = self.random.random() / BEFORE_COMMIT
            if dice < 0.8:
                self.events.note("rolled back")
                raise CrashError
            if dice < 0.9:
                self.events.note("connection cut")
                session.connection().connection.driver_connection.close()
            elif dice < 1:
                self.events.note("backend killed")
                session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


@dataclass
class Crowd:
    """Everybody at work at once, in a bounded number of threads."""

    people: list[Person]
    desk: Desk
    random: Random

    def work(self, seconds: float, meanwhile: Callable[[], None]) -> None:
        """Let them work until nobody finds anything, at most `seconds`; `meanwhile` runs beside them all the time."""
        deadline = monotonic() + seconds
        with ThreadPoolExecutor(THREADS + 1) as pool:
            beside = pool.submit(self._beside, meanwhile, deadline)
            while monotonic() < deadline:
                order = self.random.sample(self.people, len(self.people))
                if not any(list(pool.map(Person.step, order))):
                    break
            self.done = True
            beside.result()

    done = False

    def _beside(self, meanwhile: Callable[[], None], deadline: float) -> None:
        while not self.done and monotonic() < deadline:
            meanwhile()
            sleep(0.05)

    def finish(self) -> None:
        """Whoever still holds something sends it; then what expired is claimed and judged in peace."""
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._send_all, self.people))
            self._take_back_everything()
            list(pool.map(self._empty_the_queue, self.people))

    def _send_all(self, person: Person) -> None:
        for held in [*person.holds, *(held for _, held in person.late)]:
            person.send(held, "last")
        person.holds, person.late = [], []

    def _take_back_everything(self) -> None:
        sleep(LEASE_SECONDS)
        with transaction() as session:
            self.desk.expire(session)

    def _empty_the_queue(self, person: Person) -> None:
        while person.claim() and person.holds:
            person.send(person.holds.pop(), "in peace")


def rows(engine: Engine, statement: str) -> list[Any]:
    """What the database says."""
    with engine.connect() as connection:
        return list(connection.execute(text(statement)))


def check_exactly_n(engine: Engine) -> None:
    """Every task has as many judgments that count as it wants, by as many people."""
    wrong = rows(
        engine,
        """
        SELECT t.id, t.overlap, count(r.id), count(DISTINCT r.annotator_id) FROM tasks t
        LEFT JOIN rankings r ON r.task_id = t.id AND NOT r.extra AND r.superseded_by_id IS NULL
        GROUP BY t.id HAVING count(r.id) <> t.overlap OR count(DISTINCT r.annotator_id) <> t.overlap""",
    )
    assert wrong == [], f"{len(wrong)} tasks have too many or too few judgments"


def check_nothing_lost_nothing_twice(engine: Engine, people: list[Person]) -> None:
    """Every answer is in the table, and nothing is there that nobody was told."""
    stored = {row.id: row.annotator_id for row in rows(engine, "SELECT id, annotator_id FROM rankings")}
    told = {judgment: person.user_id for person in people for judgment in person.told.values()}
    assert told == stored
    twice = rows(engine, "SELECT task_id FROM rankings GROUP BY task_id, annotator_id HAVING count(*) > 1")
    assert twice == []


def check_books(engine: Engine) -> None:
    """Slots, tasks, pairs, audit rows and day counters say the same as the judgments."""
    for statement in BOOKS:
        assert rows(engine, statement) == [], statement


BOOKS = [
    """SELECT t.id FROM tasks t WHERE t.state <> 'done' OR t.overlap <> (
         SELECT count(*) FROM task_slots s JOIN rankings r ON r.assignment_id = s.assignment_id AND NOT r.extra
         WHERE s.task_id = t.id AND s.state = 'filled')""",
    "SELECT id FROM task_slots WHERE state IN ('open', 'leased')",
    """SELECT r.id FROM rankings r
       WHERE (SELECT count(*) FROM comparisons c WHERE c.ranking_id = r.id) <> 6
          OR (SELECT count(*) FROM ranking_items i WHERE i.ranking_id = r.id) <> 4
          OR (SELECT count(*) FROM audit_events e WHERE e.object_type = 'ranking' AND e.object_id = r.id::text) <> 1
          OR (SELECT a.state FROM assignments a WHERE a.id = r.assignment_id) <> 'submitted'""",
    """SELECT d.annotator_id FROM annotator_days d
       WHERE d.judged <> (SELECT count(*) FROM rankings r WHERE r.annotator_id = d.annotator_id)""",
    "SELECT id FROM assignments WHERE state = 'leased'",
]
