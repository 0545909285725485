"""Label Studio Community beside us: installed from PyPI into an environment of its own, on the same PostgreSQL.

Each annotator asks for the next task (`GET /api/projects/1/next`) and submits a ranker's answer
(`POST /api/tasks/{id}/annotations/`), as its page does; gunicorn serves it with 2 workers of 8 threads.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import uvloop

from app.embedded import children, postgres
from app.embedded.postgres import SUPERUSER, Address
from benchmarks.assignment_load import WARM_UP_SECONDS, Connection, Timings
from benchmarks.peers import ENVIRONMENTS

VERSION: Final = "1.23.2"
READY_SECONDS: Final = 180.0

# Runs in its environment: people with tokens, a project with its own ranker's labels, tasks with four items each.
SEED: Final = """
import sys
import django
django.setup()
from organizations.models import Organization
from projects.models import Project
from tasks.models import Task
from users.models import User
count, clients = int(sys.argv[1]), int(sys.argv[2])
admin = User.objects.create_user(email="annotator-0@example.org", password="a long enough passphrase")
organization = Organization.create_organization(created_by=admin, title="Benchmark")
organization.jwt.legacy_api_tokens_enabled = True
organization.jwt.save()
people = [admin]
for number in range(1, clients):
    person = User.objects.create_user(email=f"annotator-{number}@example.org", password="a long enough passphrase")
    organization.add_user(person)
    people.append(person)
for person in people:
    person.active_organization = organization
    person.save()
config = '''<View><Text name="prompt" value="$prompt"/><List name="answers" value="$items" title="Answers"/>
<Ranker name="rank" toName="answers"/></View>'''
project = Project.objects.create(
    title="Benchmark", organization=organization, created_by=admin, label_config=config, is_published=True)
items = [{"id": f"a{k}", "title": f"Answer {k}", "body": "so it goes, " * 8} for k in range(4)]
data = lambda n: {"prompt": f"Question {n}?", "items": items}
Task.objects.bulk_create(
    (Task(project=project, inner_id=n, data=data(n)) for n in range(1, count + 1)), batch_size=5000)
print(project.id, *(person.auth_token.key for person in people))
"""


def run(address: Address, folder: Path, *, tasks: int, clients: int, seconds: float) -> dict[str, Any]:
    """Cycles a second and their latency with `clients` annotators on `tasks` tasks, in a new database."""
    python = environment()
    name = f"label_studio_{tasks}"
    postgres.drop_database(address, name)
    with psycopg.connect(address.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    settings = settings_of(address, name, folder / "label-studio", python)
    call(python, settings, "manage.py", "migrate", "--noinput", "-v", "0")
    project, *tokens = call(python, settings, "-c", SEED, str(tasks), str(clients)).split()[-1 - clients :]
    with psycopg.connect(address.url(SUPERUSER, name), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    with served(python, settings, folder) as url, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(url, project, tokens, seconds)).summary()


def environment() -> Path:
    """The interpreter of an environment with Label Studio and gunicorn, made now unless it is there."""
    folder = ENVIRONMENTS / f"label-studio-{VERSION}"
    python, done = folder / "bin" / "python", folder / "complete"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        packages = [f"label-studio=={VERSION}", "gunicorn"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        done.touch()
    return python


def package(python: Path) -> Path:
    """Where Label Studio's own modules are."""
    return next(python.parents[1].glob("lib/python*/site-packages/label_studio"))


def settings_of(address: Address, database: str, data: Path, python: Path) -> dict[str, str]:
    """Its environment: the same server as ours, no telemetry, nothing fetched."""
    data.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "core.settings.label_studio",
        "PYTHONPATH": str(package(python)),
        "DJANGO_DB": "default",
        "POSTGRE_NAME": database,
        "POSTGRE_USER": SUPERUSER,
        "POSTGRE_PASSWORD": address.passwords.superuser,
        "POSTGRE_HOST": "127.0.0.1",
        "POSTGRE_PORT": str(address.port),
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "DEBUG": "false",
        "LOG_LEVEL": "ERROR",
    }


def call(python: Path, settings: dict[str, str], *arguments: str) -> str:
    """Run its interpreter in its folder; what it printed."""
    done = subprocess.run(
        [python, *arguments], cwd=package(python), env=settings, check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"Label Studio: {arguments[0][:40]} failed:\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}")
    return done.stdout


@contextmanager
def served(python: Path, settings: dict[str, str], folder: Path) -> Iterator[str]:
    """Its address, while gunicorn serves it."""
    url = f"127.0.0.1:{children.free_port()}"
    how = [
        "--workers",
        "2",
        "--threads",
        "8",
        "--bind",
        url,
        "--log-level",
        "error",
        "--timeout",
        "120",
        "--keep-alive",
        "75",
    ]
    with (folder / "gunicorn.log").open("wb") as log:
        command = [python, "-m", "gunicorn", "core.wsgi:application", *how]
        process = subprocess.Popen(command, cwd=package(python), env=settings, stdout=log, stderr=log)
    try:
        _wait_ready(f"http://{url}", process)
        yield f"http://{url}"
    finally:
        process.terminate()
        process.wait(30)


def _wait_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=10, trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise RuntimeError("Label Studio did not start; see gunicorn.log")


async def _run(url: str, project: str, tokens: list[str], seconds: float) -> Timings:
    people = [(Connection(url), f"Authorization: Token {token}\r\n") for token in tokens]
    for connection, _headers in people:
        await connection.open()
    await _work(people, project, WARM_UP_SECONDS)
    return await _work(people, project, seconds)


async def _work(people: list[tuple[Connection, str]], project: str, seconds: float) -> Timings:
    timings, started = Timings(), time.perf_counter()

    async def work(connection: Connection, headers: str) -> None:
        while time.perf_counter() < started + seconds:
            await _cycle(connection, headers, project, timings)

    await asyncio.gather(*(work(connection, headers) for connection, headers in people))
    timings.seconds = time.perf_counter() - started
    return timings


async def _cycle(connection: Connection, headers: str, project: str, timings: Timings) -> None:
    started = time.perf_counter()
    task = await connection.request("GET", f"/api/projects/{project}/next", None, headers)
    between = time.perf_counter()
    order = [item["id"] for item in task["data"]["items"]]
    value = {"ranker": {"rank": order}}
    result = [{"type": "ranker", "value": value, "from_name": "rank", "to_name": "answers"}]
    answer = {"result": result, "lead_time": 20.0}
    await connection.request("POST", f"/api/tasks/{task['id']}/annotations/?project={project}", answer, headers)
    ended = time.perf_counter()
    timings.add("next", (between - started) * 1000)
    timings.add("annotate", (ended - between) * 1000)
    timings.cycles += 1
