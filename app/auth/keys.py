"""Secrets handed to people and programs: made here, stored only as hashes. Pure but for the system's randomness."""

import hashlib
import hmac
import secrets
import string
import zlib
from dataclasses import dataclass

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
TOKEN_PREFIX = "plk"  # noqa: S105 - the public mark of our tokens, for secret scanners
LOOKUP_CHARACTERS, SECRET_CHARACTERS, CHECKSUM_CHARACTERS = 12, 32, 6


@dataclass(frozen=True, slots=True)
class TokenParts:
    """The two halves of an API token: `lookup` finds its row, `secret` (190 random bits) proves it."""

    lookup: str
    secret: str


def new_secret() -> str:
    """256 random bits, safe in a cookie and in a URL's fragment."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """SHA-256 of a random secret. Enough here: there is nothing to guess; passwords take the slow road."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def same_secret(secret: str, stored: bytes) -> bool:
    """Whether `secret` hashes to `stored`, compared in constant time."""
    return hmac.compare_digest(hash_secret(secret), stored)


def new_token() -> TokenParts:
    """A fresh API token."""
    return TokenParts(lookup=_random(LOOKUP_CHARACTERS), secret=_random(SECRET_CHARACTERS))


def token_text(parts: TokenParts) -> str:
    """The token as it is shown once: `plk_<lookup>_<secret><checksum>`."""
    return f"{TOKEN_PREFIX}_{parts.lookup}_{parts.secret}{checksum(parts)}"


def parse_token(text: str) -> TokenParts | None:
    """The halves of a token, or None when it is no whole token of ours (cut off, mistyped): no database is asked."""
    prefix, _, rest = text.partition("_")
    lookup, _, tail = rest.partition("_")
    parts = TokenParts(lookup=lookup, secret=tail[:-CHECKSUM_CHARACTERS])
    lengths = (len(lookup), len(tail)) == (LOOKUP_CHARACTERS, SECRET_CHARACTERS + CHECKSUM_CHARACTERS)
    known = prefix == TOKEN_PREFIX and lengths and set(lookup + tail) <= set(ALPHABET)
    return parts if known and tail.endswith(checksum(parts)) else None


def checksum(parts: TokenParts) -> str:
    """CRC-32 of both halves in base 62: tells a bad paste from a wrong token, protects nothing."""
    number = zlib.crc32(f"{parts.lookup}_{parts.secret}".encode())
    digits = []
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
