import pytest

from app.auth.origin import is_loopback, is_same_origin, sign_in_problem


@pytest.mark.parametrize(
    ("origin", "fetch_site", "same"),
    [
        (None, None, True),
        ("http://localhost:8000", None, True),
        ("http://localhost:8000", "same-origin", True),
        ("https://plackett.example.org", None, True),
        ("https://evil.example", None, False),
        ("http://localhost:8001", None, False),
        ("null", None, False),
        (None, "cross-site", False),
        (None, "same-site", False),
        (None, "none", False),
        ("http://localhost:8000", "cross-site", False),
    ],
)
def test_only_our_own_page_counts(origin, fetch_site, same):
    found = is_same_origin(
        origin=origin, fetch_site=fetch_site, host="localhost:8000", public_url="https://plackett.example.org"
    )
    assert found is same


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "127.0.0.1:1", "127.9.9.9", "[::1]:8000", "a.localhost"])
def test_loopback_hosts(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", [None, "", "example.org", "192.168.1.2:80", "localhost.example.org", "[::", "["])
def test_hosts_elsewhere(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("scheme", "host", "public_url", "possible"),
    [
        ("http", "localhost:8000", None, True),
        ("http", "192.168.1.2:8000", None, False),
        ("https", "192.168.1.2", None, True),
        ("http", "localhost:8000", "https://plackett.example.org", False),
        ("https", "127.0.0.1:8000", "https://plackett.example.org", True),
        ("http", "lab.example.org", "http://lab.example.org", False),
    ],
)
def test_signing_in_needs_https_or_this_very_machine(scheme, host, public_url, possible):
    assert (sign_in_problem(scheme=scheme, host=host, public_url=public_url) is None) is possible
