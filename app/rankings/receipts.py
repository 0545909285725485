"""What a person is told of a judgment that was just written: counted, told and kept in one statement."""

from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app import idempotency
from app.rankings.progress import COUNT, PROGRESS, TODAYS
from app.statements import Statement

# The figures go into the answer where they are counted, and what is kept is what is told.
ANSWER: Final = """
    SELECT :annotator, :key, :route, :request_sha256, 201, :body || jsonb_build_object('progress', jsonb_build_object(
      'today', progress.today, 'total', progress.total,
      'median_seconds', round(CAST(progress.median_ms AS numeric) / 1000, 1)))
    FROM progress
"""
TELL: Final = f"progress AS ({PROGRESS}), kept AS ({idempotency.KEEP.format(what=ANSWER)}) SELECT body FROM kept"  # noqa: S608
BODY: Final = bindparam("body", type_=JSONB)
TELL_ONLY: Final = Statement(text(f"WITH today AS ({TODAYS}), {TELL}").bindparams(BODY))
COUNT_AND_TELL: Final = Statement(text(f"WITH today AS ({COUNT['judged']} RETURNING judged), {TELL}").bindparams(BODY))


def tell(
    session: Session,
    body: dict[str, Any],
    *,
    project_id: int,
    annotator_id: int,
    key: str,
    route: str,
    request: dict[str, Any],
    counting: bool,
) -> dict[str, Any]:
    """`body` with the person's progress, kept as the answer to `request` under `key`.

    `counting` counts one more judgment of today first.

    Raises:
        Conflict: the key was used elsewhere at the same moment; the work must not be kept.
    """
    values = {"project": project_id, "annotator": annotator_id, "key": key, "route": route, "body": body}
    values["request_sha256"] = idempotency.request_hash(route, request)
    told = (COUNT_AND_TELL if counting else TELL_ONLY).one_or_none(session, values)
    if told is None:
        raise idempotency.in_progress()
    answer: dict[str, Any] = told.body
    return answer
