"""A full disk: the run ends with a reason, nothing torn is kept, and no checkpoint is lost."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from app import storage
from app.config import get_settings
from app.db import transaction
from app.registry.tables import ModelVersion
from app.runs.tables import RunCheckpoint
from app.storage import ASIDE, DamagedArtifactError, FolderStore, lay, verify
from tests.workers.jobs.stage import Working, behave, read_run, until
from tests.workers.jobs.stand_in import write_artifact
from workers.jobs import execution

Start = Callable[..., int]


def fill_the_disk(monkeypatch: pytest.MonkeyPatch, below: str) -> None:
    """From now on nothing below a folder of such a name reaches the disk."""
    real = storage.fsync

    def refuse(path: Path) -> None:
        if any(part.startswith(below) for part in path.parts):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path)

    monkeypatch.setattr(storage, "fsync", refuse)


def checkpoints(run_id: int) -> list[RunCheckpoint]:
    with transaction() as session:
        mine = (RunCheckpoint.run_id == run_id, RunCheckpoint.retired_at.is_(None))
        return list(session.scalars(select(RunCheckpoint).where(*mine).order_by(RunCheckpoint.step)))


@pytest.mark.commits
def test_a_result_that_finds_no_room_is_a_clear_failure_and_keeps_the_checkpoints(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    behave(monkeypatch, "save_then_work_for_ever")
    run_id = start("reward")
    job = Working(run_id).start()
    until(lambda: len(checkpoints(run_id)) == 2)
    execution.stopping.set()
    job.join()
    execution.stopping.clear()

    fill_the_disk(monkeypatch, ASIDE)
    execution.execute(run_id)
    run = read_run(run_id)
    assert (run.state, run.reason) == ("failed", "disk_full")
    assert "checkpoints are kept" in (run.advice or "")
    kept = checkpoints(run_id)
    assert [checkpoint.step for checkpoint in kept] == [2, 3]
    for checkpoint in kept:
        folder = get_settings().data_dir.resolve() / checkpoint.path
        assert bytes.fromhex(verify(folder).sha256) == checkpoint.manifest_sha256
    assert not list(get_settings().artifacts_dir.glob(f"{ASIDE}*"))
    with transaction() as session:
        assert session.scalars(select(ModelVersion).where(ModelVersion.run_id == run_id)).one_or_none() is None


def test_an_artifact_that_finds_no_room_is_not_there_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256, _ = write_artifact(tmp_path / "made", kind="policy", weights="w")
    store = FolderStore(tmp_path / "artifacts")
    with monkeypatch.context() as full:
        fill_the_disk(full, ASIDE)
        with pytest.raises(OSError, match="No space left"):
            store.put(tmp_path / "made")
        assert list(store.root.iterdir()) == []
    assert store.put(tmp_path / "made").sha256 == sha256


def test_one_that_is_written_in_its_place_would_be_there_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without the folder aside a full disk leaves an artifact that its manifest contradicts."""
    write_artifact(tmp_path / "made", kind="policy", weights="w")
    place = tmp_path / "artifacts" / "place"
    write = storage.os.link

    def link(source: Path, target: Path) -> None:
        if target.name == "model.safetensors":
            target.write_text("")
            raise OSError(errno.ENOSPC, "No space left on device")
        write(source, target)

    def copy(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.os, "link", link)
    monkeypatch.setattr(storage.shutil, "copy2", copy)
    with pytest.raises(OSError, match="No space left"):
        lay(tmp_path / "made", place)
    assert place.is_dir()
    with pytest.raises(DamagedArtifactError):
        verify(place)
