"""Artifacts by content: a folder is stored under the SHA-256 of its manifest, so it never changes and is stored once.

`ArtifactStore` is what the service asks of any store; `FolderStore` is the one on this machine's disk.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

from app.config import get_settings

MANIFEST: Final = "MANIFEST.json"
DESCRIPTION: Final = "plackett.json"
# How the names of folders begin that are on their way into the store, and out of it.
ASIDE: Final = ".incoming-"
LEAVING: Final = ".leaving-"


class DamagedArtifactError(RuntimeError):
    """A folder whose files are not what its manifest says."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An artifact's name and size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Kept:
    """An artifact in the store, and when it was last stored, in seconds since 1970."""

    sha256: str
    path: Path
    at: float


class ArtifactStore(Protocol):
    """Where artifacts live."""

    def put(self, folder: Path) -> Stored:
        """Store a folder with a manifest, durably; the same content again changes nothing."""
        ...

    def link(self, sha256: str, target: Path) -> dict[str, Any]:
        """Lay a verified artifact's files into the new folder `target`; the artifact's description."""
        ...

    def text(self, sha256: str, name: str) -> str:
        """A verified text file of an artifact, such as its card."""
        ...

    def kept(self) -> list[Kept]:
        """Every artifact that is stored whole."""
        ...

    def let_go(self, kept: Kept, *, is_named: Callable[[], bool]) -> bool:
        """Delete an artifact unless it is named, or was stored again since it was listed; whether it went."""
        ...


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fsync(path: Path) -> None:
    """Force a file or a folder's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and hash of each file of a folder by relative name; names that lead out of it are refused."""
    try:
        files: dict[str, dict[str, Any]] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedArtifactError(f"{folder.name}: {MANIFEST} cannot be read ({error})") from error
    for name in files:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise DamagedArtifactError(f"{folder.name}: {MANIFEST} names a file outside of the folder")
    return files


def seal(folder: Path, description: dict[str, Any]) -> None:
    """Describe a folder and write its manifest, so that it can be stored."""
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    files = {
        path.relative_to(folder).as_posix(): {"sha256": file_sha256(path), "bytes": path.stat().st_size}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = json.dumps({"files": files}, indent=1, sort_keys=True) + "\n"
    (folder / MANIFEST).write_text(manifest, encoding="utf-8")


def verify(folder: Path) -> Stored:
    """Check every file of `folder` against its manifest."""
    size = 0
    for name, entry in read_manifest(folder).items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise DamagedArtifactError(f"{folder.name}: {name} is missing")
        if path.stat().st_size != entry.get("bytes") or file_sha256(path) != entry.get("sha256"):
            raise DamagedArtifactError(f"{folder.name}: {name} is damaged")
        size += path.stat().st_size
    return Stored(file_sha256(folder / MANIFEST), size + (folder / MANIFEST).stat().st_size)


def lay(source: Path, target: Path) -> None:
    """Put a folder's manifest and the files it names into the new folder `target`, as hard links where possible."""
    for name in [*read_manifest(source), MANIFEST]:
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source / name, place)
        except OSError:
            shutil.copy2(source / name, place)


@dataclass(frozen=True, slots=True)
class FolderStore:
    """Artifacts in a folder: `<root>/<first two of the hash>/<hash>/`."""

    root: Path

    def folder(self, sha256: str) -> Path:
        """Where the artifact `sha256` is, or would be."""
        return self.root / sha256[:2] / sha256

    def put(self, folder: Path) -> Stored:
        """Store `folder`: verified, written aside, forced to the disk, then renamed into its place."""
        stored = verify(folder)
        place = self.folder(stored.sha256)
        if self._renewed(place):
            return stored
        aside = self.root / f"{ASIDE}{uuid.uuid4().hex}"
        aside.mkdir(parents=True)
        try:
            lay(folder, aside)
            for path in aside.rglob("*"):
                path.chmod(0o755 if path.is_dir() else 0o444)
                fsync(path)
            fsync(aside)
            place.parent.mkdir(exist_ok=True)
            self._rename(aside, place)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return stored

    def _renewed(self, place: Path) -> bool:
        """Whether the artifact is there already; it counts as stored now, so that nobody takes it for an old one."""
        try:
            os.utime(place)
        except FileNotFoundError:
            return False
        return True

    def _rename(self, aside: Path, place: Path) -> None:
        try:
            aside.rename(place)
        except OSError:
            # Somebody stored the same content in the meantime.
            if not place.is_dir():
                raise
        fsync(place.parent)

    def link(self, sha256: str, target: Path) -> dict[str, Any]:
        """Verify the artifact and lay its files into `target`; what its `plackett.json` says."""
        place = self.folder(sha256)
        if not place.is_dir():
            raise DamagedArtifactError(f"artifact {sha256[:12]} is not in the store {self.root}")
        if verify(place).sha256 != sha256:
            raise DamagedArtifactError(f"artifact {sha256[:12]} holds other content than its name says")
        lay(place, target)
        description: dict[str, Any] = json.loads((target / DESCRIPTION).read_text(encoding="utf-8"))
        return description

    def text(self, sha256: str, name: str) -> str:
        """A text file of the artifact, checked by itself: the weights beside it are not read."""
        place = self.folder(sha256)
        if not place.is_dir():
            raise DamagedArtifactError(f"artifact {sha256[:12]} is not in the store {self.root}")
        entry = read_manifest(place).get(name)
        if entry is None or file_sha256(place / MANIFEST) != sha256:
            raise DamagedArtifactError(f"artifact {sha256[:12]} has no {name}")
        path = place / name
        if not path.is_file() or file_sha256(path) != entry.get("sha256"):
            raise DamagedArtifactError(f"artifact {sha256[:12]}: {name} is damaged")
        return path.read_text(encoding="utf-8")

    def kept(self) -> list[Kept]:
        """Every artifact that is stored whole."""
        found: Iterator[Path] = self.root.glob("[0-9a-f][0-9a-f]/*")
        return [Kept(path.name, path, path.stat().st_mtime) for path in found if path.is_dir()]

    def let_go(self, kept: Kept, *, is_named: Callable[[], bool]) -> bool:
        """Delete an artifact; whether it went.

        It is put out of sight first. Whoever stores the same content from then on makes it anew; whoever did so before
        has renewed it, and it comes back, as it does when `is_named` says that somebody names it.
        """
        place = self.folder(kept.sha256)
        away = self.root / f"{LEAVING}{uuid.uuid4().hex}"
        try:
            place.rename(away)
        except FileNotFoundError:
            return False
        if away.stat().st_mtime != kept.at or is_named():
            self._come_back(away, place)
            return False
        shutil.rmtree(away)
        return True

    def _come_back(self, away: Path, place: Path) -> None:
        try:
            away.rename(place)
        except OSError:
            # It was stored anew in the meantime: the same content is there.
            shutil.rmtree(away)


@lru_cache
def _folder_store(root: Path) -> FolderStore:
    return FolderStore(root)


def store() -> ArtifactStore:
    """The service's artifact store."""
    return _folder_store(get_settings().artifacts_dir)
