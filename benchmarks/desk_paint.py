"""How long somebody looks at a finished task: from Enter to the frame that shows the next one, in a real Chromium.

The real service on a database of its own, without a model: every ranking is stored, and every next task is fetched
ahead from it. The page measures itself (`desk:submit` to `desk:painted`). Prints one JSON line for each number of
completions; the keys are typed one after the other, with the pause given between two tasks.

    python -m benchmarks.desk_paint [--rankings 50] [--pause-ms 300]
"""

import argparse
import json
import os
from datetime import UTC, datetime
from statistics import median, quantiles

from playwright.sync_api import Browser, Page
from sqlalchemy.orm import Session

from app import migrate
from app.auth.dependencies import COOKIE
from app.embedded import postgres
from app.embedded.postgres import MIGRATOR
from benchmarks.chromium import chromium
from benchmarks.first_loop import machine
from tests.app.judgment_rows import World
from tests.browser.seed import a_person, a_project, a_task, cookie_of
from tests.browser.service import WebService, web_service
from tests.servers import Servers, temporary_servers

GOAL_MS = 100
KEYS = {2: "B", 4: "CADB", 9: "IHGFEDCBA"}
REPLY = (
    "A completion of a usual length, so that there is something to lay out and to paint.\n\n- One point.\n- Two.\n\n"
    * 6
)
MEASURED = "() => performance.getEntriesByName('desk:next').at(-1)?.duration ?? null"
TASK = '[role="group"][aria-label^="A task with"]'


def migrated(servers: Servers) -> str:
    """Name of a database with all tables."""
    postgres.ensure_database(servers.postgres, "bench")
    migrate.upgrade(servers.postgres.url(MIGRATOR, "bench"))
    return "bench"


def seeded(session: Session, size: int, tasks: int) -> tuple[World, str]:
    """A project with that many tasks of `size` completions, and an annotator's cookie."""
    world = a_project(session)
    person = a_person(world)
    for number in range(tasks):
        a_task(world, texts=[f"Reply {number}.{place}\n\n{REPLY}" for place in range(size)])
    return world, cookie_of(world, person)


def opened(browser: Browser, service: WebService, world: World, cookie: str) -> Page:
    """The annotator's desk with its first task."""
    context = browser.new_context(base_url=service.url, viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": COOKIE, "value": cookie, "url": service.url}])
    page = context.new_page()
    page.goto(f"/p/{world.project.id}/desk")
    page.locator(TASK).wait_for()
    return page


def rank(page: Page, keys: str, pause_ms: int) -> float:
    """Rank the task at hand; milliseconds until the next one was painted."""
    page.wait_for_timeout(pause_ms)
    for key in keys:
        page.keyboard.press(f"Key{key}")
    page.keyboard.press("Enter")
    return float(page.wait_for_function(MEASURED).json_value())


def report(size: int, waits: list[float], pause_ms: int) -> None:
    """Print one line of figures, in milliseconds."""
    twentieths = quantiles(waits, n=20, method="inclusive")
    print(
        json.dumps(
            {
                "benchmark": "desk_paint",
                "completions": size,
                "rankings": len(waits),
                "pause_ms": pause_ms,
                "median_ms": round(median(waits), 1),
                "p95_ms": round(twentieths[-1], 1),
                "max_ms": round(max(waits), 1),
                "within_goal": round(sum(wait <= GOAL_MS for wait in waits) / len(waits), 3),
                "goal_ms": GOAL_MS,
                "load_1min": round(os.getloadavg()[0], 1),
                "machine": machine(),
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
            }
        ),
        flush=True,
    )


def main() -> None:
    """Measure two, four and nine completions, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rankings", type=int, default=50)
    parser.add_argument("--pause-ms", type=int, default=300)
    wanted = parser.parse_args()
    with temporary_servers() as servers, web_service(servers, migrated(servers)) as service, chromium() as browser:
        for size, keys in KEYS.items():
            with Session(service.engine, expire_on_commit=False) as session:
                page = opened(browser, service, *seeded(session, size, wanted.rankings + 2))
            waits = [rank(page, keys, wanted.pause_ms) for _ in range(wanted.rankings)]
            page.context.close()
            report(size, waits, wanted.pause_ms)


if __name__ == "__main__":
    main()
