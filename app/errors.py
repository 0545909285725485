"""What can go wrong, each with a name, a status and advice; one handler in `main` renders them as problem+json."""

import dataclasses


@dataclasses.dataclass(eq=False)
class AppError(Exception):
    """A refusal a person can act on.

    `detail` says what happened, `advice` what to do, `field` which input is meant, `errors` lists several at once.
    """

    detail: str
    advice: str | None = None
    field: str | None = None
    type: str | None = None
    errors: list[dict[str, str]] = dataclasses.field(default_factory=list)
    retry_after_seconds: int | None = None

    status = 500
    slug = "internal"
    title = "Something went wrong"

    def __str__(self) -> str:
        return self.detail


class BadRequest(AppError):
    status, slug, title = 400, "bad-request", "The request could not be read"


class NotSignedIn(AppError):
    status, slug, title = 401, "not-signed-in", "Sign in first"


class Forbidden(AppError):
    status, slug, title = 403, "forbidden", "Not allowed"


class NotFound(AppError):
    status, slug, title = 404, "not-found", "Not found"


class Conflict(AppError):
    status, slug, title = 409, "conflict", "In conflict with what is there"


class PayloadTooLarge(AppError):
    status, slug, title = 413, "payload-too-large", "Too large"


class Unprocessable(AppError):
    status, slug, title = 422, "unprocessable", "The input is not valid"


class TooManyRequests(AppError):
    status, slug, title = 429, "too-many-requests", "Too many requests"


class ServiceUnavailable(AppError):
    status, slug, title = 503, "unavailable", "Not available right now"
