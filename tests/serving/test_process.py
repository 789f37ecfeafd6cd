"""A service as a process of its own, on the loopback."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
from click.testing import CliRunner

import arborank
from arborank.cli import main

pytestmark = pytest.mark.subprocess


@pytest.fixture
def start(ranker, tmp_path):
    """Return a function that starts ``arborank serve`` with a model, and returns process and address."""
    ranker.save(tmp_path / "fruit")
    processes = []

    def started(*options):
        command = [
            sys.executable,
            "-m",
            "arborank",
            "serve",
            str(tmp_path / "fruit"),
            "--port",
            "0",
            *options,
        ]
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        for line in process.stderr:
            if found := re.match(r"(http\S+|unix:\S+) serves fruit", line):
                return process, found[1]
        raise AssertionError(f"it ended with {process.wait()}")

    yield started
    for process in processes:
        process.kill()
        process.wait()
        process.stderr.close()


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_it_answers_and_logs(start, tmp_path, ranker):
    process, url = start("--drain", "0")
    found = httpx.post(f"{url}/v1/models/fruit/rank", json={"text": "appleish", "k": 1}).json()
    assert found["labels"][0]["label"] == ranker.rank("appleish", 1)[0][0]
    assert httpx.get(f"{url}/metrics").status_code == 200
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert json.loads(line)["status"] == 200


def load(url, stop, outcomes):
    """Ask until told to stop or asked to leave; keep what happened: answers, and connections that broke."""
    with httpx.Client() as client:
        while not stop.is_set():
            try:
                answer = client.get(f"{url}/v1/models/fruit/rank?q=appleish")
            except httpx.ConnectError:  # nobody listens any more, which a load balancer has learned by then
                outcomes.append("refused")
                return
            except httpx.HTTPError as error:
                outcomes.append(repr(error))
                return
            outcomes.append(answer.status_code)
            if answer.headers.get("connection") == "close":
                outcomes.append("asked to leave")
                return


@contextlib.contextmanager
def under_load(url, n=4):
    stop, outcomes = threading.Event(), []
    threads = [threading.Thread(target=load, args=(url, stop, outcomes)) for _ in range(n)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(outcomes) > 50)
    yield outcomes
    stop.set()
    for thread in threads:
        thread.join()


def test_sigterm_loses_no_request(start):
    process, url = start("--drain", "3")
    with under_load(url) as outcomes:
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: outcomes.count("asked to leave") == 4)
        assert httpx.get(f"{url}/readyz").status_code == 503
        assert process.wait(20) == 0
    assert set(outcomes) == {200, "asked to leave"}


def test_sighup_loads_again(start, tmp_path, ranker):
    process, url = start("--drain", "0")
    ranker.remove_labels(["apple"]).save(tmp_path / "fruit")
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: httpx.get(f"{url}/v1/models/fruit").json()["n_labels"] == 7)


def test_a_unix_socket(start, tmp_path):
    path = str(tmp_path / "socket")
    for _ in range(2):  # the socket that the first one has left is replaced
        process, url = start("--uds", path, "--drain", "0")
        assert url == f"unix:{path}"
        with httpx.Client(transport=httpx.HTTPTransport(uds=path)) as client:
            assert client.get("http://localhost/healthz").status_code == 200
        process.kill()
        process.wait()


def connect(url):
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def test_connections_beyond_the_limit_are_told(start):
    _, url = start("--max-connections", "3")
    held = [connect(url) for _ in range(3)]
    for one in held:
        one.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 200")
    with connect(url) as more:
        assert more.recv(100).startswith(b"HTTP/1.1 503")
    for one in held:
        one.close()
    wait_for(lambda: httpx.get(f"{url}/healthz").status_code == 200)


def test_whoever_is_slow_is_closed(start):
    _, url = start("--arrival", "0.3")
    with connect(url) as silent, connect(url) as slow:
        slow.sendall(b"POST /v1/models/fruit/rank HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n")
        slow.sendall(b'content-length: 100\r\n\r\n{"text"')
        assert (silent.recv(100), slow.recv(100)) == (b"", b"")
    assert httpx.get(f"{url}/healthz").status_code == 200


def test_long_bodies_are_refused_and_cost_nothing(start):
    _, url = start()
    with connect(url) as one:
        one.sendall(b"POST /v1/models/fruit/rank HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n")
        one.sendall(b"content-length: 1000000000\r\nexpect: 100-continue\r\n\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--host", "0.0.0.0"], "--no-auth"),
        (["--timeout", "soon"], "time such as"),
        (["--cors", "*"], "origin"),
        (["--keys", "config.json"], "config.json"),
        (["again"], "another name"),
        (["a/b=fruit"], "a/b"),
        (["no-such"], "no-such"),
    ],
)
def test_what_the_command_refuses(ranker, tmp_path, monkeypatch, options, told):
    ranker.save(tmp_path / "fruit")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    arborank.load("fruit").save(tmp_path / "other" / "fruit")
    options = ["other/fruit" if option == "again" else option for option in options]
    result = CliRunner().invoke(main, ["serve", "fruit", *options])
    assert result.exit_code in (1, 2)
    assert told in result.stderr


def test_an_address_that_is_taken(ranker, tmp_path):
    ranker.save(tmp_path / "fruit")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = CliRunner().invoke(main, ["serve", str(tmp_path / "fruit"), "--port", str(port)])
    assert (result.exit_code, str(port) in result.stderr) == (1, True)
