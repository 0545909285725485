"""A run rests, goes on and is repeated with changes, from its page."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.auth.tables import AuditEvent
from app.projects.settings import ProjectSettings
from app.runs.launching import checked_config
from app.runs.tables import Run
from tests.app.judgment_rows import World
from tests.browser.axe import in_both_themes
from tests.browser.conftest import PHONE, WIDE
from tests.browser.layout import sideways
from tests.browser.seed import a_person, cookie_of

pytestmark = [pytest.mark.browser, pytest.mark.commits]
SIZES = {"1440": WIDE, "390": PHONE}
OpenTab = Callable[..., Page]


@pytest.fixture
def run(project: World) -> Run:
    """A reward run that waits for a worker; there is none here."""
    row = Run(
        project_id=project.project.id,
        kind="reward",
        queue="training",
        config=checked_config("reward", {"epochs": 7, "ties": "davidson"}, ProjectSettings()),
        seed=4711,
    )
    project.session.add(row)
    project.session.commit()
    return row


def opened(open_tab: OpenTab, project: World, run: Run, **options: object) -> Page:
    """The run's page, as a researcher sees it."""
    page = open_tab(
        cookie=cookie_of(project, a_person(project, "researcher", "Rosa")), reduced_motion="reduce", **options
    )
    page.goto(f"/p/{project.project.id}/runs/{run.id}")
    return page


def test_a_run_rests_and_goes_on_from_its_page(open_tab: OpenTab, project: World, run: Run) -> None:
    page = opened(open_tab, project, run)
    main = page.get_by_role("main")
    main.get_by_role("button", name="Pause").click()
    expect(main.get_by_text("Continued, it goes on where it stopped")).to_be_visible()
    expect(main.get_by_role("button", name="Pause")).to_have_count(0)
    main.get_by_role("button", name="Continue").click()
    expect(main.get_by_text("No worker serves the queue “training”")).to_be_visible()
    expect(main.get_by_text("Continued by Rosa.")).to_be_visible()

    main.get_by_role("button", name="Cancel the run").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the run").click()
    expect(main.get_by_text("Cancelled by Rosa.")).to_be_visible()
    # The stream of a cancelled run has ended; what comes after must be heard all the same.
    main.get_by_role("button", name="Continue").click()
    expect(main.get_by_text("Continued by Rosa.")).to_have_count(2)
    did = project.session.scalars(
        select(AuditEvent.action).where(AuditEvent.object_type == "run", AuditEvent.object_id == str(run.id))
    ).all()
    assert sorted(did) == ["run.cancelled", "run.continued", "run.continued", "run.paused"]


@pytest.mark.parametrize("size", SIZES)
def test_the_dialog_of_a_repeat_is_filled_from_the_run(open_tab: OpenTab, project: World, run: Run, size: str) -> None:
    page = opened(open_tab, project, run, **SIZES[size])
    page.get_by_role("main").get_by_role("button", name="Repeat with changes").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name=re.compile(f"like run #{run.id}"))).to_be_visible()
    expect(dialog.locator("input[name=epochs]")).to_have_value("7")
    expect(dialog.locator("select[name=ties]")).to_have_value("davidson")
    expect(dialog.get_by_role("checkbox", name=re.compile("seed 4711"))).to_be_checked()
    assert sideways(page) == []
    assert in_both_themes(page) == []
