"""How a hyper-parameter is declared: a dataclass field with the words and the bounds that a form needs."""

from dataclasses import field
from typing import Any, Final

FORBID_UNKNOWN: Final = {"extra": "forbid"}


def setting(
    default: Any,
    title: str,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    written_as: str | None = None,
) -> Any:
    """A dataclass field with its title, its description and, where there are any, its bounds.

    `written_as` names how a text is written; `configs.WRITTEN_AS` reads it.
    """
    bounds = (("minimum", minimum), ("maximum", maximum), ("format", written_as))
    given = {name: bound for name, bound in bounds if bound is not None}
    return field(default=default, metadata={"title": title, "description": description, **given})


def stop_setting() -> Any:
    """The setting of strings that end a completion; `drawing.listed` reads it."""
    return setting(
        "",
        "Stop strings",
        "Strings that end a completion beside the model's own end, with | between them; \\n is a line break.",
    )
