"""Puts `arborank serve` beside other services on the loopback: requests of one text each, with `wrk`.

    arborank serve yso=MODEL --port 8765 --no-request-log
    gunicorn -w 1 -k uvicorn.workers.UvicornWorker -b 127.0.0.1:8766 'annif:create_cx_app()'   # Annif's own way
    python libpecos_http.py serve PECOS-MODEL 8767
    python over_http_peers.py TEXTS.txt form=http://127.0.0.1:8765/annif/v1/projects/yso/suggest \\
        form=http://127.0.0.1:8766/v1/projects/omikuji/suggest
    python over_http_peers.py TEXTS.txt json=http://127.0.0.1:8765/v1/models/yso/rank json=http://127.0.0.1:8767/

TEXTS.txt has a text a line. Prints a table in Markdown; the factor is of requests a second, of the first to each other.
"""

import argparse
import json
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from over_http import wrk

KINDS = {
    "form": ("application/x-www-form-urlencoded", lambda text: urlencode({"text": text, "limit": 10})),
    "json": ("application/json", lambda text: json.dumps({"text": text})),
}


def measure(kind, url, texts, connections, seconds):
    """Return p50 and p99 in microseconds, and requests a second; all must be answered."""
    content_type, written = KINDS[kind]
    with tempfile.NamedTemporaryFile("w") as bodies:
        bodies.writelines(written(text) + "\n" for text in texts)
        bodies.flush()
        return wrk(url, bodies.name, connections, seconds, content_type)[:3]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("texts", type=Path)
    parser.add_argument("services", nargs="+", metavar="form=URL|json=URL")
    parser.add_argument("--seconds", type=int, default=5)
    given = parser.parse_args()
    texts = [line for line in given.texts.read_text(encoding="utf-8").splitlines() if line.strip()]
    print("| service | connections | p50, µs | p99, µs | requests/s | factor |\n|---|---|---|---|---|---|")
    for connections in (1, 16):
        first = None
        for service in given.services:
            kind, _, url = service.partition("=")
            p50, p99, rate = measure(kind, url, texts, connections, given.seconds)
            first = first or rate
            print(
                f"| {url} | {connections} | {p50:,.0f} | {p99:,.0f} | {rate:,.0f} | {first / rate:.1f}× |",
                flush=True,
            )


if __name__ == "__main__":
    main()
