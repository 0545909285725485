"""An embedded PostgreSQL: initialised once, TCP on loopback only, passwords for everybody, no Unix socket.

A Unix socket's path may have 107 bytes at most, which a deep folder breaks, so there is none.
"""

import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from app.embedded.binaries import postgres_folder, postgres_major
from app.embedded.children import ChildFailedError, ChildSpec, child_setup, own_for_child
from app.embedded.passwords import Passwords

SUPERUSER = "postgres"
MIGRATOR = "plackett_migrator"
APP = "plackett_app"
DATABASE = "plackett"
ORPHAN_SECONDS = 20.0
ROOT_ADVICE = (
    "PostgreSQL refuses root, and user namespaces are forbidden here, so it ran as `nobody`, who cannot reach the data "
    "folder: start Plackett as an ordinary user, or set PLACKETT_DATA_DIR to a folder that everybody can reach"
)

SETTINGS = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=100",
    "shared_buffers=128MB",
    "log_min_messages=warning",
    "timezone=UTC",
]
# A test's database may vanish with the machine; nobody waits for its disk.
FORGETFUL = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0"]


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where an embedded PostgreSQL answers, and how to log in."""

    port: int
    passwords: Passwords

    def url(self, role: str, database: str = DATABASE) -> str:
        """libpq URL for `role`, one of `SUPERUSER`, `MIGRATOR`, `APP`."""
        password = {
            SUPERUSER: self.passwords.superuser,
            MIGRATOR: self.passwords.migrator,
            APP: self.passwords.app,
        }[role]
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"


def data_folder(parent: Path) -> Path:
    """The data folder under `parent`; its name carries the major version, because no other can read the files."""
    return parent / f"postgres-{postgres_major(postgres_folder())}"


def initialise(data: Path, password: str) -> None:
    """Make a new cluster in `data` unless there is one; scram passwords, UTF-8, a collation that no machine changes."""
    if (data / "PG_VERSION").exists():
        return
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    own_for_child(data)
    binaries = postgres_folder()
    new = postgres_major(binaries) >= 17
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if new else ["--locale=C.UTF-8"]
    with tempfile.NamedTemporaryFile("w", dir=data.parent, prefix="password-") as file:
        file.write(password)
        file.flush()
        own_for_child(Path(file.name))
        command = [str(binaries / "initdb"), "-D", str(data), "-U", SUPERUSER, "-E", "UTF8", f"--pwfile={file.name}"]
        _run_initdb([*command, "--auth=scram-sha-256", "--no-instructions", *locale])


def _run_initdb(command: list[str]) -> None:
    spec = ChildSpec(name="initdb", command=command, unroot=True)
    done = subprocess.run(command, capture_output=True, preexec_fn=child_setup(spec), check=False)
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace")
        advice = ROOT_ADVICE if "Permission denied" in words and os.geteuid() == 0 else ""
        raise ChildFailedError(f"initdb ended with code {done.returncode}\n{words}{advice}")


def clear_orphan(data: Path) -> None:
    """Stop a PostgreSQL that still serves `data` after its launcher was killed, and drop a `postmaster.pid` of nobody.

    The caller holds the data folder's lock, so whoever serves it is an orphan of ours.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text().split("\n", 1)[0])
    if serves(pid, data):
        os.kill(pid, signal.SIGINT)
        _wait_gone(pid, data)
    pid_file.unlink(missing_ok=True)


def serves(pid: int, data: Path) -> bool:
    """Whether process `pid` is a PostgreSQL started on `data`, and not a stranger that inherited the number."""
    try:
        command = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return bool(command) and Path(command[0]).name.startswith("postgres") and str(data) in command


def _wait_gone(pid: int, data: Path) -> None:
    deadline = time.monotonic() + ORPHAN_SECONDS
    while serves(pid, data) and time.monotonic() < deadline:
        time.sleep(0.05)
    if serves(pid, data):
        os.kill(pid, signal.SIGQUIT)
        time.sleep(1.0)


def is_ready(data: Path) -> bool:
    """Whether the server wrote that it accepts connections."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return bool(lines) and lines[-1].strip() == "ready"


def prepare(data: Path, password: str) -> None:
    """Make `data` ready to be served: initialised, and served by nobody."""
    initialise(data, password)
    clear_orphan(data)


def postgres_spec(data: Path, *, port: int, password: str, durable: bool = True) -> ChildSpec:
    """The child that serves the cluster in `data` on the loopback `port`; `password` is a new cluster's superuser's."""
    options = [part for setting in SETTINGS + ([] if durable else FORGETFUL) for part in ("-c", setting)]
    return ChildSpec(
        name="postgres",
        command=[str(postgres_folder() / "postgres"), "-D", str(data), "-p", str(port), *options],
        unroot=True,
        stop_signal=signal.SIGINT,
        ready=lambda: is_ready(data),
        prepare=lambda: prepare(data, password),
    )


def ensure_roles(address: Address) -> None:
    """Make the migrator and the app role, or give existing ones the current passwords."""
    with psycopg.connect(address.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        for role, password in ((MIGRATOR, address.passwords.migrator), (APP, address.passwords.app)):
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
            statement = sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(
                sql.SQL("ALTER" if known else "CREATE"), sql.Identifier(role), sql.Literal(password)
            )
            connection.execute(statement)


def ensure_database(address: Address, name: str = DATABASE, template: str = "template0") -> None:
    """Make database `name`, owned by the migrator, unless it is there; the app role may use what the migrator makes."""
    with psycopg.connect(address.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            return
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(*map(sql.Identifier, (name, MIGRATOR, template)))
        )
    with psycopg.connect(address.url(MIGRATOR, name), autocommit=True) as connection:
        for grant in (
            "GRANT USAGE ON SCHEMA public TO {}",
            "ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}",
            "ALTER DEFAULT PRIVILEGES GRANT USAGE, SELECT ON SEQUENCES TO {}",
        ):
            connection.execute(sql.SQL(grant).format(sql.Identifier(APP)))


def drop_database(address: Address, name: str) -> None:
    """Drop database `name` and end whoever is connected to it."""
    with psycopg.connect(address.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
