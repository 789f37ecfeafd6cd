"""The command line in a process of its own."""

import subprocess
import sys

COMMAND = [sys.executable, "-c", "from arborank.cli import main; main(prog_name='arborank')"]


def arborank_process(*args, **options):
    return subprocess.Popen([*COMMAND, *map(str, args)], text=True, **options)
