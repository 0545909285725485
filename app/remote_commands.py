"""The commands of `plackett` that talk to a service over HTTP."""

import getpass
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from app import client
from app.arguments import Commands, add_command, add_group
from app.client import Client, ClientError, Login

# What may be told of an uploaded file.
ABOUT: Final = ("name", "source", "licence")


def log_in(arguments: Namespace) -> None:
    """Keep the address of a service and a token made on its page (Settings, API tokens)."""
    token = sys.stdin.readline() if arguments.token_stdin else getpass.getpass("Token (plk_…): ")
    login = Login(url=arguments.url.rstrip("/"), token=token.strip())
    who = Client(login).whoami()
    print(f"logged in to {login.url} as {who}; kept in {client.save_login(login)}")


def upload_prompts(arguments: Namespace) -> None:
    """Upload a prompt set (JSONL, CSV or TXT) and say what was found in it."""
    connection = Client(client.load_login())
    project, about = connection.project(arguments.project), about_upload(arguments)
    for line in client.upload_prompts(connection, project, arguments.file, about=about, accept=arguments.accept):
        print(line)


def upload_demonstrations(arguments: Namespace) -> None:
    """Upload demonstrations (JSON lines) and say what was found in them."""
    connection = Client(client.load_login())
    project, about = connection.project(arguments.project), about_upload(arguments)
    told = client.upload_demonstrations(connection, project, arguments.file, about=about, preview=arguments.preview)
    for line in told:
        print(line)


def upload_text(arguments: Namespace) -> None:
    """Upload a raw text to pretrain on or to mix in."""
    connection = Client(client.load_login())
    project = connection.project(arguments.project)
    print(client.upload_text(connection, project, arguments.file, about=about_upload(arguments)))


def list_texts(arguments: Namespace) -> None:
    """List a project's raw texts."""
    connection = Client(client.load_login())
    for text in connection.pages(f"/projects/{connection.project(arguments.project)}/texts"):
        print(client.describe_text(text))


def about_upload(arguments: Namespace) -> dict[str, str]:
    """What was given of name, source and licence."""
    return {name: value for name in ABOUT if (value := getattr(arguments, name))}


def start_run(arguments: Namespace) -> int:
    """Start a run, and with --watch follow it to its end."""
    connection = Client(client.load_login())
    body = {"kind": arguments.kind, "config": read_object(arguments.config), **read_object(arguments.request)}
    headers = {"Idempotency-Key": arguments.key} if arguments.key else {}
    run = connection.ask("POST", f"/projects/{connection.project(arguments.project)}/runs", json=body, headers=headers)
    print(client.describe_run(run), flush=True)
    return follow(connection, run["id"]) if arguments.watch else 0


def read_object(given: str) -> dict[str, Any]:
    """A JSON object from text, or from a file named as @FILE."""
    text = Path(given[1:]).read_text() if given.startswith("@") else given
    try:
        read = json.loads(text)
    except ValueError as error:
        raise ClientError(f"{given!r} is not JSON: {error}") from error
    if not isinstance(read, dict):
        raise ClientError(f"{given!r} is not a JSON object")
    return read


def watch_run(arguments: Namespace) -> int:
    """Follow a run to its end; the exit code is 0 when it succeeded."""
    return follow(Client(client.load_login()), arguments.run)


def follow(connection: Client, run_id: int) -> int:
    """Print a run's events until it has ended; 0 when it succeeded, else 1."""
    for line in client.watch_run(connection, run_id):
        print(line, flush=True)
    return int(connection.ask("GET", f"/runs/{run_id}")["state"] != "succeeded")


def list_runs(arguments: Namespace) -> None:
    """List a project's runs, the newest first."""
    connection = Client(client.load_login())
    wanted = {name: value for name in ("kind", "state") if (value := getattr(arguments, name))}
    for run in connection.pages(f"/projects/{connection.project(arguments.project)}/runs", **wanted):
        print(client.describe_run(run))


def download_comparisons(arguments: Namespace) -> None:
    """Download the project's comparisons as JSONL or Parquet."""
    connection = Client(client.load_login())
    target = arguments.output or Path(f"comparisons.{arguments.format}")
    size = client.download_comparisons(connection, connection.project(arguments.project), arguments.format, target)
    print(f"{target}: {size} bytes")


def add_remote_commands(commands: Commands) -> None:
    """Every command of this file, with its arguments."""
    login = add_command(commands, "login", log_in)
    login.add_argument("url", help="address of the service, e.g. http://127.0.0.1:8000")
    login.add_argument("--token-stdin", action="store_true", help="read the token from standard input")
    add_prompt_commands(add_group(commands, "prompts", "upload prompt sets"))
    add_demonstration_commands(add_group(commands, "demonstrations", "upload answers that people wrote"))
    add_text_commands(add_group(commands, "texts", "upload and list raw texts"))
    add_run_commands(add_group(commands, "runs", "start, follow and list runs"))
    datasets = add_group(commands, "datasets", "download comparisons")
    downloading = in_project(add_command(datasets, "download", download_comparisons))
    downloading.add_argument("--format", choices=("jsonl", "parquet"), default="jsonl")
    downloading.add_argument("--output", type=Path, metavar="FILE")


def add_prompt_commands(commands: Commands) -> None:
    """`plackett prompts …`"""
    uploading = upload_command(commands, upload_prompts)
    uploading.add_argument("--accept", action="store_true", help="add the good lines to the project at once")


def add_demonstration_commands(commands: Commands) -> None:
    """`plackett demonstrations …`"""
    uploading = upload_command(commands, upload_demonstrations)
    uploading.add_argument("--preview", action="store_true", help="say what the file holds, and keep nothing of it")


def add_text_commands(commands: Commands) -> None:
    """`plackett texts …`"""
    upload_command(commands, upload_text)
    in_project(add_command(commands, "list", list_texts))


def upload_command(commands: Commands, upload: Callable[[Namespace], None]) -> ArgumentParser:
    """A command that sends a file to a project."""
    uploading = in_project(add_command(commands, "upload", upload))
    uploading.add_argument("file", type=Path)
    for name in ABOUT:
        uploading.add_argument(f"--{name}")
    return uploading


def add_run_commands(commands: Commands) -> None:
    """`plackett runs …`"""
    starting = in_project(add_command(commands, "start", start_run))
    starting.add_argument("kind", help="import_model, sample, sft, reward, ppo …")
    starting.add_argument("--config", default="{}", metavar="JSON|@FILE", help="what differs from the defaults")
    starting.add_argument("--request", default="{}", metavar="JSON|@FILE", help="other fields: models, source, seed")
    starting.add_argument("--key", metavar="TEXT", help="Idempotency-Key: asked twice, it is one run")
    starting.add_argument("--watch", action="store_true", help="follow it to its end")
    add_command(commands, "watch", watch_run).add_argument("run", type=int, metavar="RUN")
    listing = in_project(add_command(commands, "list", list_runs))
    listing.add_argument("--kind")
    listing.add_argument("--state")


def in_project(parser: ArgumentParser) -> ArgumentParser:
    """Give a command the option that says which project it means."""
    parser.add_argument("--project", type=int, metavar="ID", help="may be left out when you are in only one")
    return parser
