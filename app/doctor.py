"""`plackett doctor`: what is wrong on this machine, and what to do about it."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import httpx
import psycopg

from app import instance, isolation
from app.config import Settings
from app.embedded import children, valkey
from app.embedded.binaries import ServerMissingError, postgres_folder, valkey_program
from app.isolation import NotIsolatedError
from app.pages import BUILT

NEEDED_GIB = 4.0


@dataclass(frozen=True)
class Finding:
    """One look at one thing: `fail` stops the service, `warn` limits it."""

    level: Literal["ok", "warn", "fail"]
    what: str
    advice: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything the service needs, the cheap and basic first."""
    looks: tuple[Callable[[Settings], Finding], ...] = (
        look_at_python,
        look_at_folder,
        look_at_disk,
        look_at_postgres,
        look_at_valkey,
        look_at_page,
        look_at_torch,
        look_at_gpu,
        look_at_isolation,
        look_at_service,
    )
    return (look(settings) for look in looks)


def look_at_python(_settings: Settings) -> Finding:
    """The interpreter's version."""
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding("ok" if fits else "fail", f"Python {platform.python_version()}", "" if fits else "use 3.11 to 3.13")


def look_at_folder(settings: Settings) -> Finding:
    """Whether the data folder can be written."""
    folder = settings.data_dir.resolve()
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if os.access(nearest, os.W_OK):
        return Finding("ok", f"data folder {folder}")
    return Finding("fail", f"{nearest} cannot be written", "set PLACKETT_DATA_DIR to a folder of yours")


def look_at_disk(settings: Settings) -> Finding:
    """Free space where the data is."""
    folder = settings.data_dir.resolve()
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(nearest).free / 2**30
    enough = free >= NEEDED_GIB
    advice = "" if enough else f"models and checkpoints of the demo need about {NEEDED_GIB:g} GiB"
    return Finding("ok" if enough else "warn", f"{free:.1f} GiB free on the data folder's disk", advice)


def look_at_postgres(settings: Settings) -> Finding:
    """The configured database, or the programs and rights an embedded one needs."""
    if settings.database_url:
        try:
            psycopg.connect(settings.database_url.get_secret_value(), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            return Finding("fail", f"PostgreSQL does not answer: {error}", "check PLACKETT_DATABASE_URL")
        return Finding("ok", "configured PostgreSQL answers")
    try:
        folder = postgres_folder()
    except ServerMissingError as error:
        return Finding("fail", "no embedded PostgreSQL", str(error))
    if os.geteuid() == 0 and not children.namespaces_work():
        advice = "PostgreSQL will run as `nobody`, which must reach the data folder; better start as an ordinary user"
        return Finding("warn", "root without user namespaces", advice)
    return Finding("ok", f"embedded PostgreSQL in {folder}")


def look_at_valkey(settings: Settings) -> Finding:
    """The configured Redis, or the embedded Valkey's program."""
    if settings.redis_url:
        if valkey.answers(settings.redis_url.get_secret_value()):
            return Finding("ok", "configured Redis answers")
        return Finding("fail", "Redis does not answer", "check PLACKETT_REDIS_URL")
    try:
        return Finding("ok", f"embedded Valkey is {valkey_program()}")
    except ServerMissingError as error:
        return Finding("fail", "no embedded Valkey", str(error))


def look_at_page(_settings: Settings) -> Finding:
    """Whether the page was built."""
    if (BUILT / "index.html").is_file():
        return Finding("ok", "the page is built")
    return Finding("fail", "the page is not built", "run `make run`, or `npm run build` in frontend/")


def look_at_torch(_settings: Settings) -> Finding:
    """Whether training can run here; looked up without loading it."""
    missing = [name for name in ("torch", "transformers", "peft") if find_spec(name) is None]
    if missing:
        return Finding("warn", f"no {', '.join(missing)}: models cannot be trained here", "run `make setup`")
    return Finding("ok", "torch, transformers and peft are installed")


def look_at_gpu(_settings: Settings) -> Finding:
    """Whether an NVIDIA driver answers; training works without, more slowly."""
    program = shutil.which("nvidia-smi")
    query = ["--query-gpu=name,memory.total", "--format=csv,noheader"]
    answer = subprocess.run([program, *query], capture_output=True, text=True, check=False) if program else None
    if answer and answer.returncode == 0:
        return Finding("ok", f"GPU: {'; '.join(answer.stdout.strip().splitlines())}")
    return Finding("ok", f"no NVIDIA GPU: training uses the CPU's {os.cpu_count()} cores")


def look_at_isolation(settings: Settings) -> Finding:
    """Whether training processes run in a sandbox here."""
    try:
        found = isolation.found(settings)
    except NotIsolatedError as error:
        return Finding("fail", str(error), "install bubblewrap and allow user namespaces, or set it to auto")
    advice = "" if found.holds else "where strangers' models are imported, install bubblewrap on the worker's machine"
    return Finding("ok" if found.holds else "warn", found.words, advice)


def look_at_service(settings: Settings) -> Finding:
    """The running service, if one serves this folder."""
    record = instance.running(settings.data_dir.resolve())
    if record is None:
        if children.port_is_free(settings.port, settings.host):
            return Finding("ok", "not running; start it with `make run` or `plackett up`")
        return Finding("warn", f"not running, and port {settings.port} is taken", "the next free port will be used")
    try:
        health = httpx.get(f"{record.url}/api/health", timeout=5, trust_env=False).json()
    except (httpx.HTTPError, ValueError) as error:
        return Finding("fail", f"{record.url} does not answer: {error}", f"see {logs(settings)}")
    level: Literal["ok", "fail"] = "ok" if health["status"] == "ok" else "fail"
    return Finding(
        level, f"{record.url} is {health['status']}: {health['checks']}", "" if level == "ok" else "see logs"
    )


def logs(settings: Settings) -> Path:
    """Where the service's processes write what they do."""
    return settings.data_dir.resolve() / "logs"
