"""A finished run is read, a run is started, demonstrations go up: the researcher's pages in a browser."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from app.completions.tables import Completion
from app.loop.tables import BlindComparison
from app.runs.tables import Run
from app.storage import FolderStore
from tests.app.judgment_rows import World
from tests.browser.axe import in_both_themes
from tests.browser.conftest import PHONE, WIDE
from tests.browser.layout import sideways
from tests.browser.seed import a_person, cookie_of
from tests.browser.service import WebService
from tests.finished_run import an_evaluation_report, finished_reward_run

pytestmark = [pytest.mark.browser, pytest.mark.commits]
SIZES = {"1440": WIDE, "390": PHONE}
OpenTab = Callable[..., Page]


@pytest.fixture
def run(project: World, service: WebService) -> Run:
    """A reward run that has succeeded, with its report and its card."""
    result = finished_reward_run().stored(FolderStore(service.artifacts))
    row = Run(project_id=project.project.id, kind="reward", queue="training", config={}, seed=3, result=result)
    row.state, row.started_at, row.finished_at = "succeeded", func.now(), func.now()
    project.session.add(row)
    project.session.commit()
    return row


def researcher(open_tab: OpenTab, project: World, **options: object) -> Page:
    """A researcher's tab."""
    person = a_person(project, "researcher", "Rosa")
    return open_tab(cookie=cookie_of(project, person), reduced_motion="reduce", **options)


@pytest.mark.parametrize("size", SIZES)
def test_a_report_can_be_read(open_tab: OpenTab, project: World, run: Run, size: str) -> None:
    page = researcher(open_tab, project, **SIZES[size])
    page.goto(f"/p/{project.project.id}/runs/{run.id}")
    judged = finished_reward_run().report["judged"]
    held_out = page.locator("#held-out")
    share = f"{100 * judged['accuracy']['value']:.1f} %"
    expect(held_out.get_by_role("row", name="This model").first).to_contain_text(share)
    expect(held_out.get_by_role("listitem").first).to_contain_text("oise" if noise(judged) else "equal scores")
    expect(page.get_by_role("img", name="Reliability diagram")).to_be_visible()
    expect(page.locator("#disagreements article")).to_have_count(2 * min(3, len(judged["disagreements"])))
    page.get_by_role("navigation", name="On this page").get_by_role("link", name="Worst disagreements").click()
    expect(page.locator("#disagreements h2")).to_be_in_viewport()
    page.locator("#calibration").get_by_text("The numbers").click()
    expect(page.locator("#calibration").get_by_role("table", name="Calibration")).to_be_visible()
    page.get_by_role("button", name="Read it here").click()
    expect(page.get_by_role("heading", name="On held-out judgments")).to_be_visible()
    assert in_both_themes(page) == []
    assert sideways(page) == []


def noise(judged: dict) -> bool:
    """Whether the report calls the gain noise."""
    return judged["gain"]["verdict"] == "within noise"


@pytest.mark.parametrize("size", SIZES)
def test_what_blind_people_say_stands_beside_an_evaluation(open_tab: OpenTab, project: World, size: str) -> None:
    policy = project.model_version("policy", 3)
    row = Run(project_id=project.project.id, kind="evaluate", queue="training", config={}, seed=3)
    row.inputs = {"models": {"policy": policy.id}}
    row.result = {"artifact": None, "metrics": {}, "report": an_evaluation_report()}
    asked = Run(project_id=project.project.id, kind="sample", queue="training", config={}, seed=4, result={})
    for run in (row, asked):
        run.state, run.finished_at = "succeeded", func.now()
        project.session.add(run)
    project.session.flush()
    said = BlindComparison(
        project_id=project.project.id, candidate_id=policy.id, rival_id=project.model.id, run_id=asked.id,
        state="finished", verdict="better", prompts=60, error=0.05, wins=34, losses=12, ties=3, finished_at=func.now(),
    )  # fmt: skip
    project.session.add(said)
    project.session.commit()
    page = researcher(open_tab, project, **SIZES[size])
    page.goto(f"/p/{project.project.id}/runs/{row.id}")
    panel = page.locator("section", has=page.get_by_role("heading", name="What blind people say of it"))
    expect(panel.get_by_role("heading", name=f"policy-3 against {project.model.name}")).to_be_visible()
    expect(panel).to_contain_text("Win rate 0.74 of the decided votes")
    expect(panel).to_contain_text("Better · 34 wins · 12 losses · 3 ties")
    expect(page.get_by_role("img", name="Mean scores of 2 models").first).to_be_visible()
    assert in_both_themes(page) == []
    assert sideways(page) == []


def test_an_evaluation_shows_who_may_judge(open_tab: OpenTab, project: World) -> None:
    result = {"artifact": None, "metrics": {}, "report": an_evaluation_report()}
    row = Run(project_id=project.project.id, kind="evaluate", queue="training", config={}, seed=3, result=result)
    row.state, row.finished_at = "succeeded", func.now()
    project.session.add(row)
    project.session.commit()
    page = researcher(open_tab, project, **PHONE)
    page.goto(f"/p/{project.project.id}/runs/{row.id}")
    by_proxy = page.locator("section", has=page.get_by_role("heading", name="Against reference, before Reward 1")).last
    expect(by_proxy.get_by_text("Proxy", exact=True)).to_be_visible()
    expect(page.get_by_role("img", name="Mean scores of 2 models")).to_be_visible()
    expect(page.get_by_text("The judge scores policy highest.")).to_be_visible()
    assert in_both_themes(page) == []
    assert sideways(page) == []


def test_a_reward_run_says_whether_the_gate_lets_it_through(open_tab: OpenTab, project: World) -> None:
    noise = [((7 * place) % 11 - 5) / 100 for place in range(600)]
    columns = {
        "group": list(range(600)),
        "weight": [1.0] * 600,
        "decided": [1.0] * 600,
        "live_loss": [0.5] * 600,
        "new_loss": [0.47 + one for one in noise],
        "live_right": [0.7] * 600,
        "new_right": [0.7] * 600,
    }
    report = {**finished_reward_run().report, "gate": {"live_sha256": "a" * 64, "columns": columns}}
    result = {"artifact": None, "metrics": {}, "report": report}
    row = Run(project_id=project.project.id, kind="reward", queue="training", config={}, seed=3, result=result)
    row.state, row.finished_at = "succeeded", func.now()
    project.session.add(row)
    project.session.commit()
    page = researcher(open_tab, project, **PHONE)
    page.goto(f"/p/{project.project.id}/runs/{row.id}")
    gate = page.locator("section", has=page.get_by_role("heading", name="Beside the live reward model")).last
    expect(gate.get_by_text("Passes", exact=True)).to_be_visible()
    expect(gate.get_by_role("row", name="Log loss per judgment, in nats -0.03")).to_be_visible()
    expect(gate.get_by_text("this is what the gate would say now")).to_be_visible()
    assert in_both_themes(page) == []
    assert sideways(page) == []


def test_a_refusal_stands_beside_its_field(open_tab: OpenTab, project: World) -> None:
    page = researcher(open_tab, project, network_fails=True)
    page.goto(f"/p/{project.project.id}/runs")
    page.get_by_role("button", name="New run").click()
    page.get_by_label("What to do").select_option("ppo")
    page.get_by_role("button", name="Start it").click()
    field = page.get_by_label("Policy", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("has no weights yet"))


def test_a_setting_that_is_hidden_and_wrong_is_shown(open_tab: OpenTab, project: World) -> None:
    page = researcher(open_tab, project)
    page.goto(f"/p/{project.project.id}/runs")
    page.get_by_role("button", name="New run").click()
    page.get_by_label("What to do").select_option("reward")
    page.get_by_text("More settings").click()
    page.get_by_label("Fewest steps").fill("0")
    page.get_by_text("More settings").click()
    expect(page.get_by_label("Fewest steps")).to_be_hidden()
    page.get_by_role("button", name="Start it").click()
    expect(page.get_by_label("Fewest steps")).to_be_visible()


def test_demonstrations_are_looked_at_before_they_are_added(open_tab: OpenTab, project: World) -> None:
    page = researcher(open_tab, project)
    page.goto(f"/p/{project.project.id}/prompts")
    page.get_by_role("button", name="Upload demonstrations").click()
    lines = [{"prompt": "What is a river?", "completion": "Water that runs to the sea."}, {"prompt": "No answer?"}]
    content = "\n".join(json.dumps(line) for line in lines).encode()
    page.get_by_label("Drop a file here").set_input_files(
        {"name": "written.jsonl", "mimeType": "application/jsonl", "buffer": content}
    )
    page.get_by_role("button", name="Check the file").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("rowheader", name="2")).to_be_visible()
    assert written(project) == 0
    assert in_both_themes(page) == []
    page.get_by_role("button", name="Add 1 demonstration").click()
    expect(dialog.get_by_text("1 demonstration is added.")).to_be_visible()
    assert written(project) == 1


def test_a_text_goes_up_and_is_offered_to_runs(open_tab: OpenTab, project: World) -> None:
    page = researcher(open_tab, project)
    page.goto(f"/p/{project.project.id}/prompts")
    page.get_by_role("button", name="Upload a text").click()
    page.get_by_label("Drop a file here").set_input_files(
        {"name": "tale.txt", "mimeType": "text/plain", "buffer": b"Once upon a time\nthere was a sea.\n"}
    )
    page.get_by_role("button", name="Keep the text").click()
    expect(page.get_by_role("dialog").get_by_text("“tale.txt” is kept")).to_be_visible()
    assert in_both_themes(page) == []
    page.goto(f"/p/{project.project.id}/runs")
    page.get_by_role("button", name="New run").click()
    page.get_by_label("What to do").select_option("pretrain")
    expect(page.get_by_label("Text", exact=True)).to_contain_text("tale.txt")
    expect(page.get_by_label("Start from", exact=True)).to_contain_text("None")


def written(project: World) -> int:
    """How many demonstrations the database holds."""
    text = "Water that runs to the sea."
    return project.session.scalar(select(func.count()).select_from(Completion).where(Completion.text == text)) or 0
