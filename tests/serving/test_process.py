"""A service as a process of its own, on the loopback."""

import contextlib
import json
import os
import re
import shutil
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


def workers_of(process):
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
        return [int(pid) for pid in file.read().split()]


def test_workers_end_without_losing_a_request(start):
    process, url = start("--workers", "2", "--drain", "3")
    assert len(workers_of(process)) == 2
    with under_load(url) as outcomes:
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: outcomes.count("asked to leave") == 4)
        assert process.wait(30) == 0
    assert set(outcomes) == {200, "asked to leave"}


def test_a_worker_that_is_killed_is_replaced(start):
    process, url = start("--workers", "2", "--drain", "0")
    first = workers_of(process)
    with under_load(url) as outcomes:
        os.kill(first[0], signal.SIGKILL)
        wait_for(lambda: len(set(workers_of(process)) - set(first)) == 1)
    failed = [outcome for outcome in outcomes if outcome != 200]
    assert len(failed) <= 4  # what was on the way in the worker; a client of the load gives up then
    assert httpx.get(f"{url}/healthz").status_code == 200
    assert "arborank_requests_total" in httpx.get(f"{url}/metrics").text


def test_every_worker_knows_new_labels_within_two_seconds(start, tmp_path):
    _, url = start("--workers", "2", "--drain", "0")
    changed = httpx.delete(f"{url}/v1/models/fruit/labels?label=apple").json()
    time.sleep(2)
    for _ in range(20):  # connections of their own, so that both workers answer
        assert httpx.get(f"{url}/v1/models/fruit").headers["x-model-revision"] == changed["revision"]
    text = httpx.get(f"{url}/metrics").text
    assert 'arborank_label_updates_total{model="fruit",op="remove"} 1.0' in text


def test_workers_end_with_their_parent(start, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    process, _ = start("--workers", "2", "--drain", "0")
    workers = workers_of(process)
    assert list(tmp_path.glob("arborank-metrics-*"))
    process.kill()
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))
    assert not list(tmp_path.glob("arborank-metrics-*"))


def test_workers_that_cannot_start(ranker, tmp_path):
    ranker.save(tmp_path / "fruit")
    (tmp_path / "fruit" / "config.json").write_text("{}")
    result = CliRunner().invoke(main, ["serve", str(tmp_path / "fruit"), "--port", "0", "--workers", "2"])
    assert (result.exit_code, "before it could answer" in str(result.exception) + result.stderr) == (1, True)


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
        (["--host", "no-such-host.invalid", "--no-auth"], "no-such-host.invalid"),
        (["--feedback", "no-such/told.jsonl"], "--feedback"),
        (["again"], "another name"),
        (["a/b=fruit"], "cannot be called 'a/b'"),
        (["my fruit"], "name=my fruit"),
        (["no-such"], "no-such"),
    ],
)
def test_what_the_command_refuses(ranker, tmp_path, monkeypatch, options, told):
    ranker.save(tmp_path / "fruit")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    arborank.load("fruit").save(tmp_path / "other" / "fruit")
    shutil.copytree("fruit", "my fruit")
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


def test_the_demo_is_served_with_both_models(tmp_path):
    command = [sys.executable, "-m", "arborank", "demo", "--serve", "--dir", str(tmp_path), "--limit", "400"]
    for status in (200, 422):  # the second time with the models of the first, which has learned the label
        process = subprocess.Popen([*command, "--port", "0"], stderr=subprocess.PIPE, text=True)
        url = next(
            found[1] for line in process.stderr if (found := re.match(r"Open (\S+) in a browser", line))
        )
        kinds = {one["name"]: one["kind"] for one in httpx.get(f"{url}/v1/models").json()["models"]}
        assert kinds == {"packages": "texts", "dependencies": "completions"}
        new = {"labels": [{"label": "a-new-package", "texts": ["a library for kettles"]}]}
        added = httpx.post(f"{url}/v1/models/packages/labels", json=new, timeout=60)
        assert added.status_code == status, added.text
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        process.stderr.close()
