"""`plackett up` on the real servers, with a small web server and a sleeper in place of the service; a program."""

import sys

from app.config import Settings, get_settings
from app.embedded.children import ChildSpec
from app.supervisor import up

WEB = """
import http.server, os, sys
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"{}")
    def log_message(self, *args): pass
print("web serves", os.environ["PLACKETT_DATABASE_URL"].split("@")[0][:25], flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Health).serve_forever()
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf is up", flush=True)
time.sleep(999)
"""


def stand_ins(settings: Settings) -> list[ChildSpec]:
    python = sys.executable
    specs = [
        ChildSpec(name="api", command=[python, "-c", WEB, str(settings.port)]),
        ChildSpec(name="sleeper", command=[python, "-c", "import time; time.sleep(999)"], stop_seconds=1),
    ]
    if "--deaf" in sys.argv:
        specs.append(ChildSpec(name="deaf", command=[python, "-c", DEAF], stop_seconds=60))
    if "--broken" in sys.argv:
        specs[0] = ChildSpec(name="api", command=[python, "-c", "raise SystemExit('no such module: the reason')"])
    return specs


def first_start(url: str) -> str | None:
    marker = get_settings().data_dir / "seen"
    if marker.exists():
        return None
    marker.touch()
    return f"{url}/first-admin#token"


if __name__ == "__main__":
    up(get_settings(), first_start, stand_ins)
