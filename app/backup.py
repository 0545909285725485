"""`plackett backup` and `plackett restore`: the database and the artifacts in one tar file.

The dump is taken before the artifacts are read: an artifact's file is there before its row, so the copy holds every
file that the dumped rows name. Working folders of unfinished runs are left out; such a run starts from its beginning.
"""

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from app import migrate
from app.config import Settings
from app.embedded import postgres
from app.embedded.binaries import postgres_folder
from app.local_database import LocalDatabase, exclusive_database, local_database

FORMAT = 1
DUMP, ABOUT, ARTIFACTS = "database.dump", "backup.json", "artifacts"


class BackupError(RuntimeError):
    """A backup could not be written or restored; the message says why and what was kept."""


@dataclass(frozen=True, kw_only=True)
class Backup:
    """What a backup holds."""

    path: Path
    artifacts: int
    bytes: int


def back_up(settings: Settings, target: Path) -> Backup:
    """Write the database and the artifacts to `target`, also while the service runs; never over a file that exists."""
    if target.exists():
        raise BackupError(f"{target} exists already; choose another name")
    aside = target.with_name(target.name + ".part")
    with local_database(settings) as database, tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / DUMP
        run_tool("pg_dump", ["--format=custom", "--no-owner", f"--file={dump}"], database.migrator_database_url)
        about = Path(folder) / ABOUT
        about.write_text(json.dumps({"format": FORMAT, "made_at": datetime.now(UTC).isoformat()}))
        with tarfile.open(aside, "w") as tar:
            tar.add(about, ABOUT)
            tar.add(dump, DUMP)
            files = [path for path in settings.artifacts_dir.rglob("*") if path.is_file()]
            for path in files:
                tar.add(path, f"{ARTIFACTS}/{path.relative_to(settings.artifacts_dir)}")
    aside.chmod(0o600)
    aside.replace(target)
    return Backup(path=target, artifacts=len(files), bytes=target.stat().st_size)


def restore(settings: Settings, source: Path, *, replace: bool = False) -> None:
    """Fill this folder's service from a backup, while it does not run.

    The database must be empty; `replace` throws an embedded database's rows away first.
    """
    with exclusive_database(settings) as database, tempfile.TemporaryDirectory() as folder:
        unpack(source, Path(folder), settings.artifacts_dir)
        make_room(database, replace=replace)
        name = conninfo_to_dict(database.migrator_database_url)["dbname"]
        options = [
            "--no-owner",
            "--exit-on-error",
            "--single-transaction",
            f"--dbname={name}",
            str(Path(folder) / DUMP),
        ]
        run_tool("pg_restore", options, database.migrator_database_url)
        migrate.upgrade(database.migrator_database_url)


def unpack(source: Path, folder: Path, artifacts: Path) -> None:
    """Put the dump into `folder` and the artifacts, which are named by their content, beside those already there."""
    try:
        with tarfile.open(source) as tar:
            members = {member.name: member for member in tar.getmembers()}
            check_format(tar, members)
            write_member(tar, members[DUMP], folder, DUMP)
            for name, member in members.items():
                if name.startswith(f"{ARTIFACTS}/"):
                    write_member(tar, member, artifacts, name.removeprefix(f"{ARTIFACTS}/"))
    except (OSError, tarfile.TarError) as error:
        raise BackupError(f"{source} cannot be read as a backup: {error}") from error


def write_member(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, name: str) -> None:
    """Write one file of the tar to `folder/name`; a link, or a name that leads out of the folder, is refused."""
    target = (folder / name).resolve()
    content = tar.extractfile(member) if member.isreg() else None
    if content is None or not target.is_relative_to(folder.resolve()):
        raise BackupError(f"the backup holds {member.name!r}, which no backup of ours does; nothing was restored")
    target.parent.mkdir(parents=True, exist_ok=True)
    with content, target.open("wb") as file:
        shutil.copyfileobj(content, file)


def check_format(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo]) -> None:
    """Refuse a file that is no backup, or one of a later format."""
    about = tar.extractfile(members[ABOUT]) if {ABOUT, DUMP} <= members.keys() else None
    if about is None:
        raise BackupError(f"{tar.name!r} is no backup made by `plackett backup`")
    made_with = json.load(about)["format"]
    if made_with != FORMAT:
        raise BackupError(f"this backup has format {made_with}; this version reads format {FORMAT}")


def make_room(database: LocalDatabase, *, replace: bool) -> None:
    """Make sure that the database is empty."""
    if database.embedded and replace:
        postgres.drop_database(database.embedded, postgres.DATABASE)
        postgres.ensure_database(database.embedded)
    with psycopg.connect(database.migrator_database_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    if tables != (0,):
        advice = "--replace throws it away first" if database.embedded else "restore into an empty database"
        raise BackupError(f"the database already holds a service's data, which was kept: {advice}")


def run_tool(name: str, arguments: list[str], url: str) -> None:
    """Run one of PostgreSQL's client programs on the database at `url`, its password kept off the command line."""
    parts = conninfo_to_dict(url)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    environment = {**os.environ, **{names[key]: str(value) for key, value in parts.items() if key in names}}
    command = [str(postgres_folder() / name), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BackupError(f"{name} failed: {done.stderr.strip()}")
