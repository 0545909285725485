"""The processes that are the service: web server, scheduler, and one Celery worker a queue."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from app.config import Settings
from app.embedded.children import ChildSpec

FRONTEND = Path(__file__).parent.parent / "frontend"
# How many jobs of a queue run at the same time: training has the machine to itself.
QUEUES = {"light": 2, "training": 1}
STOP_SECONDS = 5.0


def environment() -> dict[str, str]:
    """This process's environment for the service's own, less the role that may change the schema."""
    kept = {name: value for name, value in os.environ.items() if name != "PLACKETT_MIGRATOR_DATABASE_URL"}
    return kept | {"PYTHONUNBUFFERED": "1"}


def python_spec(name: str, *arguments: str, **variables: str) -> ChildSpec:
    """A child that runs `python -m ARGUMENTS` with this interpreter."""
    return ChildSpec(
        name=name,
        command=[sys.executable, "-m", *arguments],
        environment=environment() | variables,
        stop_seconds=STOP_SECONDS,
    )


def web_spec(settings: Settings) -> ChildSpec:
    """The web server; open event streams get 3 s to end when it stops."""
    where = ["--host", settings.host, "--port", str(settings.port)]
    how = ["--log-level", settings.log_level, "--no-access-log", "--timeout-graceful-shutdown", "3"]
    return python_spec("api", "uvicorn", "--factory", "app.main:create_app", *where, *how)


def worker_spec(settings: Settings, queue: str) -> ChildSpec:
    """The Celery worker of one queue.

    It stops at once (Celery's "cold" stop): a run that is cut off is found by its lease and resumes at its checkpoint.
    """
    what = ["--queues", queue, "--concurrency", str(QUEUES[queue]), "--hostname", f"{queue}@%h"]
    how = ["--pool", "prefork", "--loglevel", settings.log_level, "--without-gossip", "--without-mingle"]
    return python_spec(queue, "celery", "-A", "workers.celery_app", "worker", *what, *how, REMAP_SIGTERM="SIGQUIT")


def service_specs(settings: Settings) -> list[ChildSpec]:
    """All processes of the service."""
    scheduler = python_spec("scheduler", "workers.scheduler")
    return [web_spec(settings), scheduler, *(worker_spec(settings, queue) for queue in QUEUES)]


def development_specs(settings: Settings) -> list[ChildSpec]:
    """The same with a web server that reloads with the code, and Vite's server for the page."""
    page = ChildSpec(name="page", command=["npm", "run", "dev"], folder=FRONTEND, environment=environment())
    web, *others = service_specs(settings)
    reloading = replace(web, command=[*web.command, "--reload", "--reload-dir", str(FRONTEND.parent / "app")])
    return [reloading, *others, page]
