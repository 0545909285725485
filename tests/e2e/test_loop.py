"""A newcomer's first hour, in a real browser against everything real: from the one-time link to the new policy's tasks.

The tests of this file are one story and run in order.
"""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.local_service import LocalService

pytestmark = [pytest.mark.browser, pytest.mark.commits, pytest.mark.timeout(600)]

QUICK = {
    "sampling": {"max_new_tokens": 16},
    "reward": {"minimum_steps": 4},
    "ppo": {"updates": 2, "prompts_per_update": 4, "samples_per_prompt": 2, "max_new_tokens": 16, "minibatches": 1},
    "loop": {"keep_tasks_ready": 8},
}


def answers(page: Page) -> Locator:
    """The cards on the desk."""
    return page.locator("article[data-answer]")


def letters(page: Page) -> list[str]:
    """Letters of the cards on the desk, once there are some."""
    expect(answers(page).first).to_be_visible(timeout=120_000)
    return [str(card.get_attribute("data-answer")) for card in answers(page).all()]


def call(page: Page, method: str, path: str, body: object = None) -> dict:
    """An API call of the signed-in page."""
    session = page.request.get("/api/v1/session").json()
    answer = page.request.fetch(
        f"/api/v1{path}",
        method=method,
        headers={"X-CSRF-Token": session["csrf_token"], "Content-Type": "application/json"},
        data=json.dumps(body) if body is not None else None,
    )
    assert answer.ok, answer.text()
    return answer.json()


def progress(page: Page) -> int:
    """Rankings this person has submitted."""
    return call(page, "GET", "/projects/1/my-progress")["total"]


def submit(page: Page, before: int) -> None:
    """Press Enter and wait until the ranking is stored and the next task (or the wait for it) is there."""
    page.keyboard.press("Enter")
    for _ in range(100):
        if progress(page) == before + 1:
            return
        page.wait_for_timeout(100)
    raise AssertionError("the ranking was not stored within 10 seconds")


def test_the_one_time_link_leads_to_the_desk(page: Page, service: LocalService) -> None:
    page.goto(service.first_admin_link)
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Email address").fill("ada@example.org")
    page.get_by_label("New password").fill("correct horse battery")
    page.get_by_role("button", name="Start ranking").click()
    page.wait_for_url(re.compile(r"/p/\d+/desk"))
    call(page, "PATCH", "/projects/1", {"settings": QUICK})


def test_a_task_is_ranked_with_keys_alone(page: Page) -> None:
    names = letters(page)
    before = progress(page)
    for place, name in enumerate(reversed(names)):
        # The second one ties with the first.
        page.keyboard.press(f"Shift+Key{name}" if place == 1 else f"Key{name}")
    submit(page, before)
    rows = page.request.get("/api/v1/projects/1/comparisons?format=jsonl").text().splitlines()
    pairs = [json.loads(row) for row in rows]
    assert len(pairs) == len(names) * (len(names) - 1) // 2
    assert sum(pair["tie"] for pair in pairs) == 1


def test_an_untouched_task_asks_once(page: Page) -> None:
    letters(page)
    before = progress(page)
    # An Enter in the very moment a task appears is the second half of a double press, and means nothing.
    page.wait_for_timeout(500)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Go on ranking").click()
    assert progress(page) == before


def test_a_task_is_ranked_by_tapping_places(page: Page) -> None:
    before = progress(page)
    for place, name in enumerate(letters(page), start=1):
        page.get_by_role("button", name=f"Place {place} for answer {name}").click()
    submit(page, before)


def test_a_ranking_is_undone_and_submitted_again_as_a_revision(page: Page) -> None:
    letters(page)
    total = progress(page)
    page.keyboard.press("KeyU")
    expect(page.get_by_text("You are changing a ranking you submitted")).to_be_visible()
    names = letters(page)
    page.get_by_role("button", name=f"Place 1 for answer {names[-1]}").click()
    page.get_by_role("button", name="Submit the change").click()
    expect(page.get_by_text("You are changing a ranking you submitted")).to_be_hidden()
    assert progress(page) == total


def test_a_draft_survives_a_reload(page: Page) -> None:
    names = letters(page)
    page.keyboard.press(f"Key{names[0]}")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Your unfinished ranking is back.")).to_be_visible()
    for name in names[1:]:
        page.keyboard.press(f"Key{name}")
    submit(page, progress(page))


def test_one_button_runs_a_cycle_to_a_new_live_policy(page: Page) -> None:
    page.goto("/p/1/loop")
    page.get_by_role("button", name="Run a cycle").click()
    expect(page.get_by_role("button", name="Run a cycle")).to_be_disabled()
    for _ in range(600):
        cycles = call(page, "GET", "/projects/1/cycles")["items"]
        if cycles and cycles[0]["state"] not in {"running", "waiting"}:
            break
        page.wait_for_timeout(500)
    assert cycles[0]["state"] == "succeeded", cycles
    expect(page.get_by_text(re.compile("Policy 1")).first).to_be_visible()


def test_the_ppo_run_shows_its_curves_and_samples(page: Page) -> None:
    run = call(page, "GET", "/projects/1/runs?kind=ppo")["items"][0]
    page.goto(f"/p/1/runs/{run['id']}")
    expect(page.get_by_text("Succeeded").first).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()
    series = call(page, "GET", f"/runs/{run['id']}/metrics")["series"]
    assert len(series["objective/kl"]) == QUICK["ppo"]["updates"]


def test_the_next_task_is_the_new_policys(page: Page) -> None:
    tasks = call(page, "GET", "/projects/1/tasks?limit=100")["items"]
    new = {task["id"] for task in tasks if task["model_versions"] == ["Policy 1"]}
    assert new
    # What the desk held before is worked off first: it was leased already.
    for _ in range(3):
        held = call(page, "POST", "/projects/1/tasks/claim", {"holding": []})["assignment"]
        if held["task_id"] in new:
            break
        call(page, "POST", f"/assignments/{held['id']}/skip", {})
    assert held["task_id"] in new
    page.goto("/p/1/desk")
    before = progress(page)
    for name in letters(page):
        page.keyboard.press(f"Key{name}")
    submit(page, before)


def test_the_comparisons_are_downloaded_from_the_page(page: Page) -> None:
    page.goto("/p/1/datasets")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("JSONL")).first.click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) > 0
    assert {"prompt", "chosen", "rejected", "tie"} <= set(json.loads(lines[0]))
