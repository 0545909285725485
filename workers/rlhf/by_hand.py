"""Train from the command line: lay out a run's folder, go on where it stopped, show how far it is.

The folder is that of any run (`workers.rlhf.job`), with `events.jsonl` beside: all that the run has told. The same
command again goes on from the newest checkpoint, and of a run that has ended it prints the metrics once more.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from workers.rlhf import checkpoints, import_model, models
from workers.rlhf.artifacts import MANIFEST, artifact_sha256, file_sha256, read_description, seal, verify
from workers.rlhf.child import say_nothing
from workers.rlhf.configs import RECIPES, SHARED, ImportModelConfig, config_from
from workers.rlhf.export import export_classifier
from workers.rlhf.job import Emit, open_job
from workers.rlhf.launch import launch
from workers.rlhf.processes import team

# Endings by which a run tells raw text from lines of JSON, and packed files from plain ones.
ENDINGS: Final = (".jsonl", ".jsonl.gz", ".txt.gz")


class OtherRunError(ValueError):
    """The output folder holds something else than this run; nothing in it was touched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A run as the command line asks for it."""

    kind: str
    settings: dict[str, Any]
    files: dict[str, Path]
    models: dict[str, Path]
    out: Path
    seed: int = 0
    threads: int = 0

    @property
    def result(self) -> Path:
        """Where the artifact will be."""
        return self.out / "out"

    @property
    def classifier(self) -> Path:
        """Where a reward model lies for plain transformers."""
        return self.out / "transformers"


def train(asked: Asked, emit: Emit) -> dict[str, Any]:
    """Run what is asked for, from wherever it stopped, and return what is to be known of the result.

    Raises:
        OtherRunError: the folder belongs to another run.
        ValueError: settings, data or models that can't be used.
    """
    config_from(asked.kind, asked.settings)
    together = team()
    if together.size > 1 and asked.kind not in SHARED:
        raise ValueError(f"{asked.kind} runs in one process, not in {together.size}")
    if together.leads:
        lay_out(asked)
    together.wait()
    if not (asked.result / MANIFEST).is_file():
        launch(open_job(asked.out, emit if together.leads else say_nothing))
        if together.leads:
            link_base(asked)
    if together.leads and has_classifier(asked) and not asked.classifier.exists():
        export_whole(asked)
    together.leave()
    return summary(asked)


def has_classifier(asked: Asked) -> bool:
    """Whether the result can be written for plain transformers: a reward model that reads one token of a completion,
    behind no virtual tokens.
    """
    if asked.kind != "reward" or (asked.result / models.BEFORE).is_dir():
        return False
    return bool(read_description(asked.result).config.get("read", "stop") == "stop")


def summary(asked: Asked) -> dict[str, Any]:
    """The metrics of a run that has ended, and what it left."""
    named = {"kind": asked.kind, "artifact": str(asked.result), "sha256": verify(asked.result)}
    if has_classifier(asked):
        named["transformers"] = str(asked.classifier)
    return named | read_description(asked.result).metrics


def lay_out(asked: Asked) -> None:
    """Make the folder, or check that it is this very run's, and note where to go on."""
    wanted = identity(asked)
    plan = asked.out / "config.json"
    if plan.is_file():
        check_same(known_settings(json.loads(plan.read_text(encoding="utf-8")).get("identity", {})), wanted, asked.out)
    elif asked.out.exists() and any(asked.out.iterdir()):
        raise OtherRunError(f"{asked.out} is not empty and holds no run; choose another folder")
    asked.out.mkdir(parents=True, exist_ok=True)
    for word, path in asked.files.items():
        if not (asked.out / name_of(word, path, asked.kind)).exists():
            copy_whole(path, asked.out / name_of(word, path, asked.kind))
    content = {
        "kind": asked.kind,
        "seed": asked.seed,
        "threads": asked.threads,
        "config": asked.settings,
        "models": {role: str(artifact_of(asked, role).resolve()) for role in asked.models},
        "resume": newest_checkpoint(asked.out),
        "identity": wanted,
    }
    aside = asked.out / ".config.json"
    aside.write_text(json.dumps(content, indent=1), encoding="utf-8")
    aside.rename(plan)


def identity(asked: Asked) -> dict[str, Any]:
    """What makes a run this run: recipe, seed, settings, and the bytes of data and models."""
    files = {word: file_sha256(path) for word, path in asked.files.items()}
    roles = {role: str(path.resolve()) for role, path in asked.models.items()}
    for role, path in asked.models.items():
        if (path / MANIFEST).is_file():
            roles[role] = artifact_sha256(path)
    settings = asdict(config_from(asked.kind, asked.settings))
    return {"kind": asked.kind, "seed": asked.seed, "settings": settings, "files": files, "models": roles}


def known_settings(before: Mapping[str, Any]) -> Mapping[str, Any]:
    """An earlier run's identity, with the settings that came up since at what they do when nobody asks for them."""
    if before.get("kind") not in RECIPES:
        return before
    return {**before, "settings": asdict(config_from(before["kind"], {})) | before.get("settings", {})}


def check_same(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """Let a run go on only as itself.

    Raises:
        OtherRunError: the message names every difference.
    """
    old, new = flat(before), flat(now)
    changed = [
        f"{name} was {old.get(name)!r}, is {new.get(name)!r}"
        for name in sorted(old | new)
        if old.get(name) != new.get(name)
    ]
    if changed:
        raise OtherRunError(
            f"{folder} holds another run ({'; '.join(changed)}); choose another folder, or ask as before"
        )


def flat(content: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested names as names with dots."""
    result: dict[str, Any] = {}
    for name, value in content.items():
        result |= flat(value, f"{above}{name}.") if isinstance(value, Mapping) else {above + name: value}
    return result


def artifact_of(asked: Asked, role: str) -> Path:
    """The artifact folder of a role; any other folder of safetensors (or a GGUF) is imported into the run first."""
    path = asked.models[role]
    if (path / MANIFEST).is_file():
        return path
    target = asked.out / "models" / role
    if not (target / MANIFEST).is_file():
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for _ in import_model.convert({"type": "folder", "path": str(path)}, target, ImportModelConfig()):
            pass
        seal(target)
    return target


def name_of(word: str, path: Path, kind: str) -> str:
    """The name in a run's folder of a file that comes from outside."""
    if word == "text":
        return "pretrain.txt"
    if word in {"reference", "demonstrations"}:
        return f"{word}.jsonl"
    if word == "flags":
        return "flags.txt"
    if kind != "pretrain":
        return "data.jsonl"
    return "data" + next((ending for ending in ENDINGS if path.name.endswith(ending)), ".txt")


def copy_whole(source: Path, target: Path) -> None:
    """A copy that is there in full or not at all."""
    aside = target.with_name(f".{target.name}")
    shutil.copyfile(source, aside)
    aside.rename(target)


def export_whole(asked: Asked) -> None:
    """A reward model for plain transformers, there in full or not at all."""
    aside = asked.out / ".transformers"
    shutil.rmtree(aside, ignore_errors=True)
    export_classifier(asked.result, aside).rename(asked.classifier)


def newest_checkpoint(folder: Path) -> str | None:
    """The newest whole checkpoint of a run, as a path in its folder."""
    path = checkpoints.newest_valid(folder / "checkpoints")
    return None if path is None else path.relative_to(folder).as_posix()


def link_base(asked: Asked) -> None:
    """Put the base beside an adapter that was trained on it, so that the folder can be loaded as it is."""
    if not read_description(asked.result).adapter:
        return
    roles = json.loads((asked.out / "config.json").read_text(encoding="utf-8"))["models"]
    start = Path(roles.get("base") or roles["policy"])
    base = start / models.BASE if read_description(start).adapter else start
    (asked.result / models.BASE).symlink_to(base.resolve())
