"""Artifact folders: what a run leaves behind and the next one loads.

A folder holds safetensors, configuration, tokenizer, a model card, ``plackett.json`` (what it is) and
``MANIFEST.json`` (size and SHA-256 of every other file). The SHA-256 of the manifest's bytes names the artifact.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

MANIFEST: Final = "MANIFEST.json"
DESCRIPTION: Final = "plackett.json"
CARD: Final = "README.md"
FORMAT: Final = 1


class BadArtifactError(ValueError):
    """A folder that is no artifact, is damaged, or belongs to another base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """The content of ``plackett.json``.

    `rewarded_by` names every reward model that this model, or one it started from, was trained or chosen with; None
    where nobody wrote it down.
    """

    format: int = FORMAT
    kind: Literal["base", "sft", "reward", "policy", "evaluation"]
    base_sha256: str | None = None
    adapter: bool = False
    rewarded_by: list[str] | None = None
    config: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    card: str = CARD


@dataclass(frozen=True, slots=True)
class Seal:
    """The name and the size of a sealed folder."""

    sha256: str
    size: int


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fsync(path: Path) -> None:
    """Force a file or a folder entry to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, content: Any) -> None:
    """Write JSON with a stable order of keys, so that equal content has an equal hash."""
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def describe(folder: Path, description: Description) -> None:
    """Write ``plackett.json``."""
    write_json(folder / DESCRIPTION, asdict(description))


def seal(folder: Path) -> Seal:
    """Write the manifest of a finished folder and force everything to the disk."""
    files: dict[str, dict[str, Any]] = {
        path.relative_to(folder).as_posix(): {"sha256": file_sha256(path), "bytes": path.stat().st_size}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).as_posix() != MANIFEST
    }
    manifest = folder / MANIFEST
    write_json(manifest, {"files": files})
    for path in [folder / name for name in files] + [manifest, folder]:
        fsync(path)
    total = sum(entry["bytes"] for entry in files.values()) + manifest.stat().st_size
    return Seal(file_sha256(manifest), total)


def verify(folder: Path) -> str:
    """Check every file against the manifest and return the artifact's SHA-256.

    Raises:
        BadArtifactError: no manifest, a missing file, a wrong size or a wrong hash.
    """
    for name, entry in _manifest(folder).items():
        path = folder / name
        if not path.is_file():
            raise BadArtifactError(f"{folder.name}: {name} is missing")
        if path.stat().st_size != entry["bytes"] or file_sha256(path) != entry["sha256"]:
            raise BadArtifactError(f"{folder.name}: {name} is damaged")
    return artifact_sha256(folder)


def artifact_sha256(folder: Path) -> str:
    """The name of an artifact: the SHA-256 of its manifest."""
    if not (folder / MANIFEST).is_file():
        raise BadArtifactError(f"{folder.name}: no {MANIFEST}, so this is no artifact folder")
    return file_sha256(folder / MANIFEST)


def read_description(folder: Path) -> Description:
    """Read ``plackett.json``.

    Raises:
        BadArtifactError: missing, unreadable, or of a format this version does not know.
    """
    try:
        content = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        description = Description(**content)
    except (OSError, ValueError, TypeError) as error:
        raise BadArtifactError(f"{folder.name}: {DESCRIPTION} can't be read: {error}") from error
    if description.format != FORMAT:
        raise BadArtifactError(f"{folder.name}: format {description.format} is unknown, this version reads {FORMAT}")
    return description


def rewards_behind(start: Path, *rewards: Path) -> list[str] | None:
    """`rewarded_by` of a model that starts as another one and learns from some reward models; None: nobody knows.

    Imported and fine-tuned models of earlier versions wrote nothing down because no reward model had shaped them.
    """
    before = read_description(start)
    if before.rewarded_by is None and before.kind == "policy":
        return None
    return sorted({*(before.rewarded_by or ()), *(artifact_sha256(reward) for reward in rewards)})


def _manifest(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        files: dict[str, dict[str, Any]] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError) as error:
        raise BadArtifactError(f"{folder.name}: {MANIFEST} can't be read: {error}") from error
    return files
