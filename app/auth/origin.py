"""Did this request come from our own page? Pure rules on headers."""

from ipaddress import ip_address
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_same_origin(*, origin: str | None, fetch_site: str | None, host: str | None, public_url: str | None) -> bool:
    """Whether the browser says that our own page sent this.

    `origin` and `fetch_site` are the headers `Origin` and `Sec-Fetch-Site`. Both may be missing (a program): then a
    custom header, which no foreign page can set, has to do.
    """
    if fetch_site is not None and fetch_site != "same-origin":
        return False
    if origin is None:
        return True
    ours = {host, urlsplit(public_url).netloc if public_url else None} - {None, ""}
    return origin.partition("://")[2] in ours


def host_name(host: str | None) -> str:
    """The name in a `Host` header, without its port: `[::1]:8000` → `::1`."""
    try:
        return urlsplit(f"//{host or ''}").hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str | None) -> bool:
    """Whether the `Host` header names this very machine."""
    name = host_name(host)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def sign_in_problem(*, scheme: str, host: str | None, public_url: str | None) -> str | None:
    """Why a browser that reaches us like this must not sign in, or None when it may.

    `scheme` is the request's own, or the one that a proxy in front says it had: who forges that only misleads themself.
    """
    if scheme == "https":
        return None
    if public_url is not None and urlsplit(public_url).scheme == "https":
        return f"This service keeps people signed in over HTTPS only. Open {public_url} instead."
    if is_loopback(host):
        return None
    return (
        "Passwords must not travel over plain HTTP. Open this page on the machine itself (http://localhost), through "
        "an SSH tunnel, or put the service behind HTTPS and set PLACKETT_PUBLIC_URL to its https:// address."
    )
