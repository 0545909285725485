"""What every request body obeys: unknown fields, wrong types and characters that cannot be stored are refused."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

CONTROL_CHARACTERS = {chr(code) for code in (*range(32), 127)} - {"\t", "\n", "\r"}


class Input(BaseModel):
    """Parent of request bodies: a misspelt field is an error, "4" is no number, NaN is no number either."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def without_control_characters(text: str) -> str:
    """`text` itself; ValueError when it holds NUL or another control character that is no white space."""
    if found := CONTROL_CHARACTERS.intersection(text):
        raise ValueError(f"holds the control character U+{ord(min(found)):04X}")
    return text


def one_line(text: str) -> str:
    """`text` itself; ValueError when it spans several lines."""
    if len(text.splitlines()) > 1:
        raise ValueError("must be a single line")
    return text


# A name or a title, and a longer text; white space around them is taken off.
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(without_control_characters),
    AfterValidator(one_line),
]
Prose = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200_000), AfterValidator(without_control_characters)
]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
