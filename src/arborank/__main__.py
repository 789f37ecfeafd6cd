"""The program `arborank`, also as ``python -m arborank``."""

import signal
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, while it is imported too."""
    try:
        from .cli import main as command
    except BaseException as error:
        # what an interrupt becomes when it comes in the middle of a compiled module
        if not isinstance(error, KeyboardInterrupt) and not isinstance(error.__context__, KeyboardInterrupt):
            raise
        sys.stderr.write("\nAborted!\n")
        sys.exit(130)
    try:
        command()
    finally:  # whoever does not want to wait for the end of the interpreter gets no traceback of it
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    main()
