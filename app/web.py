"""One of the web processes on a port. Several share it, and the kernel shares out the connections among them."""

import gc
import socket

import uvicorn

from app.config import Settings, get_settings

BACKLOG = 2048
# Objects that come into being between two searches for garbage: Python's own 700 are two or three requests.
YOUNG_OBJECTS = 20_000


def listen(settings: Settings) -> socket.socket:
    """A socket on the service's port that this user's other web processes may listen on too."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if settings.web_processes > 1:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind((settings.host, settings.port))
    listening.listen(BACKLOG)
    return listening


def main() -> None:
    """Serve until SIGTERM; open event streams get 3 s to end."""
    settings = get_settings()
    config = uvicorn.Config(
        "app.main:create_app",
        factory=True,
        log_level=settings.log_level,
        access_log=False,
        timeout_graceful_shutdown=3,
    )
    config.load()
    # What is loaded by now stays; searching it for garbage again and again took a twentieth of a request's time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
    uvicorn.Server(config).run(sockets=[listen(settings)])


if __name__ == "__main__":
    main()
