"""`plackett login | prompts | runs | datasets`: the service over HTTP, as any other program would use it."""

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from app.embedded.passwords import write_private

FINAL = frozenset({"succeeded", "failed", "cancelled"})
RECONNECT_SECONDS = 2.0


class ClientError(RuntimeError):
    """The service refused, or could not be reached; the message is its own words."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """Where the service is and who we are there."""

    url: str
    token: str


def credentials_path() -> Path:
    """The file that `plackett login` writes."""
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "plackett" / "credentials"


def load_login() -> Login:
    """`PLACKETT_URL` and `PLACKETT_TOKEN`, else what `plackett login` saved."""
    path = credentials_path()
    saved = json.loads(path.read_text()) if path.exists() else {}
    url, token = os.environ.get("PLACKETT_URL", saved.get("url")), os.environ.get("PLACKETT_TOKEN", saved.get("token"))
    if not url or not token:
        raise ClientError("not logged in: `plackett login URL`, or set PLACKETT_URL and PLACKETT_TOKEN")
    return Login(url=url.rstrip("/"), token=token)


def save_login(login: Login) -> Path:
    """Keep a login for later commands, readable by its owner only; where it was written."""
    write_private(credentials_path(), json.dumps(asdict(login)))
    return credentials_path()


class Client:
    """One person's way into the service."""

    def __init__(self, login: Login, transport: httpx.BaseTransport | None = None) -> None:
        self.http = httpx.Client(
            base_url=f"{login.url}/api/v1",
            headers={"Authorization": f"Bearer {login.token}"},
            timeout=httpx.Timeout(30, read=120),
            transport=transport,
        )

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """The answer's JSON; `ClientError` with the service's words when it refuses."""
        try:
            answer = self.http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise ClientError(f"{self.http.base_url.host} could not be reached: {error}") from error
        check(answer)
        return answer.json() if answer.content else None

    def pages(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page after page."""
        cursor = None
        while True:
            page = self.ask("GET", path, params={**parameters, **({"cursor": cursor} if cursor else {})})
            yield from page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return

    def project(self, given: int | None) -> int:
        """The project meant: the given one, else the only one there is."""
        if given is not None:
            return given
        known = list(self.pages("/projects"))
        if len(known) == 1:
            return int(known[0]["id"])
        names = ", ".join(f"{project['id']} ({project['name']})" for project in known) or "none"
        raise ClientError(f"which project? --project ID; yours are: {names}")

    def whoami(self) -> str:
        """The name of the person the token belongs to."""
        user = self.ask("GET", "/session")["user"]
        if user is None:
            raise ClientError("the service does not know this token")
        return str(user["email"])


def check(answer: httpx.Response) -> None:
    """Raise `ClientError` with what a problem document says, unless the request went well."""
    if answer.is_success:
        return
    try:
        problem = answer.json()
        words = [problem.get("title", ""), problem.get("detail", ""), problem.get("advice") or ""]
    except ValueError:
        words = [answer.reason_phrase]
    raise ClientError(f"{answer.status_code}: " + ". ".join(word.rstrip(".") for word in words if word))


def upload_prompts(client: Client, project: int, file: Path, *, about: dict[str, str], accept: bool) -> Iterator[str]:
    """Upload a prompt set, tell what was found in it, and add it to the project when `accept` says so."""
    with file.open("rb") as content:
        found = client.ask("POST", f"/projects/{project}/prompt-sets", files={"file": (file.name, content)}, data=about)
    yield f"prompt set {found['id']}: {found['good']} good, {found['bad']} bad, {found['duplicates']} duplicate lines"
    for error in found["errors"]:
        yield f"  line {error['line']}: {error['reason']}"
    if accept:
        client.ask("POST", f"/projects/{project}/prompt-sets/{found['id']}/accept")
        yield f"added {found['good']} prompts"
    else:
        yield "nothing is added yet: run again with --accept, or accept it on the page"


def upload_demonstrations(
    client: Client, project: int, file: Path, *, about: dict[str, str], preview: bool
) -> Iterator[str]:
    """Upload demonstrations and tell what was found in the file; in a preview nothing is kept."""
    with file.open("rb") as content:
        found = client.ask(
            "POST",
            f"/projects/{project}/demonstrations",
            params={"preview": preview},
            files={"file": (file.name, content)},
            data=about,
        )
    yield (
        f"{found['demonstrations']} demonstrations, {found['duplicates']} there already, {found['bad']} bad lines, "
        f"{found['new_prompts']} new prompts"
    )
    splits = found["by_split"]
    yield f"to learn from: {splits['train']}; held out: {splits['validation']}; never used: {splits['test']}"
    for error in found["errors"]:
        yield f"  line {error['line']}: {error['reason']}"
    if preview:
        yield "nothing is kept: run again without --preview"


def upload_text(client: Client, project: int, file: Path, *, about: dict[str, str]) -> str:
    """Upload a raw text; what it is known by from now on."""
    with file.open("rb") as content:
        found = client.ask("POST", f"/projects/{project}/texts", files={"file": (file.name, content)}, data=about)
    return describe_text(found)


def describe_text(text: dict[str, Any]) -> str:
    """A text in one line."""
    return f"text {text['id']}: {text['name']}, {text['bytes']:,} bytes, {text['lines']:,} lines"


def describe_run(run: dict[str, Any]) -> str:
    """A run in one line."""
    progress = run.get("progress") or {}
    steps = f" {progress['step']}/{progress['total']}" if progress.get("total") else ""
    why = f" ({run['reason']}: {run['error']})" if run.get("error") else ""
    return f"run {run['id']} {run['kind']} {run['state']}{steps}{why}"


def watch_run(client: Client, run_id: int) -> Iterator[str]:
    """The run's events as lines until it has ended, however often the connection breaks."""
    last = 0
    while True:
        try:
            for number, name, data in read_events(client, run_id, last):
                last = number or last
                if line := describe_event(name, data):
                    yield line
        except httpx.HTTPError as error:
            print(f"connection lost ({error}); trying again", file=sys.stderr)
        run = client.ask("GET", f"/runs/{run_id}")
        if run["state"] in FINAL:
            yield describe_run(run)
            return
        time.sleep(RECONNECT_SECONDS)


def read_events(client: Client, run_id: int, after: int) -> Iterator[tuple[int | None, str, dict[str, Any]]]:
    """(id, name, data) of each server-sent event after number `after`."""
    with client.http.stream("GET", f"/runs/{run_id}/events", params={"after": after}) as answer:
        if not answer.is_success:
            answer.read()
            check(answer)
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
            elif fields.get("event"):
                number = int(fields["id"]) if fields.get("id") else None
                yield number, fields["event"], json.loads(fields.get("data") or "{}")
                fields = {}


def describe_event(name: str, data: dict[str, Any]) -> str | None:
    """An event as a line for a terminal, nothing for those that only a page shows."""
    if name == "state":
        return f"{data['from']} → {data['to']}: {data.get('text') or ''}".rstrip(": ")
    if name == "progress":
        left = f", {data['seconds_left']:.0f} s left" if data.get("seconds_left") else ""
        return f"{data['phase']} {data['step']}/{data['total']}{left}"
    if name == "metric":
        numbers = (f"{key}={value:.4g}" for key, value in data["metrics"].items() if value is not None)
        return f"step {data['step']}: {' '.join(numbers)}"
    return f"{data['level']}: {data['text']}" if name == "log" else None


def download_comparisons(client: Client, project: int, file_format: str, target: Path) -> int:
    """Stream the comparisons into `target`, complete or not at all; the bytes written."""
    aside = target.with_name(target.name + ".part")
    with client.http.stream("GET", f"/projects/{project}/comparisons", params={"format": file_format}) as answer:
        if not answer.is_success:
            answer.read()
            check(answer)
        with aside.open("wb") as file:
            for chunk in answer.iter_bytes():
                file.write(chunk)
    aside.replace(target)
    return target.stat().st_size
