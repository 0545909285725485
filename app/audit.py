"""The audit trail: one row for each deed, in the deed's own transaction."""

from contextvars import ContextVar
from typing import Any, Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.auth.tables import User
from app.statements import Statement

INSERT: Final = Statement(
    text(
        """
    INSERT INTO audit_events (actor_id, actor_kind, action, object_type, object_id, project_id, request_id, detail)
    VALUES (:actor_id, :actor_kind, :action, :object_type, :object_id, :project_id, :request_id, :detail)
    """
    ).bindparams(bindparam("detail", type_=JSONB))
)

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def record(
    session: Session,
    *,
    actor: User | None,
    action: str,
    object_type: str,
    object_id: int | str,
    project_id: int | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write down that `actor` (None: the service itself) did `action` to an object. Never put a secret in `detail`."""
    INSERT.run(
        session,
        {
            "actor_id": actor.id if actor else None,
            "actor_kind": "person" if actor else "service",
            "action": action,
            "object_type": object_type,
            "object_id": str(object_id),
            "project_id": project_id,
            "request_id": request_id.get(),
            "detail": detail or {},
        },
    )
