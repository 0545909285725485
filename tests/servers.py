"""The suite's own Postgres and Valkey: started once a run in a temporary folder, thrown away at its end."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.embedded import children, postgres, valkey
from app.embedded.children import ChildSpec
from app.embedded.passwords import load_passwords
from app.embedded.postgres import Address


@dataclass(frozen=True)
class Servers:
    """Addresses of the running servers."""

    postgres: Address
    valkey_port: int

    @property
    def valkey_url(self) -> str:
        return valkey.valkey_url(self.valkey_port, self.postgres.passwords.valkey)


@contextmanager
def running(spec: ChildSpec, log: Path) -> Iterator[None]:
    """The child, ready, until the block ends."""
    process = children.start(spec, log)
    try:
        children.wait_ready(spec, process, log)
        yield
    finally:
        children.stop(spec, process)


@contextmanager
def temporary_servers() -> Iterator[Servers]:
    """Both servers in a folder of their own; nothing of them is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="plackett-tests-"))
    passwords = load_passwords(folder)
    servers = Servers(Address(port=children.free_port(), passwords=passwords), children.free_port())
    data = postgres.data_folder(folder)
    database = postgres.postgres_spec(data, port=servers.postgres.port, password=passwords.superuser, durable=False)
    broker = valkey.valkey_spec(folder / "valkey", port=servers.valkey_port, password=passwords.valkey, durable=False)
    try:
        with running(database, folder / "postgres.log"), running(broker, folder / "valkey.log"):
            postgres.ensure_roles(servers.postgres)
            yield servers
    finally:
        shutil.rmtree(folder, ignore_errors=True)
