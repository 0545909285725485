"""The command `plackett`: run the service here, look after it, or use one over HTTP."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr, ValidationError

from app import backup, client, doctor, migrate, retention, supervisor
from app.arguments import Command, Commands, add_command, new_parser
from app.config import PREFIX, Settings, UnknownSettingError, get_settings
from app.db import engine, transaction
from app.demo.first_start import first_admin_link, first_start
from app.embedded.binaries import ServerMissingError
from app.embedded.children import ChildFailedError
from app.embedded.stack import DatabaseUnreachableError
from app.instance import AlreadyRunningError
from app.local_database import LocalDatabase, local_database
from app.remote_commands import add_remote_commands
from app.runs.kinds import require_known_kinds
from app.service_specs import development_specs, service_specs
from app.storage import store

EXPECTED = (
    AlreadyRunningError,
    ChildFailedError,
    DatabaseUnreachableError,
    ServerMissingError,
    UnknownSettingError,
    backup.BackupError,
    client.ClientError,
    FileNotFoundError,
)
ENGINE_COMMANDS = ("train", "evaluate", "score")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 1 when not, 2 when it was not understood."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] in ENGINE_COMMANDS:
        # The engine needs torch, which the service never loads: its own program takes over.
        os.execv(sys.executable, [sys.executable, "-m", "workers.rlhf.cli", *given])  # noqa: S606
    parsed = build_parser().parse_args(given)
    command: Command = parsed.command
    try:
        return command(parsed) or 0
    except ValidationError as error:
        for problem in error.errors():
            name = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
            print(f"plackett: {name}: {problem['msg']}", file=sys.stderr)
    except EXPECTED as error:
        print(f"plackett: {error}", file=sys.stderr)
    return 1


def build_parser() -> ArgumentParser:
    """Every command and its arguments."""
    parser, commands = new_parser(__doc__)
    add_local_commands(commands)
    add_remote_commands(commands)
    for name in ENGINE_COMMANDS:
        commands.add_parser(name, help=f"{name} a model from files, without a service", add_help=False)
    return parser


def add_local_commands(commands: Commands) -> None:
    """Commands for the service in this folder."""
    starting = add_command(commands, "up", up)
    starting.add_argument("--dev", action="store_true", help="reload the code and the page as they change")
    working = add_command(commands, "work", work)
    working.add_argument("queues", nargs="+", metavar="QUEUE", help="light, training, or one of PLACKETT_QUEUES")
    migrating = add_command(commands, "migrate", apply_migrations)
    migrating.add_argument("--first-start", action="store_true", help="make the demo and the first admin's link too")
    add_command(commands, "doctor", examine)
    add_command(commands, "config", list_settings)
    add_command(commands, "admin-link", make_admin_link)
    cleaning = add_command(commands, "clean", clean)
    cleaning.add_argument("--delete", action="store_true", help="delete what is listed; without this nothing changes")
    add_command(commands, "backup", make_backup).add_argument("file", type=Path)
    restoring = add_command(commands, "restore", restore_backup)
    restoring.add_argument("file", type=Path)
    restoring.add_argument("--replace", action="store_true", help="throw away what the embedded database holds")


def up(arguments: Namespace) -> None:
    """Run the whole service in the foreground until Ctrl-C."""
    specs = development_specs if arguments.dev else service_specs
    settings = get_settings()
    require_known_kinds(settings)
    supervisor.up(settings, first_start, specs)


def work(arguments: Namespace) -> None:
    """Run workers for the named queues, on a machine where the servers do not run."""
    settings = get_settings()
    unknown = [queue for queue in arguments.queues if queue not in settings.all_queues]
    if unknown:
        raise UnknownSettingError(
            f"there is no queue {unknown[0]}, but {', '.join(settings.all_queues)}; PLACKETT_QUEUES adds others"
        )
    supervisor.work(settings, arguments.queues)


def apply_migrations(arguments: Namespace) -> None:
    """Bring the database's schema to this version; safe while the service runs."""
    settings = get_settings()
    with local_database(settings) as database, app_database(database.database_url):
        migrate.upgrade(database.migrator_database_url)
        print("the schema is current")
        link = first_start(page_address(settings, database)) if arguments.first_start else None
        if link:
            print(f"become the admin (works once, within an hour): {link}")


def page_address(settings: Settings, database: LocalDatabase) -> str:
    """Where people open the page."""
    return settings.public_url or database.url or f"http://127.0.0.1:{settings.port}"


def examine(_arguments: Namespace) -> int:
    """Say what is wrong on this machine and what to do about it."""
    findings = []
    for finding in doctor.examine(get_settings()):
        findings.append(finding)
        print(f"{finding.level:<5} {finding.what}" + (f"\n      → {finding.advice}" if finding.advice else ""))
    return int(any(finding.level == "fail" for finding in findings))


def list_settings(_arguments: Namespace) -> None:
    """List every setting: its value, where that comes from, what it means. Secrets are not shown."""
    settings = get_settings()
    for field, about in Settings.model_fields.items():
        name, value = PREFIX + field.upper(), getattr(settings, field)
        source = "environment" if field in settings.model_fields_set else "default"
        shown = "(secret)" if isinstance(value, SecretStr) else "(not set)" if value is None else value
        print(f"{name} = {shown}    [{source}]\n    {about.description}")


def make_admin_link(_arguments: Namespace) -> None:
    """Make a new one-time link that makes its opener the admin; earlier ones stop working."""
    settings = get_settings()
    with local_database(settings) as database, app_database(database.database_url):
        print(first_admin_link(page_address(settings, database)))


def clean(arguments: Namespace) -> None:
    """List what the retention policy lets go: old checkpoints of ended runs, artifacts that nothing names."""
    settings = get_settings()
    with local_database(settings) as database, app_database(database.database_url):
        if arguments.delete:
            found = list(retention.clean(settings, store()))
        else:
            with transaction() as session:
                found = retention.find(session, settings, store())
    for one in found:
        print(f"{one.kind:<10} {one.size / 2**20:>10.1f} MiB  {one.path}")
    done = "deleted" if arguments.delete else "could be deleted; --delete does it"
    print(f"{len(found)} {done}, {sum(one.size for one in found) / 2**20:.1f} MiB")


@contextmanager
def app_database(url: str) -> Generator[None, None, None]:
    """Let the service's own code in this process use the database at `url` until the block ends."""
    name, before = f"{PREFIX}DATABASE_URL", dict(os.environ)
    os.environ[name] = url
    get_settings.cache_clear()
    try:
        yield
    finally:
        engine().dispose()
        engine.cache_clear()
        os.environ.pop(name)
        os.environ.update(before)
        get_settings.cache_clear()


def make_backup(arguments: Namespace) -> None:
    """Write the database and the artifacts into one file, also while the service runs."""
    made = backup.back_up(get_settings(), arguments.file)
    print(f"{made.path}: {made.bytes / 2**20:.1f} MiB, {made.artifacts} artifact files. Keep it private.")


def restore_backup(arguments: Namespace) -> None:
    """Fill this folder's service from a backup, while it does not run."""
    backup.restore(get_settings(), arguments.file, replace=arguments.replace)
    print("restored")


if __name__ == "__main__":
    sys.exit(main())
