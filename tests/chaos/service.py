"""`plackett up` as it is, for the chaos suite: quick recipes, short waits before a restart; a program.

Supervisor, servers, web server, scheduler and workers are the real ones. The first start makes a project with
simulated annotators and writes how they sign in to `cast.json` in the data folder.
"""

import sys
from dataclasses import replace

from app import process_tree
from app.config import Settings, get_settings
from app.db import engine, transaction
from app.embedded.children import ChildSpec
from app.service_specs import python_spec, web_specs, worker_spec
from app.supervisor import up
from tests.chaos import world

# What dies again and again is meant to here, so it need not wait for half a minute.
process_tree.FIRST_BACK_OFF_SECONDS = process_tree.LONGEST_BACK_OFF_SECONDS = 0.1
TREE_FOR = {"fake": "tests.chaos.worker", "real": "workers.celery_app"}


def specs(settings: Settings) -> list[ChildSpec]:
    """The service without the queue for light work, which nothing here uses."""
    worker = worker_spec(settings, "training")
    command = [TREE_FOR[sys.argv[1]] if part == "workers.celery_app" else part for part in worker.command]
    scheduler = python_spec("scheduler", "-m", "tests.chaos.scheduler")
    return [*web_specs(settings), scheduler, replace(worker, command=command)]


def first_start(url: str) -> str | None:
    """Make the world, unless it is there."""
    cast = get_settings().data_dir / world.CAST
    if not cast.exists():
        with transaction() as session:
            made = world.make(session, get_settings().data_dir, annotators=int(sys.argv[2]), tasks=int(sys.argv[3]))
        cast.write_text(made.to_json())
    engine().dispose()
    return None


if __name__ == "__main__":
    up(get_settings(), first_start, specs)
