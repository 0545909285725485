"""Whether a page fits its window."""

from playwright.sync_api import Page


def sideways(page: Page) -> list[str]:
    """What sticks out of the page to the right; empty when the page itself does not scroll sideways."""
    return list(
        page.evaluate(
            """() => { const room = document.documentElement.clientWidth;
                 if (document.documentElement.scrollWidth <= room) return [];
                 return [...document.querySelectorAll("body *")]
                   .filter(one => one.getBoundingClientRect().right > room + 1)
                   .slice(0, 5).map(one => one.outerHTML.slice(0, 160)); }"""
        )
    )
