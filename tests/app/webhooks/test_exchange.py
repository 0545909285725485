"""One exchange with a receiver: bounded in time and in size, over TLS to the machine whose name was written."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.webhooks import transport
from app.webhooks.transport import NotDeliveredError


class Dripping:
    """A server of one connection that says `first`, then `more` over and over (or hangs up, where that is empty)."""

    def __init__(self, first: bytes, more: bytes, *, pause: float = 0.0, certificate: Path | None = None) -> None:
        self.first, self.more, self.pause, self.certificate = first, more, pause, certificate
        self.server = socket.create_server(("127.0.0.1", 0))
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.asked = b""

    @property
    def port(self) -> int:
        return int(self.server.getsockname()[1])

    def serve(self) -> None:
        connection, _ = self.server.accept()
        try:
            self.talk(connection)
        except OSError:
            self.over.set()  # The other side has gone, as it should.
        finally:
            connection.close()

    def talk(self, connection: socket.socket) -> None:
        if self.certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            connection = context.wrap_socket(connection, server_side=True)
        with connection:
            self.asked = connection.recv(65536)
            connection.sendall(self.first)
            while self.more and not self.over.wait(self.pause):
                connection.sendall(self.more)

    def __enter__(self) -> "Dripping":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
        self.server.close()


def post(server: Dripping, *, host: str = "http://127.0.0.1", seconds: float = 30) -> int:
    return transport.post(f"{host}:{server.port}/", b"{}", {}, seconds=seconds, private=True)


def test_one_whose_head_never_ends_is_cut_off() -> None:
    with (
        Dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 4096) as server,
        pytest.raises(NotDeliveredError, match="too large"),
    ):
        post(server)


def test_one_that_answers_drop_by_drop_is_cut_off() -> None:
    """Each byte comes in time; the whole does not."""
    with (
        Dripping(b"HTTP/1.1 200 OK\r\n", b"x", pause=0.05) as server,
        pytest.raises(NotDeliveredError, match="No answer within"),
    ):
        post(server, seconds=0.6)


def test_a_body_is_not_read() -> None:
    with Dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", b"x" * 65536) as server:
        assert post(server) == 200


def test_answers_that_only_announce_another_are_passed_over() -> None:
    with Dripping(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n", b"") as server:
        assert post(server) == 202


@pytest.mark.parametrize("said", [b"", b"220 mail.example.org ESMTP\r\n\r\n"], ids=["nothing", "another protocol"])
def test_what_is_no_answer_is_said_so(said: bytes) -> None:
    with (
        Dripping(said, b"") as server,
        pytest.raises(NotDeliveredError, match=r"closed before an answer|no answer in HTTP"),
    ):
        post(server)


def test_nobody_there_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(NotDeliveredError, match="Connection refused"):
        transport.post(f"http://127.0.0.1:{port}/", b"{}", {}, seconds=30, private=True)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A certificate of `localhost`, with its key, that this process trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    made, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(["openssl", "req", *kind, *subject, "-keyout", key, "-out", made], check=True, capture_output=True)
    made.write_bytes(made.read_bytes() + key.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    transport._tls.cache_clear()
    yield made
    transport._tls.cache_clear()


def test_a_trusted_certificate_of_the_right_name_is_accepted(certificate: Path) -> None:
    with Dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"", certificate=certificate) as server:
        assert post(server, host="https://localhost") == 200
    assert server.asked.startswith(b"POST / HTTP/1.1\r\nHost: localhost:")


def test_a_trusted_certificate_of_another_name_is_refused_and_nothing_is_sent(certificate: Path) -> None:
    with (
        Dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"", certificate=certificate) as server,
        pytest.raises(NotDeliveredError, match="certificate was refused"),
    ):
        post(server, host="https://127.0.0.1")
    assert server.asked == b""


def test_a_certificate_that_nobody_vouches_for_is_refused(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "empty.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
    transport._tls.cache_clear()
    with (
        Dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"", certificate=certificate) as server,
        pytest.raises(NotDeliveredError, match="certificate was refused"),
    ):
        post(server, host="https://localhost")
    assert server.asked == b""
