"""A project with very many tasks and people who have already done very much, made by the database itself."""

from dataclasses import dataclass
from typing import Final

import psycopg

from app import migrate
from app.embedded import postgres
from app.embedded.postgres import MIGRATOR, SUPERUSER, Address

COMPLETIONS: Final = 4
VETERANS: Final = 8
# A veteran has done this many of a million tasks, and the same share of fewer.
DONE_OF_A_MILLION: Final = 50_000
PEOPLE: Final = 200


@dataclass(frozen=True)
class Seeded:
    """A database that holds one project with `tasks` tasks; its annotators have the ids 1 to `PEOPLE`."""

    name: str
    tasks: int

    @property
    def done_by_each_veteran(self) -> int:
        """Judgments that annotators 1 to `VETERANS` have behind them."""
        return DONE_OF_A_MILLION * self.tasks // 1_000_000


def cookie_of(annotator: int) -> str:
    """The session cookie of an annotator; the database knows its hash."""
    return f"annotator-{annotator}"


CSRF: Final = "the-token-of-all-sessions"
PROJECT: Final = 1

# Annotator v's tasks are a block of their own at the head of the queue: half-done, and not for v any more.
SEED: Final = [
    "SET session_replication_role = replica",
    "SET synchronous_commit = off",
    """INSERT INTO users (id, name, email) OVERRIDING SYSTEM VALUE
       SELECT n, 'Annotator ' || n, 'annotator-' || n || '@example.org' FROM generate_series(1, {people}) n""",
    """INSERT INTO sessions (user_id, token_hash, csrf_token, expires_at)
       SELECT n, sha256(convert_to('annotator-' || n, 'UTF8')), '{csrf}', now() + interval '10 days'
       FROM generate_series(1, {people}) n""",
    "INSERT INTO projects (id, name, settings) OVERRIDING SYSTEM VALUE VALUES (1, 'Benchmark', '{settings}')",
    "INSERT INTO memberships (project_id, user_id, role) SELECT 1, n, 'annotator' FROM generate_series(1, {people}) n",
    """INSERT INTO prompt_sets (id, project_id, name, file_name, file_sha256, bytes, state, lines, good, bad,
                                duplicates)
       OVERRIDING SYSTEM VALUE VALUES (1, 1, 'p', 'p.txt', '0', 1, 'added', {tasks}, {tasks}, 0, 0)""",
    """INSERT INTO model_versions (id, project_id, name, kind, number, stage) OVERRIDING SYSTEM VALUE
       VALUES (1, 1, 'model', 'base', 1, 'live')""",
    """INSERT INTO prompts (id, project_id, prompt_set_id, line, messages, content_hash, group_hash, split, state)
       OVERRIDING SYSTEM VALUE
       SELECT n, 1, 1, n, jsonb_build_array(jsonb_build_object('role', 'user', 'content', 'Question ' || n || '?')),
              decode(md5(n::text), 'hex'), decode(md5(n::text), 'hex'), 'train', 'active'
       FROM generate_series(1, {tasks}) n""",
    """INSERT INTO completions (id, prompt_id, model_version_id, text) OVERRIDING SYSTEM VALUE
       SELECT n, (n - 1) / {k} + 1, 1, 'Answer ' || n || ': ' || repeat('so it goes, ', 8)
       FROM generate_series(1, {tasks} * {k}) n""",
    """INSERT INTO tasks (id, project_id, prompt_id, overlap, priority_class) OVERRIDING SYSTEM VALUE
       SELECT n, 1, n, CASE WHEN n <= {half_done} THEN 2 ELSE 1 END, 19999 FROM generate_series(1, {tasks}) n""",
    """INSERT INTO task_completions (task_id, position, completion_id)
       SELECT (n - 1) / {k} + 1, (n - 1) % {k}, n FROM generate_series(1, {tasks} * {k}) n""",
    """INSERT INTO assignments (id, task_id, project_id, annotator_id, state, shown_order, finished_at)
       OVERRIDING SYSTEM VALUE
       SELECT n, n, 1, (n - 1) / {each} + 1, 'submitted',
              ARRAY(SELECT generate_series((n - 1) * {k} + 1, n * {k})), now() - interval '1 day'
       FROM generate_series(1, {half_done}) n""",
    """INSERT INTO rankings (id, project_id, assignment_id, task_id, annotator_id, revision, shown_order, touched,
                             moves, active_ms, created_at)
       OVERRIDING SYSTEM VALUE
       SELECT n, 1, n, n, (n - 1) / {each} + 1, 1, ARRAY(SELECT generate_series((n - 1) * {k} + 1, n * {k})), true, 3,
              20000, now() - interval '1 day' + n * interval '1 ms'
       FROM generate_series(1, {half_done}) n""",
    """INSERT INTO task_slots (task_id, project_id, state, priority_class, assignment_id)
       SELECT n, 1, 'filled', 19999, n FROM generate_series(1, {half_done}) n""",
    """INSERT INTO task_slots (task_id, project_id, priority_class)
       SELECT n, 1, CASE WHEN n <= {half_done} THEN 19998 ELSE 19999 END FROM generate_series(1, {tasks}) n""",
    """INSERT INTO annotator_days (annotator_id, project_id, day, judged)
       SELECT v, 1, current_date - d, {each} / 100 FROM generate_series(1, {veterans}) v, generate_series(1, 100) d""",
]
TABLES: Final = [
    "users", "projects", "prompt_sets", "model_versions", "prompts", "completions", "tasks", "assignments", "rankings",
]  # fmt: skip
SETTINGS: Final = '{"loop": {"paused": true}}'


def seed(address: Address, tasks: int) -> Seeded:
    """The database with `tasks` tasks, made now unless it is there."""
    seeded = Seeded(f"assignment_{tasks}", tasks)
    if _is_there(address, seeded.name):
        return seeded
    postgres.drop_database(address, seeded.name)
    postgres.ensure_database(address, seeded.name)
    migrate.upgrade(address.url(MIGRATOR, seeded.name))
    filled = {
        "people": PEOPLE, "tasks": tasks, "k": COMPLETIONS, "csrf": CSRF, "settings": SETTINGS,
        "each": seeded.done_by_each_veteran, "half_done": seeded.done_by_each_veteran * VETERANS, "veterans": VETERANS,
    }  # fmt: skip
    with psycopg.connect(address.url(SUPERUSER, seeded.name), autocommit=True) as connection:
        for statement in SEED:
            connection.execute(statement.format(**filled))
        for table in TABLES:
            connection.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"  # noqa: S608
            )
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
        connection.execute(f"COMMENT ON DATABASE {seeded.name} IS 'complete'")
    return seeded


def _is_there(address: Address, name: str) -> bool:
    with psycopg.connect(address.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        found = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (name,)
        ).fetchone()
    return found is not None and found[0] == "complete"
