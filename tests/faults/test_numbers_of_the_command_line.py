"""An option that is not a number, or out of its range, is answered with what was found and how to write it."""

import click
import pytest
from click.testing import CliRunner

from arborank.cli import main
from arborank.cli.numbers import POSITIVE, Real, Whole

SHARE = Real(0, 1, min_open=True, max_open=True)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (SHARE, "abc", "'abc' is not a number"),
        (SHARE, "10%", "'10%' is not a number; write 0.1"),
        (SHARE, " 12,5 % ", "' 12,5 % ' is not a number; write 0.125"),
        (SHARE, "0,1", "'0,1' is not a number; write 0.1"),
        (SHARE, "nan", "'nan' is not a number"),
        (SHARE, "", "'' is not a number"),
        (SHARE, "1/10", "'1/10' is not a number"),
        (SHARE, "20", "20.0 is not in the range 0<x<1; write 0.2"),
        (SHARE, "1", "1.0 is not in the range 0<x<1"),
        (SHARE, "inf", "inf is not in the range 0<x<1"),
        (Real(min=0), "-20", "-20.0 is not in the range x>=0"),
        (POSITIVE, "a", "'a' is not a whole number"),
        (POSITIVE, "1.5", "'1.5' is not a whole number"),
        (POSITIVE, "1e6", "'1e6' is not a whole number; write 1000000"),
        (POSITIVE, "10,000", "'10,000' is not a whole number; write 10000"),
        (POSITIVE, "nan", "'nan' is not a whole number"),
        (POSITIVE, "inf", "'inf' is not a whole number"),
        (POSITIVE, "0", "0 is not in the range x>=1"),
        (Whole(), "", "'' is not a whole number"),
    ],
)
def test_what_is_refused(kind, value, message):
    with pytest.raises(click.BadParameter) as caught:
        kind.convert(value, None, None)
    assert caught.value.message.rstrip(".") == message


def test_what_is_taken():
    assert [SHARE.convert(value, None, None) for value in ("0.1", "1e-1", ".1", 0.1)] == [0.1] * 4
    assert [Whole().convert(value, None, None) for value in ("-1", "1_000", 3)] == [-1, 1000, 3]
    assert POSITIVE.convert("9" * 100, None, None) == int("9" * 100)


def options(group):
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from options(command)
        for option in command.params:
            if isinstance(option.type, click.types.FloatParamType | click.types.IntParamType):
                yield name, option


def test_every_number_of_every_command(tmp_path):
    found = list(options(main))
    assert len(found) > 30
    for command, option in found:
        assert isinstance(option.type, Real | Whole), (command, option.name)
    result = CliRunner().invoke(main, ["train", __file__, "-m", str(tmp_path / "m"), "--holdout", "10%"])
    assert result.exit_code == 2
    assert "Invalid value for '--holdout': '10%' is not a number; write 0.1" in result.stderr
