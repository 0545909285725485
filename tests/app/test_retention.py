"""What may be deleted, and what never: everything that lineage names stays, whatever its age."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import cli, retention
from app.auth.tables import AuditEvent
from app.config import Settings, get_settings
from app.datasets.tables import DatasetSnapshot
from app.registry import service as registry
from app.registry.service import NewModel
from app.runs.tables import Run, RunCheckpoint
from app.schema import metadata
from app.storage import FolderStore, verify
from tests.app.judgment_rows import World, a_world
from tests.conftest import Database
from tests.workers.jobs.stand_in import write_artifact

DAYS = 30


@pytest.fixture
def world(session: Session) -> World:
    return a_world(session)


@pytest.fixture
def store(settings: Settings) -> FolderStore:
    return FolderStore(settings.artifacts_dir)


@pytest.fixture
def put(store: FolderStore, tmp_path: Path) -> Callable[[str], str]:
    """A function that stores an artifact of its own, as if a month ago; its hash."""

    def make(weights: str) -> str:
        write_artifact(tmp_path / weights, kind="policy", weights=weights)
        sha256 = store.put(tmp_path / weights).sha256
        grow_old(store.folder(sha256))
        return sha256

    return make


def grow_old(path: Path, days: int = DAYS) -> None:
    long_ago = path.stat().st_mtime - days * 86_400
    os.utime(path, (long_ago, long_ago))


def found(session: Session, store: FolderStore) -> set[tuple[str, str]]:
    return {(one.kind, one.name) for one in retention.find(session, get_settings(), store)}


def clean(session: Session, store: FolderStore) -> set[str]:
    leftovers = retention.find(session, get_settings(), store)
    return {one.name for one in retention.remove(session, leftovers, store, actor=None)}


def a_run(world: World, state: str, *, days: int = DAYS, sha256: str | None = None) -> Run:
    """A run that ended so many days ago (or goes on), with a folder in which a checkpoint lies."""
    run = Run(project_id=world.project.id, kind="ppo", queue="training", config={}, seed=1, state=state)
    if state in {"succeeded", "failed", "cancelled"}:
        run.finished_at = func.now() - func.make_interval(0, 0, 0, days)
    if state == "succeeded":
        run.result = {"artifact": {"sha256": sha256, "bytes": 1} if sha256 else None, "metrics": {}, "report": {}}
    world.session.add(run)
    world.session.flush()
    write_artifact(get_settings().runs_dir / str(run.id) / "7" / "checkpoints" / "step-1", kind="policy", weights="c")
    return run


def name_each_way(world: World, put: Callable[[str], str]) -> list[str]:
    """An artifact for each way in which one can be named: a model of each stage, a base, a text, a run's result."""
    session, project_id = world.session, world.project.id
    base, live, archived, text, result = (put(name) for name in ("base", "live", "archived", "text", "result"))
    first = registry.register_model(session, NewModel(project_id=project_id, kind="base", artifact_sha256=base))
    more = {"project_id": project_id, "base_id": first.id, "parent_id": first.id}
    registry.register_model(session, NewModel(kind="policy", artifact_sha256=live, **more))
    put_away = registry.register_model(session, NewModel(kind="reward", artifact_sha256=archived, **more))
    registry.archive(session, put_away, actor=None)
    about = {"name": "Tales", "artifact_sha256": text}
    session.add(DatasetSnapshot(project_id=project_id, kind="text", content_hash="a", selection=about))
    a_run(world, "succeeded", sha256=result)
    return [base, live, archived, text, result]


def test_what_lineage_names_stays_and_an_orphan_goes(
    world: World, store: FolderStore, put: Callable[[str], str]
) -> None:
    named = name_each_way(world, put)
    orphan = put("orphan")
    gone = clean(world.session, store)
    assert orphan in gone
    assert not store.folder(orphan).exists()
    assert not gone & set(named)
    for sha256 in named:
        assert verify(store.folder(sha256)).sha256 == sha256


def test_without_the_names_all_of_them_would_go(
    world: World, store: FolderStore, put: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: nothing but the names keeps an old artifact."""
    named = name_each_way(world, put)
    monkeypatch.setattr(retention, "NAMED", select(Run.reason).where(Run.id == 0))
    assert set(named) <= clean(world.session, store)
    assert not any(store.folder(sha256).exists() for sha256 in named)


def test_every_column_that_names_an_artifact_is_asked() -> None:
    columns = {f"{table.name}.{column.name}" for table in metadata.sorted_tables for column in table.columns}
    assert {name for name in columns if "artifact" in name} == {
        "model_versions.artifact_sha256",
        "model_versions.artifact_bytes",
    }
    assert "model_versions" in str(retention.NAMED)


def test_a_dry_run_changes_nothing(world: World, store: FolderStore, put: Callable[[str], str]) -> None:
    orphan, ended = put("orphan"), a_run(world, "failed")
    for _ in range(2):
        assert found(world.session, store) == {("artifact", orphan), ("run", str(ended.id))}
    assert store.folder(orphan).is_dir()
    assert world.session.scalar(select(func.count()).where(AuditEvent.action == "storage.cleaned")) == 0


def test_what_is_new_stays(world: World, store: FolderStore, put: Callable[[str], str], tmp_path: Path) -> None:
    orphan = put("orphan")
    a_run(world, "failed", days=1)
    store.put(tmp_path / "orphan")
    assert found(world.session, store) == set(), "storing the same content again makes it new"
    grow_old(store.folder(orphan), days=6)
    assert found(world.session, store) == set()


@pytest.mark.parametrize("state", ["queued", "paused"])
def test_checkpoints_of_a_run_that_has_not_ended_stay(world: World, store: FolderStore, state: str) -> None:
    run = a_run(world, state)
    assert clean(world.session, store) == set()
    assert (get_settings().runs_dir / str(run.id) / "7" / "checkpoints" / "step-1").is_dir()


@pytest.mark.parametrize("state", ["failed", "cancelled", "succeeded"])
def test_checkpoints_of_a_run_that_ended_long_ago_go(world: World, store: FolderStore, state: str) -> None:
    run = a_run(world, state)
    world.session.add(RunCheckpoint(run_id=run.id, step=1, fence=7, path=str(run.id), manifest_sha256=b"", bytes=1))
    world.session.flush()
    assert clean(world.session, store) == {str(run.id)}
    world.session.expire_all()
    assert world.session.scalars(select(RunCheckpoint.retired_at)).one() is not None
    assert not (get_settings().runs_dir / str(run.id)).exists()


def test_a_run_that_is_continued_meanwhile_keeps_its_checkpoints(world: World, store: FolderStore) -> None:
    run = a_run(world, "cancelled")
    leftovers = retention.find(world.session, get_settings(), store)
    run.state, run.finished_at = "queued", None
    world.session.flush()
    assert retention.remove(world.session, leftovers, store, actor=None) == []
    assert (get_settings().runs_dir / str(run.id)).is_dir()


def test_a_run_that_was_continued_and_ended_anew_meanwhile_keeps_its_checkpoints(
    world: World, store: FolderStore
) -> None:
    run = a_run(world, "cancelled")
    leftovers = retention.find(world.session, get_settings(), store)
    run.finished_at = func.now()
    world.session.flush()
    assert retention.remove(world.session, leftovers, store, actor=None) == []
    assert (get_settings().runs_dir / str(run.id)).exists()


def test_an_artifact_that_is_named_meanwhile_comes_back(
    world: World, store: FolderStore, put: Callable[[str], str]
) -> None:
    orphan = put("orphan")
    leftovers = retention.find(world.session, get_settings(), store)
    new = NewModel(project_id=world.project.id, kind="base", artifact_sha256=orphan)
    registry.register_model(world.session, new)
    assert retention.remove(world.session, leftovers, store, actor=None) == []
    assert verify(store.folder(orphan)).sha256 == orphan


def test_an_artifact_that_is_stored_again_while_it_leaves_comes_back(
    store: FolderStore, put: Callable[[str], str], tmp_path: Path
) -> None:
    orphan = put("orphan")

    def store_again() -> bool:
        store.put(tmp_path / "orphan")
        return True

    (kept,) = store.kept()
    assert not store.let_go(kept, is_named=store_again)
    assert verify(store.folder(orphan)).sha256 == orphan
    assert [path.name for path in store.root.iterdir()] == [orphan[:2]]


def test_an_artifact_that_was_stored_again_since_it_was_listed_stays(
    session: Session, store: FolderStore, put: Callable[[str], str], tmp_path: Path
) -> None:
    """Whoever stored it may not have named it yet."""
    orphan = put("orphan")
    leftovers = retention.find(session, get_settings(), store)
    store.put(tmp_path / "orphan")
    assert retention.remove(session, leftovers, store, actor=None) == []
    assert verify(store.folder(orphan)).sha256 == orphan


def test_much_goes_in_batches(
    world: World, store: FolderStore, put: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(retention, "LONGEST_SECONDS", 600.0)
    named = name_each_way(world, put)
    orphans = {put(name) for name in "abc"}
    went = [retention.remove_some(world.session, get_settings(), store) for _ in range(4)]
    # The fourth is the folder of the run whose result is named.
    assert [len(batch) for batch in went] == [2, 2, 0, 0]
    assert orphans < {one.name for batch in went for one in batch}
    assert all(store.folder(sha256).is_dir() for sha256 in named)


def test_a_batch_ends_when_it_has_taken_long(
    world: World, store: FolderStore, put: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LONGEST_SECONDS", -1.0)
    for name in "ab":
        put(name)
    went = [retention.remove_some(world.session, get_settings(), store) for _ in range(3)]
    assert [len(batch) for batch in went] == [1, 1, 0]


def test_what_cannot_be_deleted_keeps_nothing_else_from_going(
    world: World, store: FolderStore, put: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 1)
    first, second = put("a"), put("b")
    stuck = retention.find(world.session, get_settings(), store)[0].name
    let_go = FolderStore.let_go
    monkeypatch.setattr(
        FolderStore, "let_go", lambda self, kept, **more: kept.sha256 != stuck and let_go(self, kept, **more)
    )
    (gone,) = retention.remove_some(world.session, get_settings(), store)
    assert {gone.name, stuck} == {first, second}


@pytest.mark.commits
def test_the_command_lists_and_deletes_only_when_it_is_told_to(
    committed_database: Database,
    use_settings: Callable[..., Settings],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = FolderStore(use_settings(database_url=committed_database.url).artifacts_dir)
    write_artifact(tmp_path / "made", kind="policy", weights="w")
    orphan = store.put(tmp_path / "made").sha256
    grow_old(store.folder(orphan))
    assert cli.main(["clean"]) == 0
    assert orphan in capsys.readouterr().out
    assert store.folder(orphan).is_dir()
    assert cli.main(["clean", "--delete"]) == 0
    assert "1 deleted" in capsys.readouterr().out
    assert not store.folder(orphan).exists()


def test_what_went_is_on_record(world: World, store: FolderStore, put: Callable[[str], str]) -> None:
    orphan = put("orphan")
    clean(world.session, store)
    row = world.session.scalars(select(AuditEvent).where(AuditEvent.action == "storage.cleaned")).one()
    assert row.detail["gone"] == [f"artifact {orphan}"]
    assert row.detail["bytes"] > 0
    clean(world.session, store)
    assert world.session.scalar(select(func.count()).where(AuditEvent.action == "storage.cleaned")) == 1


@pytest.fixture
def torn(settings: Settings) -> Iterator[list[Path]]:
    """What killed processes leave: a text's folder, an artifact on its way in, one on its way out."""
    data, artifacts = settings.data_dir.resolve(), settings.artifacts_dir
    left = [data / ".text-1", artifacts / ".incoming-1", artifacts / ".leaving-1"]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "part").write_text("x")
    yield left
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)


def test_what_a_killed_process_left_goes_after_a_day(world: World, store: FolderStore, torn: list[Path]) -> None:
    assert clean(world.session, store) == set()
    for folder in torn:
        grow_old(folder, days=2)
    assert clean(world.session, store) == {folder.name for folder in torn}
    assert not any(folder.exists() for folder in torn)
