"""What a run takes is told in the launch dialog before it starts, with what to change where no worker has room."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.app.judgment_rows import World
from tests.browser.axe import in_both_themes
from tests.browser.conftest import PHONE, WIDE
from tests.browser.layout import sideways
from tests.browser.seed import a_person, cookie_of

pytestmark = [pytest.mark.browser, pytest.mark.commits]
SIZES = {"1440": WIDE, "390": PHONE}
OpenTab = Callable[..., Page]
TAKES = 13_900_000_000


def place(room: int, **about: Any) -> dict[str, Any]:
    """A worker as the estimate tells of it."""
    smaller = [{"setting": "tokens_per_forward", "value": 64, "memory": 3_700_000_000}]
    return {
        "name": "here:1",
        "machine": "2 × AMD EPYC",
        "room_bytes": room,
        "takes_bytes": TAKES,
        "parts": {"program": 450_000_000, "weights": TAKES - 450_000_000},
        "fits": room >= TAKES,
        "seconds": None,
        "earlier": 0,
        "smaller": [] if room >= TAKES else smaller,
        **about,
    }


def dialog_with(open_tab: OpenTab, project: World, role: str, *places: dict[str, Any], size: Any = WIDE) -> Page:
    """The launch dialog where the service would answer with these workers."""
    who = cookie_of(project, a_person(project, role, "Rosa"))
    # The project has no demonstrations: what is launched in earnest is refused for that.
    page = open_tab(cookie=who, network_fails=True, reduced_motion="reduce", **size)
    fits = any(one["fits"] for one in places)
    said = {"verdict": "fits" if fits else "too_large" if places else "no_worker", "tokens": 48_384}

    def answer(route: Route) -> None:
        body = json.dumps(said | {"takes_bytes": TAKES, "places": places})
        route.fulfill(status=200, content_type="application/json", body=body)

    page.route("**/runs/estimate", answer)
    page.goto(f"/p/{project.project.id}/runs")
    page.get_by_role("button", name="New run").click()
    page.get_by_role("dialog").get_by_role("combobox", name="What to do").select_option("sft")
    return page


@pytest.mark.parametrize("size", SIZES)
def test_what_to_change_is_named_as_in_the_form(open_tab: OpenTab, project: World, size: str) -> None:
    page = dialog_with(open_tab, project, "admin", place(7_900_000_000), size=SIZES[size])
    told = page.get_by_role("region", name="What it takes")
    expect(told).to_contain_text("About 48,000 tokens and 14 GB of memory")
    expect(told).to_contain_text("has 7.9 GB")
    expect(told).to_contain_text("Tokens per forward: 64 (about 3.7 GB)")
    insist = page.get_by_role("checkbox", name="Start it all the same")
    expect(insist).to_be_visible()
    insist.scroll_into_view_if_needed()
    assert sideways(page) == []
    assert in_both_themes(page) == []

    insist.check()
    with page.expect_request(lambda request: request.url.endswith("/runs") and request.method == "POST") as sent:
        page.get_by_role("button", name="Start it", exact=True).click()
    assert sent.value.post_data_json["ignore_estimate"] is True


def test_nobody_but_an_admin_is_offered_to_insist(open_tab: OpenTab, project: World) -> None:
    page = dialog_with(open_tab, project, "researcher", place(7_900_000_000))
    expect(page.get_by_role("region", name="What it takes")).to_contain_text("has 7.9 GB")
    expect(page.get_by_role("checkbox", name="Start it all the same")).to_have_count(0)


def test_time_is_told_where_it_is_known_and_not_invented_where_it_is_not(open_tab: OpenTab, project: World) -> None:
    known = place(20_000_000_000, seconds=192.0, earlier=3)
    page = dialog_with(open_tab, project, "researcher", known, place(16_000_000_000, name="here:2"))
    told = page.get_by_role("region", name="What it takes")
    expect(told).to_contain_text("It takes about 3 min there, by 3 earlier runs.")
    expect(told).to_contain_text("How long it takes there is not known yet")


def test_a_changed_setting_is_asked_about_anew(open_tab: OpenTab, project: World) -> None:
    page = dialog_with(open_tab, project, "researcher", place(20_000_000_000))
    expect(page.get_by_role("region", name="What it takes")).to_be_visible()
    with page.expect_request(
        lambda request: request.url.endswith("/runs/estimate") and "47" in (request.post_data or "")
    ) as asked:
        page.get_by_role("dialog").get_by_role("spinbutton", name="Epochs").fill("47")
    assert asked.value.post_data_json["config"] == {"epochs": 47}
