"""What holds for every request: an id, headers that keep a page to itself, a limit on bodies."""

import uuid
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import audit
from app.config import Settings
from app.errors import PayloadTooLarge
from app.problems import of_app_error, respond

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as they are sent; turning eight of them into bytes anew for each answer would be felt."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


class RequestContext:
    """Gives each request an id (`X-Request-ID`, also in errors and audit rows) and safe headers."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        transport = {"Strict-Transport-Security": "max-age=31536000"} if settings.secure_cookies else {}
        self.for_pages = _raw({**HEADERS, **transport})
        self.for_the_api = _raw({**HEADERS, **transport, "Cache-Control": "no-store"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        identity = uuid.uuid4().hex
        audit.request_id.set(identity)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.add_headers(message, scope["path"], identity)
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def add_headers(self, start: Message, path: str, identity: str) -> None:
        """Headers for one answer, unless it has its own; what the API says is never cached."""
        given = {name for name, _ in start["headers"]}
        wanted = self.for_the_api if path.startswith("/api/") else self.for_pages
        missing = [header for header in wanted if header[0] not in given]
        start["headers"] = [*start["headers"], *missing, (b"x-request-id", identity.encode())]


class BodyLimit:
    """Refuses a request body over the limit, whether it says its length or just keeps coming."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.json_bytes = settings.request_limit_kb * 1024
        # A multipart upload carries its parts' headers besides the file.
        self.upload_bytes = settings.upload_limit_mb * 1024 * 1024 + 64 * 1024

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        upload = headers.get("content-type", "").startswith("multipart/form-data")
        limit = self.upload_bytes if upload else self.json_bytes
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            await respond(of_app_error(self.refusal(upload)))(scope, receive, send)
            return
        received = 0

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                # Of what goes wrong while a body is read, FastAPI passes on nothing but an HTTPException.
                raise HTTPException(413) from self.refusal(upload)
            return message

        await self.app(scope, counted_receive, send)

    def refusal(self, upload: bool) -> PayloadTooLarge:
        """The error that names the limit and the setting that moves it."""
        if upload:
            megabytes = (self.upload_bytes - 64 * 1024) // (1024 * 1024)
            return PayloadTooLarge(
                f"the file is larger than {megabytes} MB",
                advice="Split the file, or ask the operator to raise PLACKETT_UPLOAD_LIMIT_MB.",
                field="file",
            )
        return PayloadTooLarge(
            f"the request body is larger than {self.json_bytes // 1024} KB",
            advice="Send less at once, or ask the operator to raise PLACKETT_REQUEST_LIMIT_KB.",
        )
