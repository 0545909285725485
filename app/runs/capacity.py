"""Whether a run fits the workers that are there: what they offer, what it takes, how long the like of it took."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any, Final, Protocol

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.errors import Unprocessable
from app.registry.tables import ModelVersion
from app.runs import estimates, work
from app.runs.amounts import data_of
from app.runs.estimates import HARDWARES, Smaller
from app.runs.shapes import Shape, built, shape_of
from app.runs.tables import Run, Worker
from app.runs.work import Player, Work
from app.storage import DamagedArtifactError, store
from workers.rlhf.configs import SHARED

# A worker that has said nothing for so long is gone.
LIVE_SECONDS: Final = 60
# The pace of a run is that of so many earlier ones at most.
EARLIER: Final = 5
MODEL: Final = "config.json"
# So many settings are named in advice.
NAMED: Final = 3
GIGABYTE: Final = 1e9
# Nobody needs to know how much more an absurd run would take.
MOST_BYTES: Final = 2**60
LARGER: Final = "A smaller model takes less, and a worker with more memory takes it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a worker has, as in `Worker`."""

    name: str
    queues: list[str]
    kind: str
    room_bytes: int
    memory_bytes: int
    cores: int
    processes: int
    devices: list[dict[str, Any]]
    machine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run takes: tokens in all, bytes by hardware and by what they are for, settings that take less.

    `base` names the weights that the work is done on: runs on the same ones go at the same pace.
    """

    tokens: int
    memory: Mapping[str, Mapping[str, int]]
    smaller: Mapping[str, Sequence[Smaller]]
    base: str

    def takes(self, hardware: str) -> int:
        """Bytes on such hardware."""
        return min(MOST_BYTES, sum(self.memory[hardware].values()))

    def kept(self, *, insisted: bool) -> dict[str, Any]:
        """What the run's row keeps of it, and whether somebody wants the run whatever it says."""
        taken = {name: self.takes(name) for name in self.memory}
        return {"tokens": self.tokens, "memory": taken, "base": self.base, "insisted": insisted}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A worker that is there, its bytes for a process of the run, those that one takes there, and the seconds that the
    run takes, by so many earlier runs.
    """

    worker: Worker
    room: int
    takes: int
    seconds: float | None
    earlier: int

    @property
    def fits(self) -> bool:
        """Whether there is room for it."""
        return self.takes <= self.room


class Lender(Protocol):
    """What lends memory to the processes of a run: a `Worker`, or the hardware that a worker finds."""

    @property
    def kind(self) -> str: ...
    @property
    def room_bytes(self) -> int: ...
    @property
    def memory_bytes(self) -> int: ...


def processes_of(kind: str, devices: int | None, most: int) -> int:
    """How many processes share a run that asks for so many devices, on a worker that gives so many at most."""
    return min(devices or most, most) if kind in SHARED else 1


def room_of(lender: Lender, processes: int) -> int:
    """Bytes for each of so many processes: a device has its own memory, the machine's is shared."""
    if lender.kind != "cpu":
        return lender.room_bytes
    return min(lender.room_bytes, lender.memory_bytes // processes)


def offer(session: Session, offered: Offer) -> None:
    """Say that a worker is there, and what it has."""
    said = asdict(offered)
    statement = insert(Worker).values(**said)
    session.execute(statement.on_conflict_do_update(index_elements=[Worker.name], set_={**said, "seen_at": func.now()}))


def withdraw(session: Session, name: str) -> None:
    """Say that a worker is gone."""
    session.execute(delete(Worker).where(Worker.name == name))


def live_workers(session: Session, queue: str) -> list[Worker]:
    """The workers of a queue that said lately that they are there, the largest first."""
    seen = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, LIVE_SECONDS)
    query = select(Worker).where(Worker.queues.contains([queue]), Worker.seen_at > seen)
    return list(session.scalars(query.order_by(Worker.room_bytes.desc(), Worker.name)))


def estimate(
    session: Session,
    kind: str,
    project_id: int,
    config: Mapping[str, Any],
    inputs: dict[str, Any],
    *,
    devices: int | None = None,
) -> Estimate | None:
    """What such a run takes; None where nothing is known of its models, or the kind is none that a model works in.

    A run that leaves its devices open counts as the work of one process: nobody knows yet how many its worker gives.
    """
    asked = _work(session, kind, project_id, config, inputs)
    if asked is None:
        return None
    asked = replace(asked, processes=processes_of(kind, devices, devices or 1))
    return Estimate(
        tokens=work.tokens(asked),
        memory={hardware: estimates.memory(asked, hardware) for hardware in HARDWARES},
        smaller={hardware: estimates.smaller(asked, hardware) for hardware in HARDWARES},
        base=asked.leading.base,
    )


def _work(
    session: Session, kind: str, project_id: int, config: Mapping[str, Any], inputs: dict[str, Any]
) -> Work | None:
    if kind not in work.TOKENS:
        return None
    versions = {role: session.get_one(ModelVersion, one) for role, one in inputs.get("models", {}).items()}
    # Compared with only after the new one was let go.
    versions.pop("live", None)
    players = {role: _player(session, version) for role, version in versions.items()}
    if kind == "pretrain" and not players:
        players = {"base": Player(shape=built(config), base="new")}
    known = {role: player for role, player in players.items() if player is not None}
    if not known or len(known) < len(players):
        return None
    return Work(kind=kind, config=config, players=known, data=data_of(session, kind, project_id, inputs))


def _player(session: Session, version: ModelVersion) -> Player | None:
    base = session.get_one(ModelVersion, version.base_id) if version.base_id else version
    shape = _shape(base.artifact_sha256) if base.artifact_sha256 else None
    return None if shape is None else Player(shape=shape, base=str(base.artifact_sha256), adapter=base is not version)


@lru_cache(maxsize=256)
def _shape(artifact_sha256: str) -> Shape | None:
    try:
        return shape_of(json.loads(store().text(artifact_sha256, MODEL)))
    except (DamagedArtifactError, OSError, ValueError):
        return None


def places(
    session: Session, kind: str, project_id: int, queue: str, found: Estimate, *, devices: int | None = None
) -> list[Place]:
    """The workers that such a run could go to, those with the most room first: they have the devices it asks for."""
    paces: dict[str, tuple[float | None, int]] = {}
    seen = []
    for worker in live_workers(session, queue):
        if worker.processes < (devices or 1):
            continue
        if worker.machine not in paces:
            paces[worker.machine] = _pace(session, kind, project_id, worker.machine, found.base, devices)
        pace, earlier = paces[worker.machine]
        seconds = None if pace is None else found.tokens / pace
        room = room_of(worker, processes_of(kind, devices, worker.processes))
        seen.append(Place(worker=worker, room=room, takes=found.takes(worker.kind), seconds=seconds, earlier=earlier))
    return sorted(seen, key=lambda place: -place.room)


def _pace(
    session: Session, kind: str, project_id: int, machine: str, base: str, devices: int | None
) -> tuple[float | None, int]:
    """Tokens a second of earlier runs of the kind on such a machine, as many devices and these weights, and how many
    there were.

    Runs that were broken off in between say nothing: nobody knows how long they rested.
    """
    lasted = func.extract("epoch", Run.finished_at - Run.started_at)
    newest = (
        select(Run.estimate["tokens"].as_float().label("tokens"), lasted.label("seconds"))
        .where(Run.project_id == project_id, Run.kind == kind, Run.state == "succeeded", Run.attempt == 1)
        .where(Run.machine == machine, Run.estimate["base"].as_string() == base)
        .where(Run.devices.is_not_distinct_from(devices))
        .order_by(Run.id.desc())
        .limit(EARLIER)
        .subquery()
    )
    tokens, seconds, count = session.execute(
        select(func.sum(newest.c.tokens), func.sum(newest.c.seconds), func.count())
    ).one()
    return (float(tokens) / float(seconds), count) if tokens and seconds else (None, 0)


def require_room(session: Session, run: Run, found: Estimate | None) -> None:
    """`Unprocessable` of the type `does-not-fit` where every worker of the run's queue that is there is too small."""
    if found is None:
        return
    seen = places(session, run.kind, run.project_id, run.queue, found, devices=run.devices)
    if not seen or any(place.fits for place in seen):
        return
    largest = seen[0]
    kind, room = largest.worker.kind, largest.room
    settings = in_order(found, kind, room)
    raise Unprocessable(
        f"the run would take about {words(largest.takes)}; the largest worker has {words(room)}",
        field=f"config.{settings[0].setting}" if settings else None,
        type="does-not-fit",
        advice=advice(found, kind, room),
    )


def in_order(found: Estimate, kind: str, room: int) -> Sequence[Smaller]:
    """The settings to change: those of which one is enough to fit there, or else those that bring most."""
    smaller = found.smaller[kind]
    return [one for one in smaller if one.memory <= room][:NAMED] or smaller[:NAMED]


def advice(found: Estimate, kind: str, room: int) -> str:
    """What to change so that the run fits there, with what it would take then."""
    settings = in_order(found, kind, room)
    if not settings:
        return LARGER
    several = "One of these is enough" if settings[0].memory <= room else "None of these is enough alone"
    named = "; ".join(f"{one.setting} = {one.value} (about {words(one.memory)})" for one in settings)
    return f"{several}: {named}. {LARGER}"


def words(size: int) -> str:
    """Bytes in words: "12.3 GB"."""
    return f"{size / GIGABYTE:.1f} GB"
