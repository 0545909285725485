"""Passwords of the embedded servers: generated once a data folder, readable by its owner only."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Passwords:
    """One generated password for each door of the embedded servers."""

    superuser: str
    migrator: str
    app: str
    valkey: str


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` in one step, readable and writable by the owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    aside.replace(path)


def load_passwords(data_dir: Path) -> Passwords:
    """The data folder's passwords, made and kept at first use."""
    path = data_dir / "embedded-passwords.json"
    if path.exists():
        return Passwords(**json.loads(path.read_text()))
    made = Passwords(**{field.name: secrets.token_urlsafe(24) for field in fields(Passwords)})
    write_private(path, json.dumps(asdict(made)))
    return made
