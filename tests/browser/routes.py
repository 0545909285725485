"""Every page of the product: its address, who may see it, and what can be opened on it."""

import re
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = Path(__file__).parent.parent.parent / "frontend" / "src" / "routes"
# Addresses that only lead elsewhere.
REDIRECTS = {"/", "/p/$projectId"}


@dataclass(frozen=True)
class Place:
    """A page; `opens` are names of buttons whose press shows more: a dialog, a panel, a mode."""

    path: str
    address: str
    roles: frozenset[str] = frozenset({"admin"})
    opens: list[str] = field(default_factory=list)

    def at(self, project_id: int, run_id: int = 0) -> str:
        """The address in one project."""
        return self.address.format(project=f"/p/{project_id}", run=run_id)


ANNOTATING = frozenset({"admin", "annotator"})
EVERYBODY = frozenset({"admin", "annotator", "nobody"})
PLACES = [
    Place("/sign-in", "/sign-in", frozenset({"nobody"})),
    Place("/welcome", "/welcome", frozenset({"nobody"})),
    Place("/nowhere", "/nowhere", EVERYBODY),
    Place("/account", "/account", ANNOTATING),
    Place("/projects/new", "/projects/new"),
    Place("/desk", "{project}/desk", ANNOTATING, ["Keys", "Guidelines"]),
    Place("/history", "{project}/history", ANNOTATING),
    Place("/loop", "{project}/loop"),
    Place("/prompts", "{project}/prompts", opens=["Upload prompts", "Upload demonstrations", "Upload a text"]),
    Place("/runs", "{project}/runs", opens=["New run"]),
    Place("/runs/$runId", "{project}/runs/{run}", opens=["Show the numbers"]),
    Place("/models", "{project}/models", opens=["Drift"]),
    Place("/datasets", "{project}/datasets"),
    Place("/completions", "{project}/completions"),
    Place("/tasks", "{project}/tasks"),
    Place("/write", "{project}/write", ANNOTATING),
    Place("/known", "{project}/known"),
    Place("/known/new", "{project}/known/new"),
    Place("/reports", "{project}/reports"),
    Place("/guidelines", "{project}/guidelines"),
    Place("/people", "{project}/people", opens=["Invite somebody"]),
    Place("/tokens", "{project}/tokens", opens=["New token"]),
    Place("/webhooks", "{project}/webhooks", opens=["Add a webhook", "Messages to", "New secret for"]),
    Place("/settings", "{project}/settings"),
    Place("/audit", "{project}/audit"),
]


def declared() -> set[str]:
    """The addresses that the page's router declares."""
    sources = "\n".join(source.read_text(encoding="utf-8") for source in SOURCES.glob("*.ts*"))
    return set(re.findall(r'\bpath: "([^"]+)"', sources)) - REDIRECTS


def places_of(role: str) -> list[Place]:
    """The pages that this kind of person sees."""
    return [place for place in PLACES if role in place.roles]
