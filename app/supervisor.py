"""`plackett up`: the whole service as one process tree that starts, restarts and stops together."""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from app import instance, migrate
from app.config import Settings, get_settings
from app.embedded import children
from app.embedded.children import ChildFailedError, ChildSpec, log_tail
from app.embedded.stack import Stack, open_database, plan_stack
from app.instance import Record
from app.process_tree import TICK_SECONDS, StopRequests, Supervised, Tree
from app.service_specs import worker_spec
from app.terminal import Terminal

READY_SECONDS = 120.0
HOPELESS_DEATHS = 3

FirstStart = Callable[[str], str | None]
ServiceSpecs = Callable[[Settings], list[ChildSpec]]


class StoppedError(Exception):
    """A person asked to stop while the service was still starting."""


def next_free_port(first: int, host: str) -> int:
    """`first`, or the next port after it that nobody listens on."""
    for port in range(first, min(first + 200, 65536)):
        if children.port_is_free(port, host):
            return port
    return children.free_port(host)


def is_healthy(url: str) -> bool:
    """Whether the web server says that it, the database, the schema and Redis are well."""
    try:
        return httpx.get(f"{url}/api/health", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@dataclass
class Service:
    """A service being started, watched and stopped in one data folder."""

    settings: Settings
    stack: Stack
    tree: Tree
    stops: StopRequests

    @property
    def url(self) -> str:
        """Address of the page for somebody on this machine."""
        host = "127.0.0.1" if self.settings.host in {"0.0.0.0", "::"} else self.settings.host  # noqa: S104
        return f"http://{host}:{self.settings.port}"

    def run(self, first_start: FirstStart, specs: ServiceSpecs) -> None:
        """Start everything, watch it until a stop is asked for, stop everything."""
        try:
            self._start_servers()
            open_database(self.stack)
            migrate.upgrade(self.stack.migrator_database_url)
            link = first_start(self.settings.public_url or self.url)
            self._start_service(specs(self.settings))
            self._greet(link)
            while not self.stops.count:
                self._tick()
        except StoppedError:
            self.tree.terminal.say("plackett | asked to stop while starting")
        finally:
            self._stop()

    def _start_servers(self) -> None:
        started = [self.tree.add(spec, shown=False) for spec in self.stack.children]
        self._publish()
        for member in started:
            self._wait(member.spec.ready, [member], hopeless_deaths=1)

    def _start_service(self, specs: list[ChildSpec]) -> None:
        started = [self.tree.add(spec) for spec in specs]
        self._publish()
        # Without a worker people can still rank, so only the web server's failure ends the start.
        web = [member for member in started if member.spec.name == "api"]
        self._wait(lambda: is_healthy(self.url), web, hopeless_deaths=HOPELESS_DEATHS)

    def _wait(self, condition: Callable[[], bool], members: list[Supervised], *, hopeless_deaths: int) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not condition():
            if self.stops.count:
                raise StoppedError
            self._tick()
            for member in members:
                if member.early_deaths >= hopeless_deaths:
                    raise ChildFailedError(f"{member.spec.name} does not start:\n{log_tail(member.log)}")
            if time.monotonic() > deadline:
                raise ChildFailedError(f"the service was not ready after {READY_SECONDS:.0f} s; see {self.tree.folder}")

    def _tick(self) -> None:
        if self.tree.tend():
            self._publish()
        self.tree.terminal.show_new_lines()
        time.sleep(TICK_SECONDS)

    def _publish(self) -> None:
        record = Record(
            pid=os.getpid(),
            url=self.url,
            database_url=self.stack.database_url,
            migrator_database_url=self.stack.migrator_database_url,
            redis_url=self.stack.redis_url,
            processes=self.tree.processes(),
        )
        instance.write_record(self.settings.data_dir, record)

    def _greet(self, link: str | None) -> None:
        say = self.tree.terminal.say
        self.tree.terminal.show_new_lines()
        say("")
        say(f"  Plackett is ready:   {self.settings.public_url or self.url}")
        if link:
            say(f"  Become its admin:    {link}")
            say("                       (works once, within an hour; `plackett admin-link` makes a new one)")
        say(f"  Data and logs:       {self.settings.data_dir}")
        say("  Stop:                Ctrl-C")
        say("")

    def _stop(self) -> None:
        self.tree.terminal.say("plackett | stopping; Ctrl-C again kills")
        self.tree.stop(self.stops.hurry)
        instance.forget(self.settings.data_dir)
        self.tree.terminal.say(f"plackett | stopped; everything is kept in {self.settings.data_dir}")


def resolve_settings(settings: Settings, stack: Stack) -> Settings:
    """The settings with every open choice made (servers, port, absolute folder), for this process and its children."""
    port = next_free_port(settings.port, settings.host)
    os.environ.update(stack.environment(settings.data_dir.resolve()) | {"PLACKETT_PORT": str(port)})
    get_settings.cache_clear()
    return get_settings()


def up(settings: Settings, first_start: FirstStart, specs: ServiceSpecs) -> None:
    """Run the service in the foreground until Ctrl-C or SIGTERM.

    `first_start` is called once the schema is current, with the page's address; it returns the first admin's link while
    there is none. Raises `AlreadyRunningError` when the data folder is served already.
    """
    data_dir = settings.data_dir.resolve()
    with instance.lock(data_dir):
        instance.end_leftovers(data_dir)
        stops, terminal = StopRequests(), Terminal()
        terminal.say(f"plackett | starting in {data_dir}")
        stack = plan_stack(settings)
        resolved = resolve_settings(settings, stack)
        Service(resolved, stack, Tree(data_dir / "logs", terminal), stops).run(first_start, specs)


def work(settings: Settings, queues: list[str]) -> None:
    """Keep one Celery worker a queue running until Ctrl-C or SIGTERM, for a service whose servers run elsewhere."""
    stops, terminal = StopRequests(), Terminal()
    with tempfile.TemporaryDirectory(prefix="plackett-work-") as folder:
        tree = Tree(Path(folder), terminal)
        for queue in queues:
            tree.add(worker_spec(settings, queue))
        while not stops.count:
            tree.tend()
            terminal.show_new_lines()
            time.sleep(TICK_SECONDS)
        tree.stop(stops.hurry)
