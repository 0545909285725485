"""The artifact store: same content, same name; nothing torn, nothing damaged, nothing outside."""

import json
from pathlib import Path

import pytest

from app.storage import MANIFEST, DamagedArtifactError, FolderStore, verify
from tests.workers.jobs.stand_in import seal, write_artifact


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """An empty store."""
    return FolderStore(tmp_path / "artifacts")


def test_what_is_put_comes_back(store: FolderStore, tmp_path: Path) -> None:
    sha256, _ = write_artifact(tmp_path / "made", kind="policy", weights="w")
    stored = store.put(tmp_path / "made")
    assert stored.sha256 == sha256
    assert store.link(sha256, tmp_path / "linked")["kind"] == "policy"
    assert (tmp_path / "linked" / "model.safetensors").read_text() == "w"
    assert stored.size == sum(file.stat().st_size for file in (tmp_path / "made").iterdir())


def test_the_same_content_is_stored_once(store: FolderStore, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_artifact(tmp_path / name, kind="policy", weights="w")
    assert store.put(tmp_path / "one") == store.put(tmp_path / "two")
    assert len(list(store.root.glob("*/*"))) == 1
    assert not list(store.root.glob(".incoming*"))


def test_a_damaged_folder_is_not_stored(store: FolderStore, tmp_path: Path) -> None:
    write_artifact(tmp_path / "made", kind="policy", weights="w")
    (tmp_path / "made" / "model.safetensors").write_text("x")
    with pytest.raises(DamagedArtifactError, match=r"model\.safetensors is damaged"):
        store.put(tmp_path / "made")
    assert not store.root.exists()


def test_damage_in_the_store_is_found_on_opening(store: FolderStore, tmp_path: Path) -> None:
    write_artifact(tmp_path / "made", kind="policy", weights="w")
    stored = store.put(tmp_path / "made")
    weights = store.folder(stored.sha256) / "model.safetensors"
    weights.chmod(0o644)
    weights.write_text("x")
    with pytest.raises(DamagedArtifactError, match="damaged"):
        store.link(stored.sha256, tmp_path / "linked")


def test_an_unknown_artifact_is_a_clear_error(store: FolderStore, tmp_path: Path) -> None:
    with pytest.raises(DamagedArtifactError, match="not in the store"):
        store.link("0" * 64, tmp_path / "linked")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd"])
def test_a_manifest_cannot_lead_outside(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / MANIFEST).write_text(json.dumps({"files": {name: {"sha256": "0", "bytes": 1}}}))
    with pytest.raises(DamagedArtifactError, match="outside"):
        verify(folder)


def test_a_link_is_no_file_of_an_artifact(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    (tmp_path / "secret").write_text("s")
    (folder / "weights").symlink_to(tmp_path / "secret")
    seal(folder)
    with pytest.raises(DamagedArtifactError, match="missing"):
        verify(folder)
