"""What the data folder can do without, and taking it away: never what lineage names, never what is new.

Named are the artifacts of every model version, of every text, and of every run's result. Let go are, after as many
days as the settings say, artifacts that nothing names and the working folders of ended runs with their checkpoints;
after one day, what a killed process never finished writing. All of it goes in batches, each in a transaction of its
own: whoever deletes is soon free for other duties, holds no row for long, and goes on where it was killed.
"""

import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from math import inf
from pathlib import Path
from time import monotonic
from typing import Final, Literal

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app import audit
from app.auth.tables import User
from app.config import Settings
from app.datasets import service as datasets
from app.datasets.texts import SCRATCH
from app.db import transaction
from app.runs.tables import Run, RunCheckpoint
from app.storage import ASIDE, LEAVING, ArtifactStore, Kept

SECONDS_A_DAY: Final = 86_400.0
MOST_LISTED: Final = 50
# A batch ends with so many, or with the one at which it has taken so long.
MOST_AT_ONCE: Final = 20
LONGEST_SECONDS: Final = 1.0

# Everything that may be asked for by its hash, now or by somebody who follows a lineage years later.
NAMED: Final = text(
    """
    SELECT artifact_sha256 FROM model_versions WHERE artifact_sha256 IS NOT NULL
    UNION SELECT selection ->> 'artifact_sha256' FROM dataset_snapshots WHERE selection ? 'artifact_sha256'
    UNION SELECT result -> 'artifact' ->> 'sha256' FROM runs WHERE result -> 'artifact' ->> 'sha256' IS NOT NULL
    """
)

Kind = Literal["artifact", "run", "unfinished"]


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that can go: an artifact (`name` is its hash), a run's folder (its number), or a torn folder.

    `at`: when it was last stored, in seconds since 1970; `finished_at`: when the run ended.
    """

    kind: Kind
    name: str
    path: Path
    size: int
    at: float = 0.0
    finished_at: datetime | None = None


def find(session: Session, settings: Settings, store: ArtifactStore) -> list[Leftover]:
    """What can go now. Changes nothing."""
    return list(_leftovers(session, settings, store))


def _leftovers(session: Session, settings: Settings, store: ArtifactStore) -> Iterator[Leftover]:
    datasets.take_your_time(session)
    yield from _artifacts(session, settings, store)
    yield from _runs(session, settings)
    yield from _unfinished(settings)


def _artifacts(session: Session, settings: Settings, store: ArtifactStore) -> Iterator[Leftover]:
    # Listed before the names are read: an artifact that is stored and named meanwhile is not in the list.
    old = [kept for kept in store.kept() if kept.at < time.time() - settings.retention_days * SECONDS_A_DAY]
    named = set(session.scalars(NAMED))
    for kept in old:
        if kept.sha256 not in named:
            yield Leftover("artifact", kept.sha256, kept.path, size_of(kept.path), kept.at)


def _runs(session: Session, settings: Settings) -> Iterator[Leftover]:
    folders = {int(path.name): path for path in settings.runs_dir.glob("[0-9]*") if path.name.isdecimal()}
    long_ago = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, settings.retention_days * SECONDS_A_DAY)
    ended = select(Run.id, Run.finished_at).where(Run.id.in_(folders), Run.finished_at < long_ago).order_by(Run.id)
    for run_id, finished_at in session.execute(ended):
        yield Leftover("run", str(run_id), folders[run_id], size_of(folders[run_id]), finished_at=finished_at)


def _unfinished(settings: Settings) -> Iterator[Leftover]:
    yesterday = time.time() - SECONDS_A_DAY
    torn = [path for mark in (ASIDE, LEAVING) for path in settings.artifacts_dir.glob(f"{mark}*")]
    for path in [*torn, *settings.data_dir.resolve().glob(f"{SCRATCH}*")]:
        if path.stat().st_mtime < yesterday:
            yield Leftover("unfinished", path.name, path, size_of(path))


def clean(settings: Settings, store: ArtifactStore) -> Iterator[Leftover]:
    """Take away everything that can go, a batch a transaction; what went."""
    while True:
        with transaction() as session:
            gone = remove_some(session, settings, store)
        if not gone:
            return
        yield from gone


def remove_some(session: Session, settings: Settings, store: ArtifactStore) -> list[Leftover]:
    """Take one batch away; what went. Nothing went: nothing is left that could.

    Only what goes counts, so that folders which nobody may delete stand in no other's way.
    """
    leftovers = _leftovers(session, settings, store)
    return remove(session, leftovers, store, actor=None, most=MOST_AT_ONCE, seconds=LONGEST_SECONDS)


def remove(
    session: Session,
    leftovers: Iterable[Leftover],
    store: ArtifactStore,
    *,
    actor: User | None,
    most: float = inf,
    seconds: float = inf,
) -> list[Leftover]:
    """Take these away, until `most` went or `seconds` are over; those that went.

    What has been named, or stored anew, since it was found stays.
    """
    gone: list[Leftover] = []
    over = monotonic() + seconds
    for one in leftovers:
        if _remove(session, one, store):
            gone.append(one)
            if len(gone) >= most or monotonic() > over:
                break
    if gone:
        audit.record(
            session,
            actor=actor,
            action="storage.cleaned",
            object_type="storage",
            object_id="artifacts",
            detail={
                "count": len(gone),
                "bytes": sum(one.size for one in gone),
                "gone": [f"{one.kind} {one.name}" for one in gone[:MOST_LISTED]],
            },
        )
    return gone


def _remove(session: Session, leftover: Leftover, store: ArtifactStore) -> bool:
    if leftover.kind == "artifact":
        kept = Kept(leftover.name, leftover.path, leftover.at)
        return store.let_go(kept, is_named=lambda: leftover.name in set(session.scalars(NAMED)))
    if leftover.kind == "run" and not _give_up_checkpoints(session, int(leftover.name), leftover.finished_at):
        return False
    shutil.rmtree(leftover.path, ignore_errors=True)
    return not leftover.path.exists()


def _give_up_checkpoints(session: Session, run_id: int, finished_at: datetime | None) -> bool:
    """Retire what the run could be continued from, unless it was: a cancelled run may go on, and may have ended anew.

    The run's row is held until its folder is gone, so that nobody continues it now.
    """
    ended = select(Run.id).where(Run.id == run_id, Run.finished_at == finished_at).with_for_update(skip_locked=True)
    if session.scalars(ended).one_or_none() is None:
        return False
    kept = (RunCheckpoint.run_id == run_id, RunCheckpoint.retired_at.is_(None))
    session.execute(update(RunCheckpoint).where(*kept).values(retired_at=func.now()))
    return True


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
