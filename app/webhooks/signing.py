"""How a webhook proves that it is ours: Standard Webhooks 1.0 (standardwebhooks.com), symmetric signatures.

    webhook-id         msg_…, the same at each try: whoever has seen it before passes the message over
    webhook-timestamp  seconds since 1970 of this try: whoever reads it more than 5 minutes later refuses it
    webhook-signature  "v1," + base64(HMAC-SHA256(secret, id "." timestamp "." body)), several parted by spaces

The secret is written `whsec_` + base64 of its bytes. While it is being replaced, each message carries a signature by
the new one and one by the old.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the scheme's public mark
VERSION: Final = "v1"
TOLERANCE_SECONDS: Final = 300


class BadSignatureError(ValueError):
    """A message that is not what its headers say."""


def write_secret(secret: bytes) -> str:
    """A secret as a person copies it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def read_secret(written: str) -> bytes:
    """The bytes of a secret that a person copied."""
    return base64.b64decode(written.removeprefix(SECRET_PREFIX), validate=True)


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature, `v1,…`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return f"{VERSION},{base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()}"


def headers(secrets: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message, with one signature for each secret."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, message_id, timestamp, body) for secret in secrets),
    }


def verify(secret: bytes, given: Mapping[str, str], body: bytes, *, now: float) -> None:
    """What a receiver does: raises `BadSignatureError` unless `secret` signed this message a moment ago.

    `given` are the headers by their names in small letters, `now` is in seconds since 1970.
    """
    try:
        message_id, timestamp = given["webhook-id"], int(given["webhook-timestamp"])
        signatures = given["webhook-signature"].split(" ")
    except (KeyError, ValueError) as error:
        raise BadSignatureError("a header is missing or is no number") from error
    if abs(now - timestamp) > TOLERANCE_SECONDS:
        raise BadSignatureError("the message is too old or from the future")
    expected = signature(secret, message_id, timestamp, body)
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in signatures):
        raise BadSignatureError("no signature fits")
