"""The secrets of webhooks, of which the database holds nothing: each is made anew from a key that lies outside of it.

A webhook's row holds a random salt; its secret is HMAC-SHA256(key, salt). The key is `PLACKETT_WEBHOOK_KEY`, or else a
file of the data folder that its owner alone can read. Whoever gets a dump of the database can sign nothing.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from app.config import get_settings

FILE: Final = "webhook-key"
BYTES: Final = 32
PURPOSE: Final = b"plackett webhook secret 1\0"


def new_salt() -> bytes:
    """What tells one secret from another."""
    return secrets.token_bytes(BYTES)


def secret_of(salt: bytes) -> bytes:
    """The secret, 32 bytes, that belongs to a salt."""
    return hmac.digest(_key(), PURPOSE + salt, hashlib.sha256)


def _key() -> bytes:
    settings = get_settings()
    if settings.webhook_key is not None:
        return hashlib.sha256(settings.webhook_key.get_secret_value().encode()).digest()
    path = settings.data_dir.resolve() / FILE
    if not path.exists():
        _make(path)
    return path.read_bytes()


def _make(path: Path) -> None:
    """Make the key; of several processes that come at once, the first one's is everybody's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{FILE}-{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(BYTES))
        file.flush()
        os.fsync(descriptor)
    try:
        os.link(aside, path)
    except FileExistsError:
        return
    finally:
        aside.unlink()
