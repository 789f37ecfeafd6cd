"""Measures `arborank serve` on the loopback: its speed beside handlers of a few lines, and what it withstands.

    apt-get install wrk
    python benchmarks/over_http.py MODEL TEXTS.txt --seconds 5

MODEL is a saved model of texts, TEXTS.txt has a text a line. Prints a table in Markdown. Client and server share the
machine; so do the two sides of a ratio, one after the other in the same run.
"""

import argparse
import http.client
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

EMPTY = """
import sys, uvicorn
from starlette.responses import Response
from starlette.routing import Route, Router

async def rank(request):
    await request.body()
    return Response(b"{}", media_type="application/json")

app = Router([Route("/v1/models/{model}/rank", rank, methods=["POST"])])
options = {"log_config": None, "access_log": False, "http": "httptools", "loop": "uvloop", "ws": "none"}
uvicorn.run(app, port=int(sys.argv[1]), **options)
"""
# The same with the model: what an answer takes at least that is ranked when it is asked for, one after the other. The
# model leaves nothing of all else in the processor's caches, so that an empty handler that only waits would be no peer.
BARE = """
import itertools, pathlib
import arborank

ranker = arborank.load(sys.argv[2])
texts = itertools.cycle(pathlib.Path(sys.argv[3]).read_text(encoding="utf-8").splitlines())
""" + EMPTY.replace("await request.body()", "await request.body()\n    ranker.rank(next(texts))")
WRK = """
local bodies = {}
for line in io.lines("%s") do table.insert(bodies, line) end
local n = 0
wrk.method = "POST"
wrk.headers["content-type"] = "%s"
request = function()
  n = n + 1
  return wrk.format(nil, nil, nil, bodies[n %% #bodies + 1])
end
"""


def resident(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def processor(pid):
    """Seconds of the processor that a process has had."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


@contextmanager
def service(model, *options):
    """Start the service without a log; yield process and address."""
    command = [
        sys.executable,
        "-m",
        "arborank",
        "serve",
        f"m={model}",
        "--port",
        "0",
        "--no-request-log",
        *options,
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    url = next(found[1] for line in process.stderr if (found := re.match(r"(http\S+) serves", line)))
    threading.Thread(target=process.stderr.read, daemon=True).start()
    try:
        yield process, url
    finally:
        process.kill()
        process.wait()


def told(url, name):
    """Return the sum of a metric over all its labels."""
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if re.match(name + r"(\{| )", line))


def model_time(url):
    """Return how long the model has worked, in seconds, and for how many texts."""
    return told(url, "arborank_rank_seconds_sum"), told(url, "arborank_texts_total")


def wrk(url, bodies, connections, seconds, content_type="application/json"):
    """Return p50 and p99 in microseconds, requests a second and requests; all must be answered."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK % (bodies, content_type))
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency"]
        told = subprocess.run([*command, "-s", script.name, url], check=True, capture_output=True, text=True)
    assert "Non-2xx" not in told.stdout, told.stdout
    unit = {"us": 1, "ms": 1e3, "s": 1e6}
    times = [float(n) * unit[u] for n, u in re.findall(r"(?:50|99)%\s+([\d.]+)(us|ms|s)", told.stdout)]
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", told.stdout)[1])
    return *times, rate, int(re.search(r"(\d+) requests in", told.stdout)[1])


def with_cost(url, bodies, connections, seconds, pid):
    """Return p50, p99 and processor time of a request in microseconds, and requests a second."""
    before = processor(pid)
    p50, p99, rate, n = wrk(url, bodies, connections, seconds)
    return p50, p99, 1e6 * (processor(pid) - before) / n, rate


@contextmanager
def handler(source, *arguments):
    """Start an application of a few lines; yield process and address."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", source, str(port), *map(str, arguments)])
    url = f"http://127.0.0.1:{port}/v1/models/m/rank"
    try:
        while True:
            with suppress(httpx.ConnectError):
                httpx.post(url)
                break
            time.sleep(0.1)
        yield process, url
    finally:
        process.kill()
        process.wait()


def speed(model, file, texts, seconds, rows):
    """Measure single texts beside two handlers of a few lines, and batches."""
    line = "p50 {:.0f} µs, p99 {:.0f} µs, processor {:.0f} µs, {:,.0f}/s"
    with (
        tempfile.NamedTemporaryFile("w") as bodies,
        handler(EMPTY) as empty,
        handler("import sys\n" + BARE, model, file) as bare,
        service(model) as (process, url),
    ):
        bodies.writelines(json.dumps({"text": text}) + "\n" for text in texts)
        bodies.flush()
        rank = f"{url}/v1/models/m/rank"
        for connections in (1, 16):
            found = [
                with_cost(address, bodies.name, connections, seconds, one.pid)
                for one, address in (empty, bare)
            ]
            before = model_time(url)
            found.append(with_cost(rank, bodies.name, connections, seconds, process.pid))
            time_, count = (now - then for now, then in zip(model_time(url), before, strict=True))
            own = 1e6 * time_ / count
            names = "empty handler", "handler that only ranks", "rank"
            rows += [
                (f"{name}, {connections} connections", line.format(*one))
                for name, one in zip(names, found, strict=True)
            ]
            rows.append(("the model's own time of a text, mean", f"{own:.0f} µs"))
            (e50, e99, e_cost, _), (b50, b99, b_cost, _), (p50, p99, cost, _) = found
            beyond = (p50 - connections * own) / e50, (p99 - connections * own) / e99, (cost - own) / e_cost
            told = ", ".join(f"{one:.2f}×" for one in beyond)
            rows.append(("beyond it, of the empty handler's: p50, p99, processor", told))
            told = ", ".join(f"{one:.2f}×" for one in (p50 / b50, p99 / b99, cost / b_cost))
            rows.append(("all, of that which only ranks: p50, p99, processor", told))
        batches(rank, url, texts, seconds, rows)
        rows.append(("memory of the service", f"{resident(process.pid):.0f} MiB"))


def batches(rank, url, texts, seconds, rows):
    """Measure texts a second."""
    with tempfile.NamedTemporaryFile("w") as bodies:
        for _ in range(100):
            bodies.write(json.dumps({"texts": random.sample(texts, min(256, len(texts)))}) + "\n")
        bodies.flush()
        for connections in (1, 4):
            before = model_time(url)[1]
            wrk(rank, bodies.name, connections, seconds)
            done = model_time(url)[1] - before
            rows.append((f"texts by batches of 256, {connections} connections", f"{done / seconds:,.0f}/s"))


def overload(model, texts, seconds, rows):
    """Ten times as many requests at once as are admitted: the accepted stay quick, the rest are refused at once."""
    kinds = {"batches of 64": ({"texts": texts[:64]}, 4, "256"), "single texts": ({"text": texts[0]}, 8, "8")}
    for name, (body, usual, most) in kinds.items():
        with service(model, "--max-in-flight", most, "--timeout", "30s") as (process, url):
            quiet = clients(url, body, usual, seconds)
            before = resident(process.pid)
            pressed = clients(url, body, 10 * usual, seconds)
            p99 = [1000 * statistics.quantiles(times[200], n=100)[98] for times in (quiet, pressed)]
            rows.append(
                (
                    f"p99 of accepted {name}, {usual} clients and {10 * usual}",
                    "{:.1f} ms, {:.1f} ms".format(*p99),
                )
            )
            refused = 1000 * statistics.median(pressed[429] or [0])
            of = sum(map(len, pressed.values()))
            rows.append(("refused with 429 of these", f"{len(pressed[429])} of {of}, after {refused:.1f} ms"))
            rows.append(("memory under these", f"{resident(process.pid) - before:+.1f} MiB"))


def clients(url, body, n, seconds):
    """Return the times of answers by status, to so many clients at once, who wait a moment once refused."""
    script = Path(__file__).with_name("over_http_clients.py")
    command = [sys.executable, script, f"{url}/v1/models/m/rank", json.dumps(body), str(n), str(seconds)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {200: found["200"], 429: found.get("429", [])}


def reloads(model, texts, count, rows):
    """Load again and again under load; nothing fails, and memory stays."""
    with tempfile.TemporaryDirectory() as place:
        import arborank

        models = [arborank.load(model), arborank.load(model)]
        target = Path(place) / "m"
        models[0].save(target)
        with service(target) as (process, url):
            sizes = []
            with asking(url, texts[0], 1) as outcomes:
                for number in range(count):
                    models[number % 2].save(target)
                    assert (
                        httpx.post(f"{url}/v1/models/m/reload", timeout=60, verify=False).status_code == 200
                    )
                    sizes.append(resident(process.pid))
        early, late = (
            statistics.median(sizes[count // 10 : count // 5]),
            statistics.median(sizes[-count // 10 :]),
        )
        failed = sum(status != 200 for status in outcomes)
        rows.append((f"failed requests during {count} reloads", f"{failed} of {len(outcomes)}"))
        rows.append(("memory over these", f"{early:.0f} to {late:.0f} MiB"))


def harm(model, n_bodies, rows):
    """A gigabyte, slow and idle connections, random bodies."""
    with service(model, "--max-connections", "10500", "--arrival", "60") as (process, url):
        host, port = url.removeprefix("http://").split(":")
        httpx.get(f"{url}/healthz")
        before = resident(process.pid)
        head = b"POST /v1/models/m/rank HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        with socket.create_connection((host, int(port))) as one:
            one.sendall(head + b"transfer-encoding: chunked\r\n\r\n")
            sent = 0
            with suppress(OSError):
                while sent < 2**30:
                    one.sendall(b"100000\r\n" + b" " * 2**20 + b"\r\n")
                    sent += 2**20
        rows.append(("a body of a gigabyte: sent until refused", f"{sent / 2**20:.0f} MiB"))
        rows.append(("memory after it", f"{resident(process.pid) - before:+.1f} MiB"))
        random.seed(0)
        statuses = {}
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        for _ in range(n_bodies):
            body = random.randbytes(random.randrange(200))
            if random.random() < 0.5:
                body = b'{"text": "' + body + b'"}'
            connection.request("POST", "/v1/models/m/rank", body, {"content-type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
        connection.close()
        rows.append((f"{n_bodies:,} random bodies", json.dumps(dict(sorted(statuses.items())))))
        before, held = resident(process.pid), []
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(11_000, hard), hard))
        for _ in range(min(10_000, min(11_000, hard) - 200)):
            held.append(socket.create_connection((host, int(port))))
        assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200
        rows.append(
            (f"memory of {len(held):,} idle connections", f"{resident(process.pid) - before:+.1f} MiB")
        )
        for one in held:
            one.close()


@contextmanager
def asking(url, text, n=8):
    """Let so many clients ask; yield a list of what happens to them: statuses, and errors by name."""
    outcomes, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            try:
                with httpx.Client(timeout=60) as client:
                    while not stop.is_set():
                        answer = client.post(f"{url}/v1/models/m/rank", json={"text": text})
                        outcomes.append(answer.status_code)
                        if answer.headers.get("connection") == "close":
                            break
            except httpx.ConnectError:  # nobody listens any more
                return
            except httpx.HTTPError as error:
                outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=ask) for _ in range(n)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    yield outcomes
    stop.set()
    for thread in threads:
        thread.join()


def kill(model, texts, rows):
    """Kill one of two workers under load; then end the service."""
    with service(model, "--workers", "2", "--drain", "2") as (process, url):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        first = children.read_text().split()
        with asking(url, texts[0]) as outcomes:
            os.kill(int(first[0]), signal.SIGKILL)
            start = time.perf_counter()
            pause = 0.02
            while not set(children.read_text().split()) - set(first):
                time.sleep(pause)
            back = time.perf_counter() - start
            time.sleep(2)
        failed = [one for one in outcomes if one != 200]
        what = "kill -9 of one of two workers under 8 clients: failed"
        rows.append((what, f"{len(failed)} of {len(outcomes)}"))
        rows.append(("another process begins after", f"{back:.2f} s"))
        with asking(url, texts[0]) as outcomes:
            process.send_signal(signal.SIGTERM)
            code = process.wait(60)
        failed = [one for one in outcomes if one != 200]
        rows.append(("SIGTERM under 8 clients: failed", f"{len(failed)} of {len(outcomes)}, exit {code}"))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("texts", type=Path)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--reloads", type=int, default=1000)
    parser.add_argument("--bodies", type=int, default=100_000)
    parser.add_argument("--only", choices=["speed", "overload", "kill", "harm", "reloads"], action="append")
    given = parser.parse_args()
    texts = [line for line in given.texts.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows = []
    wanted = given.only or ["speed", "overload", "kill", "harm", "reloads"]
    if "speed" in wanted:
        speed(given.model, given.texts, texts, given.seconds, rows)
    if "overload" in wanted:
        overload(given.model, texts, given.seconds, rows)
    if "kill" in wanted:
        kill(given.model, texts, rows)
    if "harm" in wanted:
        harm(given.model, given.bodies, rows)
    if "reloads" in wanted:
        reloads(given.model, texts, given.reloads, rows)
    print(f"Load averages before: {os.getloadavg()}\n\n| what | value |\n|---|---|")
    print("\n".join(f"| {what} | {value} |" for what, value in rows))


if __name__ == "__main__":
    main()
