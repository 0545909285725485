"""Where a webhook may lead: which addresses a person may write down, and which machines they may mean.

Server-side request forgery is the risk: an address written by one person, asked by our server, from inside our network
(OWASP ASVS 5.0, 1.3.6 and 15.3.2). A name is looked up once, everything it means is checked here, and the connection
goes to what was checked.
"""

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final
from urllib.parse import urlsplit

LONGEST: Final = 2000
PORTS: Final = {"https": 443, "http": 80}
# What RFC 3986 allows; a backslash, a space or a letter beyond ASCII is read differently by different programs.
WRITTEN: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
HOST_NAME: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
# "127.1", "2130706433" and "0x7f000001" mean 127.0.0.1 to many programs: a host that ends in a number is an address.
NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
# They carry an IPv4 address to which a gateway on the way may translate (RFC 6052, RFC 3056, RFC 4380).
NAT64: Final = IPv6Network("64:ff9b::/96")


class BadAddressError(ValueError):
    """An address that no webhook may have; the message is for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address in its parts: `host` is a name or an IP address without brackets, `path` holds the query too."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The host as it stands in a request, with the port unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str, *, private: bool) -> Target:
    """The parts of a webhook's address; `private` allows plain http and machines of one's own network.

    Raises:
        BadAddressError: it is none that a webhook may have.
    """
    if len(url) > LONGEST or not WRITTEN.fullmatch(url):
        raise BadAddressError(f"write it in ASCII without spaces, at most {LONGEST} characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadAddressError("this is no address") from error
    if parts.scheme not in PORTS or (parts.scheme == "http" and not private):
        raise BadAddressError("it must begin with https://")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise BadAddressError("leave out the user name, the password and the part after #")
    target = Target(
        parts.scheme,
        _host(host or "", private=private),
        PORTS[parts.scheme] if port is None else port,
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )
    if target.port == 0:
        raise BadAddressError("port 0 cannot be called")
    return target


def _host(host: str, *, private: bool) -> str:
    name = host.removesuffix(".")
    if ":" in name or NUMBER.fullmatch(name.rpartition(".")[2]):
        return _literal(name, private=private)
    if not HOST_NAME.fullmatch(name) or len(name) > 253:
        raise BadAddressError("its host is no name")
    if not private and (name == "localhost" or name.endswith(".localhost")):
        raise BadAddressError("it is an address of a private network, which this service does not call")
    return name


def _literal(host: str, *, private: bool) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise BadAddressError("its host is no name and no IP address") from error
    if not private and not is_public(address):
        raise BadAddressError("it is an address of a private network, which this service does not call")
    return host


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the public internet, and so is every IPv4 address that it carries."""
    if isinstance(address, IPv6Address) and (
        address.scope_id or address.is_site_local or not all(map(is_public, carried(address)))
    ):
        return False
    odd = address.is_multicast or address.is_unspecified or address.is_loopback or address.is_link_local
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or address in NAT64):
        return not odd
    return address.is_global and not odd and not address.is_reserved


def carried(address: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses inside an IPv6 address that stands for them."""
    inside = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in NAT64:
        inside.append(IPv4Address(int(address) & 0xFFFFFFFF))
    if int(address) >> 32 == 0 and int(address) > 1:
        inside.append(IPv4Address(int(address)))
    return [one for one in inside if one is not None]


def refused_among(found: list[str]) -> list[str]:
    """Those of a name's addresses that are not public; one is enough to refuse the name."""
    return [one for one in found if not is_public(ipaddress.ip_address(one))]
