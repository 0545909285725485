"""The ranking desk as a person meets it: cards, keys, places, announcements. By role and name, never by layout."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, Locator, Page, expect
from sqlalchemy import Engine, text

from app.auth.tables import User
from app.tasks.tables import Task
from tests.browser.stored import Stored, judgments, pairs_of

POLL_MS = 50
PATIENCE_MS = 10_000
NETWORK = re.compile(r"Failed to load resource|net::ERR_|WebSocket|The draft is kept in this browser")


@dataclass
class Desk:
    """One tab of one person, and what the database says about them."""

    page: Page
    context: BrowserContext
    engine: Engine
    person: User
    project_id: int
    presses: int = 0
    console: list[str] = field(default_factory=list)

    @property
    def cards(self) -> Locator:
        """The completions on the desk."""
        return self.page.locator("article[data-answer]")

    def card(self, letter: str) -> Locator:
        """One completion's card."""
        return self.page.locator(f'article[data-answer="{letter}"]')

    @property
    def letters(self) -> list[str]:
        """Letters of the cards in reading order, once there are some."""
        expect(self.cards.first).to_be_visible()
        return [str(card.get_attribute("data-answer")) for card in self.cards.all()]

    @property
    def listbox(self) -> Locator:
        """The order so far."""
        return self.page.get_by_role("listbox", name="Your order, best first")

    def option(self, letter: str) -> Locator:
        """A completion in the listbox."""
        return self.listbox.get_by_role("option", name=f"Answer {letter}")

    def chip(self, letter: str, place: int) -> Locator:
        """The button that puts a completion on a place."""
        return self.page.get_by_role("button", name=f"Place {place} for answer {letter}", exact=True)

    def open(self, path: str = "desk") -> "Desk":
        """Load a page of the project."""
        self.page.goto(f"/p/{self.project_id}/{path}")
        return self

    def press(self, *keys: str) -> "Desk":
        """Press keys as a person does; a single capital letter is that card's key, `=A` is Shift with it."""
        for key in keys:
            self.presses += 1
            if key.startswith("=") and len(key) == 2:
                self.page.keyboard.press(f"Shift+Key{key[1]}")
            else:
                self.page.keyboard.press(f"Key{key}" if len(key) == 1 and key.isupper() else key)
        return self

    def shows(self, task: Task) -> "Desk":
        """Wait until this task is the one at hand."""
        expect(self.page.get_by_text(prompt_text(self.engine, task)).first).to_be_visible()
        return self

    def says(self, words: str | re.Pattern[str]) -> "Desk":
        """Wait until the page says this, to everybody or to a screen reader alone."""
        expect(self.page.get_by_text(words).first).to_be_attached()
        return self

    def judgments(self) -> list[Stored]:
        """This person's rankings in the database, oldest first."""
        return judgments(self.engine, self.person.id)

    def wait_for(self, condition: Callable[[], bool], what: str, within_ms: int = PATIENCE_MS) -> None:
        """Look at the database until `condition` holds, letting the browser work in between."""
        for _ in range(within_ms // POLL_MS):
            if condition():
                return
            self.page.wait_for_timeout(POLL_MS)
        raise AssertionError(f"not within {within_ms} ms: {what}")

    def stored(self, task: Task, order: str, *, revisions: int = 1) -> Stored:
        """The one current judgment of a task, as soon as it is stored; it must say exactly `order`."""

        def there() -> list[Stored]:
            return [one for one in self.judgments() if one.row.task_id == task.id]

        self.wait_for(lambda: len(there()) >= revisions, f"{revisions} judgments of task {task.id}")
        found = there()
        assert len(found) == revisions
        assert [one.row.current for one in found] == [False] * (revisions - 1) + [True]
        newest = found[-1]
        assert newest.order == order
        assert newest.pairs == pairs_of(order)
        assert newest.row.state == "submitted"
        assert newest.row.shown_order == newest.row.assigned_order
        return newest

    def holds(self, task: Task) -> bool:
        """Whether the person has a lease on the task."""
        query = text(
            "SELECT count(*) FROM assignments WHERE task_id = :task AND annotator_id = :annotator AND state = 'leased'"
        )
        with self.engine.connect() as connection:
            return connection.scalar(query, {"task": task.id, "annotator": self.person.id}) == 1

    def draft(self, task: Task) -> dict | None:
        """What the service keeps of the person's unfinished answer."""
        query = text("SELECT draft FROM assignments WHERE task_id = :task AND annotator_id = :annotator")
        with self.engine.connect() as connection:
            return connection.scalar(query, {"task": task.id, "annotator": self.person.id})


def prompt_text(engine: Engine, task: Task) -> str:
    """The first words of a task's last turn."""
    with engine.connect() as connection:
        query = text("SELECT messages FROM prompts WHERE id = :prompt")
        messages = connection.scalar(query, {"prompt": task.prompt_id})
    return str(messages[-1]["content"]).splitlines()[0][:60]
