"""An embedded Valkey: password, loopback, an append-only file when it should keep what it holds."""

import signal
from pathlib import Path

import redis

from app.embedded.binaries import valkey_program
from app.embedded.children import ChildSpec


def valkey_url(port: int, password: str, number: int = 0) -> str:
    """Redis URL of the embedded server's database `number`."""
    return f"redis://:{password}@127.0.0.1:{port}/{number}"


def answers(url: str) -> bool:
    """Whether a Redis at `url` answers PING now."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def valkey_spec(folder: Path, *, port: int, password: str, durable: bool = True) -> ChildSpec:
    """The child that serves Valkey from `folder` on the loopback `port`; `durable=False` writes nothing to disk."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        f'dir "{folder}"',
        f"appendonly {'yes' if durable else 'no'}",
        'save ""',
        "daemonize no",
    ]
    url = valkey_url(port, password)
    return ChildSpec(
        name="valkey",
        command=[str(valkey_program()), "-"],
        stdin="\n".join(lines).encode(),
        stop_signal=signal.SIGTERM,
        ready=lambda: answers(url),
    )
