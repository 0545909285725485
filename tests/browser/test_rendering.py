"""Texts of people and models on the desk: attacks do nothing, formulas, code, chats and scripts of all directions show.

The detectors are tried on a page without any protection first: they must see what they are there to see.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.app.judgment_rows import World
from tests.browser.attacks import FAMILIES, FOREIGN, HANDLERS, REMOTES, SCRIPTS
from tests.browser.axe import in_both_themes
from tests.browser.conftest import OpenDesk
from tests.browser.desk import PATIENCE_MS, Desk
from tests.browser.seed import a_task
from tests.browser.service import WebService

pytestmark = [pytest.mark.browser, pytest.mark.commits]

COUNTERS = """
window.executed = 0;
window.refused = [];
window.ran = () => { window.executed += 1; };
document.addEventListener("securitypolicyviolation", (event) => window.refused.push(event.violatedDirective));
"""
# Elements, attributes and addresses that no text may bring into the page.
FORBIDDEN = r"""() => {
  const TAGS = new Set(["script", "style", "link", "meta", "base", "img", "picture", "source", "video", "audio",
    "track", "iframe", "object", "embed", "form", "template", "portal"]);
  const NAMES = /^on|^(id|name|src|srcset|srcdoc|action|formaction|background|ping|poster)$/;
  const isDrawing = (one) => one.tagName === "svg" && one.getAttribute("aria-hidden") !== "true";
  const isStyled = (one, value) => one.closest("math") === null || /url|position|expression/.test(value);
  const found = [];
  for (const one of document.querySelectorAll(".prose *")) {
    // The page's own question about a link stands beside the text while it closes.
    if (one.closest("dialog")) continue;
    if (TAGS.has(one.tagName.toLowerCase()) || isDrawing(one)) found.push(one.tagName);
    for (const { name, value } of one.attributes) {
      if (NAMES.test(name)) found.push(name);
      if (/href/.test(name) && !/^(https?|mailto):/.test(value)) found.push(value);
      if (name === "style" && isStyled(one, value)) found.push(value);
    }
  }
  return found;
}"""


@dataclass
class Detector:
    """What a page did that no text may make it do."""

    origin: str
    dialogs: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    windows: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> "Detector":
        """Count from now on; nothing reaches another host."""
        context.add_init_script(COUNTERS)
        context.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        context.on("request", lambda request: None if self.is_own(request.url) else self.left.append(request.url))
        context.on("page", lambda page: self.windows.append(page.url))
        context.route(lambda url: not self.is_own(url), lambda route: route.abort())
        return self

    def forget(self) -> None:
        """Begin anew; a page forgets when it is loaded."""
        for seen in (self.dialogs, self.left, self.windows):
            seen.clear()

    def is_own(self, url: str) -> bool:
        """Whether an address is of the page's own origin, or inside the page."""
        return url.startswith((self.origin, "data:", "blob:", "about:"))

    def seen(self, page: Page) -> dict[str, Any]:
        """Executions, dialogs, requests that left, new windows, refusals by the Content-Security-Policy."""
        return {
            "executed": page.evaluate("window.executed"),
            "dialogs": self.dialogs,
            "left": self.left,
            "windows": self.windows,
            "refused": page.evaluate("window.refused"),
        }


# Each is there twice beside an honest completion, and a task has nine at most.
AT_ONCE = 4
# A page that carries out one text.
BROKEN = """addEventListener("keydown", () => {
  if (document.body.textContent.includes("the bad one")) window.executed += 1;
});"""
NOTHING = {"executed": 0, "dialogs": [], "left": [], "windows": [], "refused": []}


class Stage:
    """A desk whose task says whatever a test wants, even what no database would store."""

    def __init__(self, desk: Desk, places: int) -> None:
        self.desk, self.places = desk, places
        self.messages: list[dict[str, str]] = []
        self.texts: list[str] = []
        desk.page.route("**/tasks/claim", self._claim)

    def _claim(self, route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        if body["assignment"] is not None:
            body["assignment"]["prompt"]["messages"] = self.messages
            for card, text in zip(body["assignment"]["completions"], self.texts, strict=True):
                card["text"] = text
        route.fulfill(response=answer, json=body)

    def show(self, prompt: str | list[dict[str, str]], *texts: str) -> Page:
        """Load the desk with these texts."""
        self.messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        self.texts = list(texts)
        self.desk.page.reload()
        expect(self.desk.cards).to_have_count(len(texts), timeout=PATIENCE_MS)
        return self.desk.page


@pytest.fixture
def detector(service: WebService) -> Detector:
    """Counts of nothing yet."""
    return Detector(service.url)


@pytest.fixture
def open_stage(project: World, open_desk: OpenDesk, detector: Detector) -> Iterator[Callable[[int], Stage]]:
    """Opens a desk with so many completions, watched."""
    pages: list[Page] = []

    def open_one(cards: int) -> Stage:
        a_task(project, texts=cards)
        desk = open_desk(project, path="history")
        pages.append(desk.page)
        detector.watch(desk.context)
        opened = Stage(desk, cards)
        desk.open()
        return opened

    yield open_one
    for page in pages:
        # The desk may be asking for its next task; that answer is of no interest any more.
        page.unroute_all(behavior="ignoreErrors")


@pytest.fixture
def stage(open_stage: Callable[[int], Stage]) -> Stage:
    """A desk with three completions."""
    return open_stage(3)


@pytest.fixture
def bare_page(browser: Browser, service: WebService, detector: Detector) -> Iterator[Page]:
    """The page with neither sanitising nor a Content-Security-Policy."""
    context = browser.new_context(base_url=service.url, bypass_csp=True)
    detector.watch(context)
    yield context.new_page()
    context.close()


def inject(page: Page, attack: str) -> None:
    """What a page without protection would do with a text."""
    page.goto("/sign-in")
    page.evaluate("(html) => document.body.append(document.createRange().createContextualFragment(html))", attack)
    page.wait_for_timeout(150)


def test_the_detectors_see_what_an_unprotected_page_does(bare_page: Page, detector: Detector) -> None:
    """The control: without protection most of these attacks run, or call home."""
    ran, called = [], []
    for name, attack in (SCRIPTS | HANDLERS | REMOTES | FOREIGN).items():
        if name == "refresh":  # it takes the page away, and the counters with it
            continue
        detector.left.clear()
        inject(bare_page, attack)
        ran += [name] if bare_page.evaluate("window.executed") else []
        called += [name] if detector.left else []
    assert len(ran) >= 20, ran
    assert len(called) >= 10, called


def test_the_policy_alone_refuses_what_no_sanitiser_stopped(
    browser: Browser, service: WebService, detector: Detector
) -> None:
    """The second line of defence is counted apart: under the policy, injected scripts do not run and are reported."""
    context = browser.new_context(base_url=service.url)
    detector.watch(context)
    page = context.new_page()
    refused = 0
    for attack in (SCRIPTS["script"], HANDLERS["image error"], REMOTES["frame"], FOREIGN["drawing load"]):
        inject(page, attack)
        assert page.evaluate("window.executed") == 0
        refused += len(page.evaluate("window.refused"))
    context.close()
    assert refused >= 4


@pytest.mark.parametrize("family", FAMILIES)
def test_attacks_do_nothing(open_stage: Callable[[int], Stage], detector: Detector, family: str) -> None:
    """As a prompt and as a completion, plain and marked: nothing runs, nothing leaves, and the desk goes on working."""
    attacks = list(FAMILIES[family].items())
    # Loading the page takes longest, so that several are shown at once; but each large one has all of it.
    at_once = 1 if family == "sizes" else AT_ONCE
    stage = open_stage(2 * at_once + 1)
    for first in range(0, len(attacks), at_once):
        together = dict(attacks[first : first + at_once])
        try:
            survive(stage, detector, together)
        except AssertionError:
            for name, attack in together.items() if len(together) > 1 else ():
                detector.forget()
                survive(stage, detector, {name: attack})
            raise
    assert sum(map(len, FAMILIES.values())) >= 60


def test_of_attacks_shown_together_the_one_that_does_something_is_named(
    open_stage: Callable[[int], Stage], detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a page that carries out one text alone fails the test, with that text's name and no other's."""

    def open_broken(places: int) -> Stage:
        opened = open_stage(places)
        opened.desk.page.add_init_script(BROKEN)
        return opened

    monkeypatch.setitem(FAMILIES, "mixed", {"first": "good", "second": "the bad one"})
    with pytest.raises(AssertionError, match=r"^\['second'\]"):
        test_attacks_do_nothing(open_broken, detector, "mixed")


# Of its first line, brought to the middle of the window, where neither header nor buttons lie over it.
MIDDLE = """one => {
    one.scrollIntoView({ block: "center", behavior: "instant" });
    const { x, y, width, height } = one.getClientRects()[0];
    return [x + width / 2, y + height / 2];
}"""


def survive(stage: Stage, detector: Detector, attacks: dict[str, str]) -> None:
    """Show each attack as a turn of the prompt and in two completions, and do what a reader might."""
    texts = [text for attack in attacks.values() for text in (attack, f"An honest answer.\n\n{attack}")]
    turns = [{"role": "user", "content": attack} for attack in attacks.values()]
    page = stage.show(turns, *texts, *["Another."] * (stage.places - len(texts)))
    for place in range(len(attacks)):
        provoke(page, 2 * place)
    assert page.evaluate(FORBIDDEN) == [], list(attacks)
    page.keyboard.press("KeyW")
    expect(page.locator("article mark").first).to_be_attached()
    # The marks are another way to the page for the same text.
    for place in range(len(attacks)):
        provoke(page, 2 * place)
    assert page.evaluate(FORBIDDEN) == [], list(attacks)
    assert detector.seen(page) == NOTHING, list(attacks)
    stage.desk.press("A", "B")
    stage.desk.says(f"B is on place 2 of {stage.places}.").press("Backspace", "Backspace")


def provoke(page: Page, place: int) -> None:
    """Do what a reader might: point at the text, follow its first link, and think better of it."""
    plain, embedded = (page.locator("article .prose").nth(one) for one in (place, place + 1))
    plain.hover(position={"x": 4, "y": 4}, force=True)
    link = plain.locator("a").or_(embedded.locator("a")).first
    if link.count():
        # Where a finger would: a marked link begins with words for screen readers alone, and those cannot be hit.
        page.mouse.click(*link.evaluate(MIDDLE))
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


FORMULA_TEXT = (
    "The roots are $x = \\frac{-b \\pm \\sqrt{b^2-4ac}}{2a}$ for $a \\in \\mathbb{R}$; it costs $5 to $10.\n\n"
    "\\[\n\\begin{aligned} a &= b \\\\ &= c \\end{aligned}\n\\]\n\nBroken: $\\frac{1$."
)
TEXTS = [
    FORMULA_TEXT,
    "```python\ndef f(x):\n    return x  # " + "long " * 60 + "\n```\n\n| a | b |\n|---|---|\n| 1 | $|x|$ |",
    "## שלום\n\n- ראשון\n- second\n\nטקסט עם `code` בתוכו.",
]


def test_formulas_code_and_directions_show(stage: Stage) -> None:
    """Formulas are MathML, wrong ones their source; code has colours, scrolls alone and can be copied."""
    page = stage.show("Compare $x^2$ with 我喜欢喝绿茶.", *TEXTS)
    expect(page.locator("article math")).to_have_count(4)
    expect(page.locator("article code.math")).to_have_text("$\\frac{1$")
    expect(page.get_by_text("it costs $5 to $10.")).to_be_visible()
    expect(page.locator(".hljs-keyword").first).to_have_text("def")
    expect(page.get_by_role("group", name="Code")).to_have_attribute("tabindex", "0")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    directions = page.evaluate("[...document.querySelectorAll('article [dir=rtl]')].map((one) => one.tagName)")
    assert directions == ["UL"]
    assert page.evaluate("getComputedStyle(document.querySelector('article h3')).direction") == "rtl"


def test_code_is_copied_without_leaving_the_keys(project: World, open_desk: OpenDesk) -> None:
    """The button beside a block of code copies its text; the next key still ranks."""
    a_task(project, "Write a function.", ["```js\nlet a = 1;\n```", "no", "none"])
    desk = open_desk(project, permissions=["clipboard-read", "clipboard-write"])
    desk.page.get_by_role("button", name="Copy code").click()
    expect(desk.page.get_by_role("button", name="Copied")).to_be_visible()
    assert desk.page.evaluate("navigator.clipboard.readText()") == "let a = 1;"
    desk.press("A").says("A is on place 1 of 3.")


def test_differences_are_marked_for_eyes_and_ears(stage: Stage) -> None:
    """Words out of line are underlined in `mark`, with words for a screen reader; the text itself does not change."""
    page = stage.show("How often?", "Feed it **twice** a day.", "Feed it **once** a day.", "Feed it **once** a day.")
    page.keyboard.press("KeyW")
    expect(page.locator("article mark")).to_have_text(["twice"])
    mark = page.locator("article mark").first
    assert mark.evaluate("(one) => getComputedStyle(one).textDecorationLine") == "underline"
    assert "differs" in mark.evaluate("(one) => getComputedStyle(one, '::before').content")
    expect(page.locator("article .prose").first).to_have_text("Feed it twice a day.")


def test_long_prompts_fold_and_completions_never_do(stage: Stage) -> None:
    """The middle of a very long prompt is hidden with a count, and shown on request; a system turn is context."""
    long = "\n\n".join(f"Paragraph {number}. " + "word " * 60 for number in range(40))
    page = stage.show(
        [
            {"role": "system", "content": "You are terse. " * 60},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi!"},
            {"role": "user", "content": long},
        ],
        long,
        "short",
        "shorter",
    )
    conversation = page.get_by_role("region", name="The conversation")
    expect(conversation.get_by_role("listitem")).to_have_count(4)
    expect(conversation.get_by_role("button")).to_have_count(2)
    expect(conversation.get_by_text("Paragraph 20.")).to_have_count(0)
    expect(page.locator("article").first.get_by_text("Paragraph 20.")).to_be_visible()
    conversation.get_by_role("button", name="words hidden, show all").last.click()
    expect(conversation.get_by_text("Paragraph 20.")).to_be_visible()


def test_long_answers_are_drawn_quickly(stage: Stage) -> None:
    """Three completions of 2,000 words: parsed, compared and marked without a long wait, even on a busy machine."""
    texts = [
        " ".join(f"own{step}" if place % step == 0 else f"w{place % 211}" for place in range(2000))
        for step in (7, 9, 11)
    ]
    page = stage.show("Long?", *texts)
    milliseconds = page.evaluate(
        """async () => {
          const before = performance.now();
          document.body.dispatchEvent(new KeyboardEvent("keydown", { code: "KeyW", key: "w", bubbles: true }));
          await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
          return performance.now() - before;
        }"""
    )
    assert page.locator("article mark").count() > 10
    assert milliseconds < 2000


LANGUAGES = """```diff
- old
+ new
```

```html
<!-- note --><a href="x">text</a>
```

```yaml
key: "text" # note
on: true
```
"""


def test_rich_texts_are_accessible(stage: Stage) -> None:
    """With formulas, code of every colour, tables and marks on them: axe finds nothing in either theme."""
    page = stage.show(
        "Compare $x^2$.\n\n> quoted\n\n- [x] done", TEXTS[0], TEXTS[1] + "\n\nx[^1]\n\n[^1]: note", LANGUAGES
    )
    expect(page.locator(".hljs-comment").first).to_be_visible()
    page.keyboard.press("KeyW")
    expect(page.locator("article mark").first).to_be_visible()
    assert in_both_themes(page) == []
