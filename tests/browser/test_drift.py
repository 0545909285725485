"""How the policy has moved, as a researcher sees it: pictures, numbers, answers side by side; and before that."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.app.judgment_rows import World
from tests.app.loop.blind_stage import held_out
from tests.app.loop.drift_stage import a_reward_model, a_step, a_way, evaluated
from tests.browser.axe import in_both_themes
from tests.browser.conftest import PHONE, WIDE
from tests.browser.layout import sideways
from tests.browser.seed import a_person, cookie_of

pytestmark = [pytest.mark.browser, pytest.mark.commits]
SIZES = {"1440": WIDE, "390": PHONE}
OpenTab = Callable[..., Page]


def visit(open_tab: OpenTab, project: World, **options: object) -> Page:
    """A researcher's tab on the page."""
    person = a_person(project, "researcher", "Rosa")
    page = open_tab(cookie=cookie_of(project, person), reduced_motion="reduce", **options)
    page.goto(f"/p/{project.project.id}/models?view=drift")
    return page


def moved(project: World) -> World:
    """Three versions and a candidate, of which the last has not answered yet."""
    held_out(project, 10)
    base, first, second = a_way(project)
    reward = a_reward_model(project, 1)
    evaluated(project, {"policy": first, "reference": base, "proxy": reward})
    writes = {
        "policy": (4.3, 1.1, 19, False),
        "reference": (None, 0.0, 12, True),
        "rival": (2.0, 1.5, 18, True),
    }
    models = {"policy": second, "reference": base, "rival": first, "judge": a_reward_model(project, 2), "proxy": reward}
    evaluated(project, models, standing="judge", writes=writes)
    a_step(project, 3, second, stage="candidate")
    project.session.commit()
    return project


@pytest.mark.parametrize("size", SIZES)
def test_the_way_of_the_policy_can_be_followed(open_tab: OpenTab, project: World, size: str) -> None:
    page = visit(open_tab, moved(project), **SIZES[size])
    expect(page.get_by_role("heading", name="How the policy has moved")).to_be_visible()
    distance = page.get_by_role("figure").filter(has=page.get_by_role("heading", name="Distance, nats"))
    expect(distance).to_contain_text(re.compile(r"from4\.[23]"))
    expect(distance).to_contain_text(f"0 in {project.model.name}")
    expect(distance.get_by_role("img", name=f"Distance, nats from {project.model.name} to Policy 2")).to_be_visible()
    newest = page.get_by_role("row", name="Policy 2")
    expect(newest.get_by_text("Judge", exact=True).first).to_be_visible()
    expect(page.get_by_role("row", name="Policy 3")).to_contain_text("Not measured")
    expect(page.get_by_role("row", name="Policy 1")).to_contain_text(re.compile(r"(1\.9|2)\d*(\.\d+)? ±"))
    answers = page.get_by_role("article")
    expect(answers).to_have_count(16)
    expect(answers.nth(0)).to_contain_text("Policy 2 on ")
    expect(answers.nth(1)).to_contain_text(f"{project.model.name} on ")
    page.get_by_label("Beside").select_option("Policy 1")
    expect(answers.nth(1)).to_contain_text("Policy 1 on ")
    assert in_both_themes(page) == []
    assert sideways(page) == []


def test_what_is_missing_is_asked_for_with_one_press(open_tab: OpenTab, project: World) -> None:
    held_out(project, 4)
    a_way(project)
    project.session.commit()
    page = visit(open_tab, project, **PHONE)
    expect(page.get_by_text("No version has been measured yet")).to_be_visible()
    assert in_both_themes(page) == []
    page.get_by_role("button", name="Measure 3 versions").click()
    expect(page.get_by_text("3 versions are being measured")).to_be_visible()
    expect(page.get_by_role("button", name="Measure")).to_have_count(0)
    page.get_by_role("button", name="Models").click()
    expect(page.get_by_role("heading", name="Lineage")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("No version has been measured yet")).to_be_visible()


def test_before_the_first_promotion_the_next_step_is_named(open_tab: OpenTab, project: World) -> None:
    page = visit(open_tab, project)
    expect(page.get_by_text("No policy has come after the first model yet")).to_be_visible()
    assert in_both_themes(page) == []
    page.get_by_role("link", name="Open the loop").click()
    expect(page).to_have_url(re.compile(r"/loop$"))
