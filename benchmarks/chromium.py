"""A headless Chromium: the system's if there is one, else the one that Playwright installed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Error, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


class NoBrowserError(RuntimeError):
    """Neither the system nor Playwright has a Chromium."""


def system_chromium() -> str | None:
    """Path of an installed Chromium or Chrome."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def launch(playwright: Playwright) -> Browser:
    """Start a browser; `NoBrowserError` says how to get one."""
    # Chromium's own sandbox refuses to run as root.
    arguments = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else QUIET
    try:
        return playwright.chromium.launch(executable_path=system_chromium(), args=arguments)
    except Error as error:
        raise NoBrowserError(
            "no Chromium: apt-get install chromium, or python -m playwright install chromium"
        ) from error


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser until the block ends."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            yield browser
        finally:
            browser.close()
