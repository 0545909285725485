"""Take the pictures in docs/images of a service that has lived through a cycle.

    python -m benchmarks.first_loop --keep FOLDER
    python -m scripts.screenshots FOLDER

Every page at 1440 and 390 pixels, in the light and the dark theme.
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
    "loop": "loop",
    "prompts": "prompts",
    "runs": "runs",
    "models": "models",
    "datasets": "datasets",
    "people": "people",
    "tokens": "tokens",
    "settings": "settings",
    "audit": "audit",
}
SETTLE_MS = 1500


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


def take(page: Page, name: str) -> None:
    """One picture of what is in view, once it has settled."""
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=IMAGES / f"{name}.png")


def rank_two(page: Page) -> None:
    """Place two answers on the desk, so that the picture shows what placing looks like."""
    for letter in ("C", "A"):
        if page.locator(f'article[data-answer="{letter}"]').count():
            page.keyboard.press(f"Key{letter}")


def picture_everything(page: Page, ending: str) -> None:
    """Every page of the project, and the newest PPO run."""
    page.goto("/sign-in")
    take(page, f"sign-in-{ending}")
    project = sign_in(page)
    for name, path in PAGES.items():
        page.goto(f"{project}/{path}")
        if name == "desk":
            page.wait_for_selector("article[data-answer]")
            rank_two(page)
        take(page, f"{name}-{ending}")
    runs = page.request.get(f"{project.replace('/p/', '/api/v1/projects/')}/runs?kind=ppo").json()["items"]
    if runs:
        page.goto(f"{project}/runs/{runs[0]['id']}")
        take(page, f"run-{ending}")


def main() -> None:
    """Start the service in the folder and picture it."""
    parser = argparse.ArgumentParser(description="Take the pictures in docs/images.")
    parser.add_argument("folder", type=Path, help="data folder that `benchmarks.first_loop --keep` left")
    arguments = parser.parse_args()
    IMAGES.mkdir(parents=True, exist_ok=True)
    with local_service(arguments.folder) as service, chromium() as browser:
        for ending, context in contexts(browser, service):
            picture_everything(context.new_page(), ending)


if __name__ == "__main__":
    main()
