"""axe in the page: which accessibility rules are broken where."""

from functools import lru_cache

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

EVERYTHING = {"resultTypes": ["violations"], "iframes": False}
# The themes differ in colours alone, so the second one needs no more than these.
COLOURS = {**EVERYTHING, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
# Two frames later every transition has begun, and what can be seen has to come to its end. Inside a closed <details>
# Chromium begins transitions as well, but their time stands still until it is opened: waiting for them may not end.
CHANGE_THEME = """async theme => { document.documentElement.dataset.theme = theme;
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    const seen = document.getAnimations().filter(one => one.effect.target.checkVisibility());
    await Promise.allSettled(seen.map(one => one.finished)); }"""


@lru_cache
def engine() -> Axe:
    """axe, its script read once."""
    return Axe()


def violations(page: Page, options: dict = EVERYTHING) -> list[str]:
    """One line for each element that breaks a rule; empty when all is well."""
    # Its half a megabyte is read once a document, however often this one is looked at.
    if not page.evaluate("'axe' in window"):
        page.evaluate(engine().axe_script)
    found = page.evaluate("async options => (await axe.run(options)).violations", options)
    return [
        f"{page.url} {rule['id']} ({rule['impact']}): {node['html'][:160]} {node['failureSummary'][:220]!r}"
        for rule in found
        for node in rule["nodes"]
    ]


def in_both_themes(page: Page) -> list[str]:
    """Violations of what is shown: every rule in light, those on colours in dark too; first in the theme it is in."""
    found, themes = [], [("light", EVERYTHING), ("dark", COLOURS)]
    if page.evaluate("document.documentElement.dataset.theme") == "dark":
        themes.reverse()
    for theme, options in themes:
        page.evaluate(CHANGE_THEME, theme)
        found += [f"{theme}: {one}" for one in violations(page, options)]
    return found
