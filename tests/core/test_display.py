import pytest

from arborank.core.display import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("naïve 日本 🌳 👩\u200d🔬", "naïve 日本 🌳 👩\u200d🔬"),  # joiners make one sign of two
        ("no\u00a0break", "no\u00a0break"),
        ("\x1b[31mred\x9b0m", "\\x1b[31mred\\x9b0m"),
        ("two\r\nlines\tand\x00", "two\\r\\nlines\\tand\\x00"),
        ("\u202eturned\u2069", "\\u202eturned\\u2069"),
        ("\u2028\ud800", "\\u2028\\ud800"),
    ],
)
def test_only_what_a_terminal_obeys_is_escaped(text, shown):
    assert printable(text) == shown
