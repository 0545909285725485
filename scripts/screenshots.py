"""Take the pictures in docs/images of a service that has lived through a cycle.

    python -m benchmarks.first_loop --keep FOLDER
    python -m scripts.screenshots FOLDER [--only desk,settings]

Every page at 1440 and 390 pixels, in the light and the dark theme. The loop's page is pictured from another story, with
a promotion and a refusal: `python -m scripts.loop_story FOLDER`, then `FOLDER/data --only loop` here.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.chromium import chromium
from benchmarks.local_service import PASSWORD, LocalService, local_service

IMAGES = Path(__file__).parent.parent / "docs" / "images"
EMAIL = "ada@example.org"
SIZES = {"1440": (1440, 900), "390": (390, 844)}
THEMES = ("light", "dark")
PAGES = {
    "desk": "desk",
    "history": "history",
    "write": "write",
    "loop": "loop",
    "prompts": "prompts",
    "completions": "completions",
    "runs": "runs",
    "models": "models",
    "drift": "models?view=drift",
    "datasets": "datasets",
    "tasks": "tasks",
    "guidelines": "guidelines",
    "known": "known",
    "reports": "reports",
    "people": "people",
    "tokens": "tokens",
    "webhooks": "webhooks",
    "settings": "settings",
    "audit": "audit",
}
# Pages of the newest run of a kind that has succeeded, and the part of it that is in view.
RUNS = {"run": ("ppo", ""), "report": ("reward", ""), "report-disagreements": ("reward", "#disagreements")}
# Pages that are pictured down to their end: what they tell is longer than a screen.
WHOLE = frozenset({"loop"})
SETTLE_MS = 1500
# The desk once more, with everything that can be asked.
WHOLE_FORM = {
    "ask_rating": True,
    "aspects": ["helpful", "honest", "harmless"],
    "ask_flags": True,
    "prompt_flags": ["unclear", "contains_personal_data"],
    "ask_none_acceptable": True,
}
AS_USUAL = dict.fromkeys(WHOLE_FORM)


def contexts(browser: Browser, service: LocalService) -> Iterator[tuple[str, BrowserContext]]:
    """One fresh browser for each theme and size, and the ending of its pictures' names."""
    for theme in THEMES:
        for size, (width, height) in SIZES.items():
            context = browser.new_context(
                base_url=service.url,
                color_scheme="dark" if theme == "dark" else "light",
                viewport={"width": width, "height": height},
                has_touch=size == "390",
            )
            yield f"{theme}-{size}", context
            context.close()


def sign_in(page: Page) -> str:
    """Sign in as the benchmark's admin; the address of their project."""
    page.goto("/sign-in")
    page.get_by_label("Email address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/p/*/*")
    return page.url.rpartition("/")[0]


def take(page: Page, name: str, *, whole: bool = False) -> None:
    """One picture of what is in view, once it has settled; of a `whole` page, in a window as high as the page."""
    page.wait_for_timeout(SETTLE_MS)
    window = page.viewport_size
    if whole and window:
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": window["width"], "height": height})
    page.screenshot(path=IMAGES / f"{name}.png")
    if whole and window:
        page.set_viewport_size(window)


def rank_two(page: Page) -> None:
    """Place two answers on the desk, so that the picture shows what placing looks like."""
    for letter in ("C", "A"):
        if page.locator(f'article[data-answer="{letter}"]').count():
            page.keyboard.press(f"Key{letter}")


def picture_everything(page: Page, ending: str, only: frozenset[str]) -> None:
    """Every page of the project, the desk with its whole form, and the newest runs; or `only` some of them."""
    page.goto("/sign-in")
    if wanted("sign-in", only):
        take(page, f"sign-in-{ending}")
    project = sign_in(page)
    for name in (name for name in PAGES if wanted(name, only)):
        picture(page, project, name, ending)
    if wanted("desk-form", only):
        ask(page, project, WHOLE_FORM)
        picture(page, project, "desk-form", ending)
        ask(page, project, AS_USUAL)
    for name in (name for name in RUNS if wanted(name, only)):
        picture_run(page, project, name, ending)


def wanted(name: str, only: frozenset[str]) -> bool:
    """Whether this picture is to be taken; without a choice, each is."""
    return not only or name in only


def picture(page: Page, project: str, name: str, ending: str) -> None:
    """One page of the project."""
    page.goto(f"{project}/{PAGES.get(name, 'desk')}")
    if name.startswith("desk"):
        page.wait_for_selector("article[data-answer]")
        rank_two(page)
    take(page, f"{name}-{ending}", whole=name in WHOLE)


def picture_run(page: Page, project: str, name: str, ending: str) -> None:
    """A part of the page of a run, if there is such a run."""
    kind, part = RUNS[name]
    runs = page.request.get(f"{api_of(project)}/runs?kind={kind}&state=succeeded").json()["items"]
    if runs:
        page.goto(f"{project}/runs/{runs[0]['id']}{part}")
        take(page, f"{name}-{ending}")


def ask(page: Page, project: str, settings: dict[str, object]) -> None:
    """Change what the project asks; null brings a default back."""
    csrf = page.request.get("/api/v1/session").json()["csrf_token"]
    answer = page.request.patch(api_of(project), headers={"X-CSRF-Token": csrf}, data={"settings": settings})
    if not answer.ok:
        raise RuntimeError(answer.text())


def api_of(project: str) -> str:
    """Where the API has the project of a page."""
    return project.replace("/p/", "/api/v1/projects/")


def main() -> None:
    """Start the service in the folder and picture it."""
    parser = argparse.ArgumentParser(description="Take the pictures in docs/images.")
    parser.add_argument("folder", type=Path, help="data folder that `benchmarks.first_loop --keep` left")
    parser.add_argument("--only", default="", help="names of pictures, with commas between them")
    arguments = parser.parse_args()
    only = frozenset(filter(None, arguments.only.split(",")))
    IMAGES.mkdir(parents=True, exist_ok=True)
    with local_service(arguments.folder) as service, chromium() as browser:
        for ending, context in contexts(browser, service):
            picture_everything(context.new_page(), ending, only)


if __name__ == "__main__":
    main()
