"""The program around the command line, in this process."""

import runpy
import signal
import sys
from types import ModuleType

import pytest

import arborank
from arborank.__main__ import main


@pytest.fixture(autouse=True)
def interrupts():
    """Keep what Ctrl-C does, which the program sets for its own end."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def importing_fails(monkeypatch, fail):
    cli = ModuleType("arborank.cli")
    cli.__getattr__ = fail
    monkeypatch.setitem(sys.modules, "arborank.cli", cli)


def interrupted(name):
    raise KeyboardInterrupt


def interrupted_in_a_compiled_module(name):
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt as error:
        raise ImportError("initialization failed") from error


@pytest.mark.parametrize("fail", [interrupted, interrupted_in_a_compiled_module])
def test_an_interrupt_while_it_is_imported(monkeypatch, capsys, fail):
    importing_fails(monkeypatch, fail)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "\nAborted!\n")


def test_a_broken_installation_is_not_taken_for_an_interrupt(monkeypatch, capsys):
    def broken(name):
        raise ImportError("no compiled kernels")

    importing_fails(monkeypatch, broken)
    with pytest.raises(ImportError, match="no compiled kernels"):
        main()
    assert capsys.readouterr() == ("", "")


def as_a_module():
    sys.modules.pop("arborank.__main__")
    runpy.run_module("arborank", run_name="__main__", alter_sys=True)


@pytest.mark.parametrize("run", [main, as_a_module])
def test_it_runs_a_command(monkeypatch, capsys, run):
    monkeypatch.setattr(sys, "argv", ["arborank", "--version"])
    monkeypatch.setitem(sys.modules, "arborank.__main__", arborank.__main__)
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"arborank {arborank.__version__}\n"
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL  # from here on it is ending
