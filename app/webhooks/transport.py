"""One POST to an address that a person wrote: to a checked machine, in bounded time, with a bounded answer.

The usual HTTP clients look a name up again when they connect, follow redirects, and bound each read and not the whole.
This one looks it up once, connects to what was checked, and reads the head of the answer and no more.
"""

import re
import socket
import ssl
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.webhooks.addresses import BadAddressError, Target, parse, refused_among

LARGEST_HEAD: Final = 64 * 1024
STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
CONTINUES: Final = range(100, 200)
AGENT: Final = "Plackett-Webhooks/1"


class NotDeliveredError(RuntimeError):
    """A message that did not get through; the message is for the project's admins and names no address."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment at which an exchange ends, whatever the other side does."""

    at: float

    @classmethod
    def in_seconds(cls, seconds: float) -> "Deadline":
        """From now on."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds left; `TimeoutError` when there are none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def post(url: str, body: bytes, headers: dict[str, str], *, seconds: float, private: bool) -> int:
    """The HTTP status of the answer, whichever it is; a redirect is an answer like another.

    Raises:
        NotDeliveredError: nothing was sent, or nothing came back in time.
    """
    deadline = Deadline.in_seconds(seconds)
    try:
        target = parse(url, private=private)
        with _connected(target, _addresses(target, private=private), deadline) as connection:
            _send(connection, target, body, headers, deadline)
            return _status(connection, deadline)
    except BadAddressError as error:
        raise NotDeliveredError(f"The address is not allowed: {error}.") from error
    except TimeoutError as error:
        raise NotDeliveredError(f"No answer within {seconds:g} seconds.") from error
    except ssl.SSLCertVerificationError as error:
        raise NotDeliveredError(f"The certificate was refused: {error.verify_message}.") from error
    except ssl.SSLError as error:
        raise NotDeliveredError("The secure connection failed.") from error
    except OSError as error:
        raise NotDeliveredError(f"The connection failed ({error.strerror or type(error).__name__}).") from error


def _addresses(target: Target, *, private: bool) -> list[str]:
    """Every address of the host, looked up this once."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise NotDeliveredError("The host's name cannot be looked up.") from error
    addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
    if not private and refused_among(addresses):
        raise NotDeliveredError("The host's name leads into a private network, which this service does not call.")
    return addresses


def _connected(target: Target, addresses: list[str], deadline: Deadline) -> socket.socket:
    connection = _open(addresses, target.port, deadline)
    if target.scheme == "http":
        return connection
    try:
        connection.settimeout(deadline.left())
        return _tls().wrap_socket(connection, server_hostname=target.host)
    except OSError:
        connection.close()
        raise


def _open(addresses: list[str], port: int, deadline: Deadline) -> socket.socket:
    """A connection to the first of the addresses that takes one; none of them is looked up again."""
    refusal = OSError("no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=deadline.left())
        except TimeoutError:
            raise
        except OSError as error:
            refusal = error
    raise refusal


@lru_cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _send(connection: socket.socket, target: Target, body: bytes, headers: dict[str, str], deadline: Deadline) -> None:
    lines = {
        "Host": target.authority,
        "User-Agent": AGENT,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    connection.settimeout(deadline.left())
    connection.sendall(f"POST {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body)


def _status(connection: socket.socket, deadline: Deadline) -> int:
    """The status of the final answer; what follows its head is never read."""
    heard = b""
    while True:
        head, end, rest = heard.partition(b"\r\n\r\n")
        if end:
            status = _status_of(head)
            if status not in CONTINUES:
                return status
            heard = rest
            continue
        if len(heard) > LARGEST_HEAD:
            raise NotDeliveredError("The head of the answer is too large.")
        connection.settimeout(deadline.left())
        piece = connection.recv(8192)
        if not piece:
            raise NotDeliveredError("The connection was closed before an answer came.")
        heard += piece


def _status_of(head: bytes) -> int:
    found = STATUS_LINE.match(head + b"\r")
    if found is None:
        raise NotDeliveredError("What came back is no answer in HTTP/1.1.")
    return int(found[1])
