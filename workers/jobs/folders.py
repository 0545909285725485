"""The folder a child works in, `<data>/runs/<run>/<fence>/`: made before it starts, cleaned when it is done."""

import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy.orm import Session

from app.config import get_settings
from app.datasets import texts
from app.registry.tables import ModelVersion
from app.runs.leases import Claim
from app.runs.tables import RunCheckpoint
from app.storage import ArtifactStore, DamagedArtifactError, lay, verify
from workers.jobs.devices import Share

logger = logging.getLogger(__name__)

RESUME: Final = "resume"
OUT: Final = "out"
GIVEN: Final = "given"
INPUTS: Final = (
    "models",
    RESUME,
    OUT,
    "data.jsonl",
    "gate.jsonl",
    "demonstrations.jsonl",
    GIVEN,
    "data.txt",
    "pretrain.txt",
)


@dataclass(frozen=True, slots=True)
class GivenText:
    """An uploaded text's artifact, and the name of its file in the run's folder."""

    artifact_sha256: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a kind of run wants in its folder: `write` fills its data file, from the database; `models` pairs a model
    version with the base that its adapter sits on; `shared` counts the judgments that a judge and a model have in
    common, by role. `before` is how much of the work earlier attempts have stored.
    """

    write: Callable[[Session, Path], object] = lambda _session, path: path.touch()
    models: Mapping[str, tuple[ModelVersion, ModelVersion | None]] = field(default_factory=dict)
    text: GivenText | None = None
    source: dict[str, Any] | None = None
    shared: Mapping[str, Mapping[str, int | None]] | None = None
    before: int = 0


def path_of(held: Claim) -> Path:
    """The folder of this claim; another claim of the same run has another."""
    return get_settings().runs_dir / str(held.run_id) / str(held.fence)


def make(session: Session, held: Claim, inputs: Inputs) -> Path:
    """A new folder with the data in it; what an earlier try of the same claim left is replaced.

    Writing takes minutes for much data, so the session must hold no lock on the run: its heart beats on its row.
    """
    folder = path_of(held)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    inputs.write(session, folder / "data.jsonl")
    return folder


def furnish(folder: Path, held: Claim, inputs: Inputs, store: ArtifactStore, *, share: Share) -> None:
    """Lay the models, the text and the configuration into the folder. May take minutes for large models."""
    for role, (version, base) in inputs.models.items():
        _link_model(store, folder / "models" / role, version, base)
    if inputs.text is not None:
        store.link(inputs.text.artifact_sha256, folder / GIVEN)
        (folder / GIVEN / texts.FILE).rename(folder / inputs.text.name)
    _write_config(folder, held, inputs, share=share, resume=False)


def resume_from(folder: Path, held: Claim, inputs: Inputs, checkpoints: list[RunCheckpoint], *, share: Share) -> int:
    """Link the first of `checkpoints` (newest first) that is undamaged; its step, or 0 when there is none."""
    for checkpoint in checkpoints:
        source = get_settings().data_dir.resolve() / checkpoint.path
        try:
            if bytes.fromhex(verify(source).sha256) != checkpoint.manifest_sha256:
                raise DamagedArtifactError(f"{source.name} is another checkpoint than was stored")
        except DamagedArtifactError as damage:
            logger.warning("run %s: passed over a damaged checkpoint: %s", held.run_id, damage)
            continue
        lay(source, folder / RESUME)
        _write_config(folder, held, inputs, share=share, resume=True)
        return checkpoint.step
    return 0


def _link_model(store: ArtifactStore, target: Path, version: ModelVersion, base: ModelVersion | None) -> None:
    if version.artifact_sha256 is None:
        raise DamagedArtifactError(f"{version.name} has no weights")
    description = store.link(version.artifact_sha256, target)
    if not description.get("adapter"):
        return
    if base is None or base.artifact_sha256 is None or description.get("base_sha256") != base.artifact_sha256:
        raise DamagedArtifactError(f"{version.name} is an adapter, and the base it was made for is not there")
    store.link(base.artifact_sha256, target / "base")


def _write_config(folder: Path, held: Claim, inputs: Inputs, *, share: Share, resume: bool) -> None:
    content = {
        "kind": held.kind,
        "seed": held.seed,
        "threads": share.threads,
        "processes": share.processes,
        "config": held.config,
        "models": {role: f"models/{role}" for role in inputs.models},
        "resume": RESUME if resume else None,
    }
    if inputs.source is not None:
        content["source"] = inputs.source
    if inputs.shared is not None:
        content["shared"] = inputs.shared
    if inputs.before:
        content["before"] = inputs.before
    (folder / "config.json").write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8")


def stored_path(folder: Path, relative: str) -> str:
    """A checkpoint's path as the database keeps it: relative to the data folder; `ValueError` when it leads away."""
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{relative} leads out of the run's folder")
    return str(path.relative_to(get_settings().data_dir.resolve()))


def discard(path: str) -> None:
    """Delete a retired checkpoint."""
    shutil.rmtree(get_settings().data_dir.resolve() / path, ignore_errors=True)


def forget_inputs(folder: Path) -> None:
    """Delete what can be made again; checkpoints, configuration and log stay."""
    for name in INPUTS:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def forget_run(held: Claim) -> None:
    """Delete everything of a run whose results are stored."""
    shutil.rmtree(path_of(held).parent, ignore_errors=True)
