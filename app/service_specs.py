"""The processes that are the service: web servers, scheduler, and one Celery worker a queue."""

import os
import signal
import sys
from pathlib import Path

from app.config import Settings
from app.embedded.children import ChildSpec

FRONTEND = Path(__file__).parent.parent / "frontend"
STOP_SECONDS = 5.0


def environment() -> dict[str, str]:
    """This process's environment for the service's own, less the role that may change the schema."""
    kept = {name: value for name, value in os.environ.items() if name != "PLACKETT_MIGRATOR_DATABASE_URL"}
    return kept | {"PYTHONUNBUFFERED": "1"}


def python_spec(name: str, *arguments: str) -> ChildSpec:
    """A child that runs `python ARGUMENTS` with this interpreter."""
    return ChildSpec(
        name=name,
        command=[sys.executable, *arguments],
        environment=environment(),
        stop_seconds=STOP_SECONDS,
        # Without a supervisor the servers go too, and a worker would wait for them to give its run back.
        orphan_signal=signal.SIGKILL,
    )


def web_specs(settings: Settings) -> list[ChildSpec]:
    """The web server's processes, on one port; the first is `api`."""
    names = ["api", *(f"api-{number}" for number in range(2, settings.web_processes + 1))]
    return [python_spec(name, "-m", "app.web") for name in names]


def reloading_web_spec(settings: Settings) -> ChildSpec:
    """A web server that starts again whenever the code changes."""
    where = ["--host", settings.host, "--port", str(settings.port)]
    how = ["--log-level", settings.log_level, "--no-access-log", "--timeout-graceful-shutdown", "3"]
    what = ["--reload", "--reload-dir", str(FRONTEND.parent / "app")]
    return python_spec("api", "-m", "uvicorn", "--factory", "app.main:create_app", *where, *how, *what)


def worker_spec(settings: Settings, queue: str) -> ChildSpec:
    """The Celery worker of one queue; when it stops, it gives its run back to be taken up again."""
    # Celery warns of root because of pickled messages; ours are JSON.
    celery = ["-W", "ignore:You're running the worker", "-m", "celery", "--quiet", "-A", "workers.celery_app", "worker"]
    how = ["--loglevel", settings.log_level, "--without-gossip", "--without-mingle"]
    return python_spec(queue, *celery, "--queues", queue, "--hostname", f"{queue}@%h", *how)


def service_specs(settings: Settings) -> list[ChildSpec]:
    """All processes of the service."""
    return [*web_specs(settings), *background_specs(settings)]


def background_specs(settings: Settings) -> list[ChildSpec]:
    """What works behind the web server."""
    scheduler = python_spec("scheduler", "-m", "workers.scheduler")
    return [scheduler, *(worker_spec(settings, queue) for queue in settings.served_queues)]


def development_specs(settings: Settings) -> list[ChildSpec]:
    """The same with a web server that reloads with the code, and Vite's server for the page."""
    page = ChildSpec(name="page", command=["npm", "run", "dev"], folder=FRONTEND, environment=environment())
    return [reloading_web_spec(settings), *background_specs(settings), page]
