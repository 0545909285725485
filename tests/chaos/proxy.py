"""A small TCP proxy on loopback that can hold what is on its way, as a network does that is cut and comes back."""

import contextlib
import socket
import threading
from collections.abc import Iterator

PIECE = 65536


class Proxy:
    """Forwards to `127.0.0.1:target`. While it is cut, what was sent waits inside, and so does everything after it."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.flows = threading.Event()
        self.flows.set()
        self.over = False
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listening.getsockname()[1])
        self.open: list[socket.socket] = [self.listening]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Let nothing through from now on; no connection notices."""
        self.flows.clear()

    def restore(self) -> None:
        """Let through what waited, and all that comes."""
        self.flows.set()

    def close(self) -> None:
        """Hang up everywhere."""
        self.over = True
        self.flows.set()
        for one in self.open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while not self.over:
            try:
                here, _ = self.listening.accept()
                there = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                continue
            self.open += [here, there]
            for source, sink in ((here, there), (there, here)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                self.flows.wait()
                sink.sendall(piece)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """A proxy until the block ends."""
    made = Proxy(port)
    try:
        yield made
    finally:
        made.close()
