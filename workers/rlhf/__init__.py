"""Training and sampling of language models; knows no database, no queue and no web."""

import os

# Before torch is loaded: its threads must sleep while they wait for each other, not spin. Beside a database and a web
# server on two cores, spinning made sampling eighteen times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
