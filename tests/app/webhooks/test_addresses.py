"""Which addresses a webhook may have, and that nothing is connected to but what was checked."""

import ipaddress
import socket
from typing import Any

import pytest

from app.webhooks import transport
from app.webhooks.addresses import BadAddressError, is_public, parse
from app.webhooks.transport import NotDeliveredError

PRIVATE = [
    "127.0.0.1", "127.8.9.10", "0.0.0.1", "10.0.0.1", "10.255.255.255", "172.16.0.1", "192.168.1.1", "100.64.0.1",
    "169.254.169.254", "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "fe80::1", "fc00::1",
    "fd12:3456::1", "fec0::1", "ff02::1", "64:ff9b::127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::1",
    "2001:db8::1", "2001:0:7f00:1::1", "fe80::1%eth0",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]
SPELLINGS = [
    "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://017700000001/",
    "https://127.0.0.1./", "https://[::1]/", "https://[::ffff:7f00:1]/", "https://[::ffff:127.0.0.1]:8443/x",
    "https://localhost/", "https://a.localhost/", "https://LOCALHOST./", "https://10.0.0.1/", "https://169.254.169.254/",
]  # fmt: skip
MALFORMED = [
    "http://example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "example.org", "https://",
    "https:///x", "https://user@example.org/", "https://user:pass@example.org/", "https://example.org@127.0.0.1/",
    "https://example.org/#part", "https://exa mple.org/", "https://example.org\\@127.0.0.1/", "https://[::1/",
    "https://example.org:99999/", "https://example.org:0/", "https://-a.example.org/", "https://a..example.org/",
    "https://bücher.example/", "https://example.org/\r\nX: 1", "https://" + "a" * 2000, "https://[fe80::1%25eth0]/",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_a_private_network_is_known(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_known(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("url", [*SPELLINGS, *MALFORMED], ids=repr)
def test_what_no_webhook_may_have_is_refused_when_it_is_written(url: str) -> None:
    with pytest.raises(BadAddressError):
        parse(url, private=False)


def test_an_address_is_read_once() -> None:
    target = parse("https://hooks.example.org:8443/a/b?c=d", private=False)
    assert (target.host, target.port, target.path) == ("hooks.example.org", 8443, "/a/b?c=d")
    assert target.authority == "hooks.example.org:8443"
    assert parse("https://[2606:4700::1]", private=False).authority == "[2606:4700::1]"


def test_private_networks_and_plain_http_can_be_allowed() -> None:
    for url in ("http://127.0.0.1:8000/", "http://localhost/", "https://[::1]/", "https://10.0.0.1/"):
        assert parse(url, private=True).host


class Names:
    """A resolver and a network that write down what they are asked; a name leads where the test says."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.looked_up: list[str] = []
        self.connected: list[tuple[str, int]] = []

    def getaddrinfo(self, host: str, port: int, **_: Any) -> list[Any]:
        self.looked_up.append(host)
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port)) for one in self.addresses]

    def create_connection(self, place: tuple[str, int], **_: Any) -> socket.socket:
        self.connected.append(place)
        raise ConnectionRefusedError(111, "Connection refused")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Any:
    def lead(*addresses: str) -> Names:
        made = Names(*addresses)
        monkeypatch.setattr(transport.socket, "getaddrinfo", made.getaddrinfo)
        monkeypatch.setattr(transport.socket, "create_connection", made.create_connection)
        return made

    return lead


def send(*, private: bool = False) -> None:
    transport.post("https://hooks.example.org/x", b"{}", {}, seconds=30, private=private)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_into_a_private_network_is_not_called(names: Any, address: str) -> None:
    network = names(address)
    with pytest.raises(NotDeliveredError, match="private network"):
        send()
    assert network.connected == []


@pytest.mark.parametrize("addresses", [("1.1.1.1", "127.0.0.1"), ("127.0.0.1", "1.1.1.1"), ("1.1.1.1", "::1")])
def test_one_private_address_among_public_ones_is_enough_to_refuse_a_name(names: Any, addresses: list[str]) -> None:
    network = names(*addresses)
    with pytest.raises(NotDeliveredError, match="private network"):
        send()
    assert network.connected == []


def test_the_connection_goes_to_what_was_checked_and_no_name_is_looked_up_again(names: Any) -> None:
    network = names("1.1.1.1", "2606:4700:4700::1111")
    with pytest.raises(NotDeliveredError, match="Connection refused"):
        send()
    assert network.looked_up == ["hooks.example.org"]
    assert network.connected == [("1.1.1.1", 443), ("2606:4700:4700::1111", 443)]


def test_without_the_check_a_name_would_lead_to_this_very_machine(names: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what the check keeps from happening happens without it."""
    monkeypatch.setattr(transport, "refused_among", lambda _found: [])
    network = names("127.0.0.1")
    with pytest.raises(NotDeliveredError):
        send()
    assert network.connected == [("127.0.0.1", 443)]
