"""Completions that follow every keystroke, on a plain terminal: no library, a few escape sequences."""

import codecs
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator

from ..core.display import columns, cut, printable, significant

__all__ = ["Screen", "keys", "run"]

Answer = Callable[[str, tuple[str, ...]], tuple[list[tuple[str, float]], float]]

_HELP = "Tab takes the first, ↑ ↓ choose, Enter sends, Esc ends"
_NAMES = {"\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", "\b": "backspace", "\x15": "clear"}
_NAMES |= {"\x03": "end", "\x04": "end", "\x1b": "end"}
_ESCAPES = {"\x1b[A": "up", "\x1b[B": "down", "\x1bOA": "up", "\x1bOB": "down"}
# an escape sequence, or Alt and a key, or a key; several come at once where keys repeat or text is pasted
_KEY = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|[^\x1b])|.", re.DOTALL)


class Screen:
    """What is typed, what is suggested and what was sent before; keys in, lines out.

    Parameters
    ----------
    answer : function of a prefix and the previous queries
        Returns completions, and the seconds that they took.
    previous : tuple of str
    """

    def __init__(self, answer: Answer, previous: tuple[str, ...] = ()) -> None:
        self._answer = answer
        self.previous = previous
        self.typed = ""
        self._update()

    def _update(self) -> None:
        self.chosen = -1
        self.found, self.seconds = self._answer(self.typed, self.previous)

    def press(self, key: str) -> bool:
        """Take a key: a character, or one of the names in this module; return False when it ends the session."""
        if key == "end":
            return False
        if key in ("up", "down"):
            step = 1 if key == "down" else -1
            self.chosen = max(-1, min(len(self.found) - 1, self.chosen + step))
            return True
        if key == "enter":
            query = self.found[self.chosen][0] if self.chosen >= 0 else self.typed
            if query.strip():
                self.previous = (*self.previous, query)
            self.typed = ""
        elif key == "tab":
            if self.found:
                self.typed = self.found[max(self.chosen, 0)][0]
        elif key == "backspace":
            self.typed = self.typed[:-1]
        elif key == "clear":
            self.typed = ""
        elif len(key) == 1 and key.isprintable():
            self.typed += key
        else:
            return True
        self._update()
        return True

    def lines(self, width: int) -> list[str]:
        """Return the screen, the line that is typed first."""
        before = " > ".join(self.previous[-3:])
        typed = cut(printable(self.typed)[::-1], max(width - 3, 1))[::-1]  # its end, where typing goes on
        lines = [f"> {typed}", f"  after: {printable(before)}" if before else f"  {_HELP}"]
        scores = [significant(score) for _, score in self.found]
        room = max(6, *map(len, scores)) if scores else 6
        for place, (query, _) in enumerate(self.found):
            lines.append(
                f"{'→' if place == self.chosen else ' '} {scores[place]:>{room}}  {printable(query)}"
            )
        lines.append(f"  {1e6 * self.seconds:.0f} µs")
        return [cut(line, max(width - 1, 1)) for line in lines]


def keys(read: Callable[[], bytes]) -> Iterator[str]:
    """Turn what a terminal sends into characters and key names; end when it sends nothing more."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while data := read():
        for key in _KEY.findall(decoder.decode(data)):
            if len(key) == 1:
                yield _NAMES.get(key, key)
            elif key in _ESCAPES:  # other function keys do nothing
                yield _ESCAPES[key]


def run(screen: Screen) -> bool:
    """Show the screen and follow the keys until the user ends it; return False where the terminal has no such mode."""
    try:
        import termios
        import tty
    except ImportError:  # not on Windows
        return False
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setraw(terminal)
        _draw(screen)
        for key in keys(lambda: os.read(terminal, 1024)):
            if not screen.press(key):
                break
            _draw(screen)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        sys.stdout.write("\r\x1b[J")
        sys.stdout.flush()
    return True


def _draw(screen: Screen) -> None:
    """Write the lines that fit over the ones before, and put the cursor behind what is typed."""
    size = shutil.get_terminal_size()
    lines = screen.lines(size.columns)[: size.lines]
    up = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""  # 0 would be taken for 1
    sys.stdout.write("\r\x1b[J" + "\r\n".join(lines) + f"\r{up}\x1b[{columns(lines[0])}C")
    sys.stdout.flush()
