"""`arborank rank`."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import time

import pytest

from support.commands import arborank_process


def test_rank_one_text_and_lines_of_standard_input(run):
    assert "taxi" in run("rank", "model", "a taxiish vehicle", "-k", "1").stdout
    printed = run(
        "rank", "model", "-k", "1", stdin="a taxiish vehicle\na cherryish fruit\n"
    ).stdout.splitlines()
    assert printed[0] == "a taxiish vehicle"
    assert printed[1].endswith("taxi")
    assert printed[4].endswith("cherry")
    assert "not texts" in run("rank", "linear", "x", code=1).stderr


def read_until(terminal, end):
    seen = b""
    while not seen.endswith(end):
        assert select.select([terminal], [], [], 60)[0], seen
        seen += os.read(terminal, 10_000)
    return seen.decode()


@pytest.mark.parametrize("end", [b"\n", b"\x04"])
def test_rank_converses_with_a_person(folder, end):
    parent, child = pty.openpty()
    line = ("rank", folder / "model", "-k", "1")
    with arborank_process(*line, stdin=child, stdout=child, stderr=child) as process:
        os.close(child)
        assert "8 labels" in read_until(parent, b"> ")
        os.write(parent, b"a grapeish fruit\n")
        assert "grape\r\n" in read_until(parent, b"> ")
        os.write(parent, end)
        assert process.wait(60) == 0
    assert b"Error" not in os.read(parent, 10_000)
    os.close(parent)


def test_interrupt_ends_with_130(folder):
    process = arborank_process(
        "rank", folder / "model", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdin.write("a grapeish fruit\n")
    process.stdin.flush()
    assert "grape" in process.stdout.readline()  # it is up, and waits for more
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted." in errors
    assert "Traceback" not in errors


def test_rank_ends_quietly_when_its_reader_leaves(folder):
    process = arborank_process(
        "rank", folder / "model", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        process.stdin.write("a taxiish vehicle\n" * 100)
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write("a taxiish vehicle\n" * 10_000)
            process.stdin.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
