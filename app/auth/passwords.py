"""Passwords: which are refused, and how the rest are kept. Argon2id at OWASP's second setting (46 MiB, one pass)."""

import unicodedata
from functools import lru_cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 128
FEWEST_DIFFERENT_CHARACTERS = 5
# The parts that the most used long passwords are made of; a password of nothing else is refused.
COMMON_PARTS = (
    "password", "passwort", "passw0rd", "qwertyuiop", "qwertz", "qwerty", "azerty", "asdfghjkl", "zxcvbnm",
    "letmein", "welcome", "iloveyou", "administrator", "admin", "changeme", "secret", "login", "plackett",
    "monkey", "dragon", "football", "baseball", "superman", "sunshine", "princess", "abcdefgh", "abcd", "abc",
    "1234567890", "123456789", "12345678", "1234567", "123456", "12345", "1234", "123", "0987654321", "987654321",
)  # fmt: skip
hasher = PasswordHasher(time_cost=1, memory_cost=47104, parallelism=1)
# Each hash takes 46 MiB: a crowd at the door must not take the machine's memory.
at_once = BoundedSemaphore(4)


def why_refused(password: str, *, email: str, name: str) -> str | None:
    """What is wrong with a new password, as a sentence, or None."""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"A password has {SHORTEST} to {LONGEST} characters; four random words make a good one."
    lowered = password.casefold()
    if len(set(lowered)) < FEWEST_DIFFERENT_CHARACTERS:
        return "This password repeats very few characters."
    if not _without(lowered, COMMON_PARTS).strip("0123456789!?.-_*#@$ "):
        return "This password is made of the first words that anybody would try."
    own = [part for part in (*email.casefold().split("@"), *name.casefold().split()) if len(part) > 2]
    if len(_without(lowered, own)) < SHORTEST // 2:
        return "This password is mostly your own name or address."
    return None


def hash_password(password: str) -> str:
    """The Argon2id hash to store."""
    with at_once:
        return hasher.hash(_normalised(password))


def is_password(password: str, stored: str | None) -> bool:
    """Whether `password` fits; takes the same time when there is nothing to compare with."""
    try:
        with at_once:
            return hasher.verify(stored or _nobodys_hash(), _normalised(password)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with weaker parameters than today's."""
    return hasher.check_needs_rehash(stored)


@lru_cache
def _nobodys_hash() -> str:
    return hasher.hash("nobody has this password")


def _normalised(password: str) -> str:
    # The same characters typed on another system may arrive composed differently.
    return unicodedata.normalize("NFKC", password)


def _without(text: str, parts: tuple[str, ...] | list[str]) -> str:
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "")
    return text
