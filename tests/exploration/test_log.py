"""Logs: what is written is read, and what cannot be used is counted."""

import json
from dataclasses import replace

import pytest

from arborank.exploration import Decision, DecisionLog, LogError, reward_line

GOOD = Decision(
    id="a", query="red", labels=("x", "y"), propensities=(1.0, 0.25), scores=(0.5, 0.125), revision="r"
)


def changed(**values):
    return json.dumps({**json.loads(GOOD.to_line()), **values})


def test_lines_come_back_as_they_were(tmp_path):
    row = Decision(
        id="b",
        query=((1, 5), (0.5, 2.0)),
        labels=(3, 4),
        propensities=(0.5, 0.5),
        nodes=((0, 1), (0, 2)),
        marginals=((2.0, 0.5), (2.0, 1.0)),
        policy={"name": "epsilon-greedy", "epsilon": 0.1},
        seed=7,
        number=9,
        candidates=(3, 4, 5),
        rewards=(0.0, 1.0),
    )
    nothing = Decision(id="c", query="blue", labels=(), propensities=())
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(one.to_line() for one in (GOOD, row, nothing)), encoding="utf-8")
    log = DecisionLog.read(path)
    assert log.decisions == (GOOD, row, nothing)
    assert list(log) == list(log.decisions)
    assert log.rewarded == (row,)
    assert not log.skipped


def test_rewards_may_come_later_and_in_parts():
    lines = [GOOD.to_line(), reward_line("a", {"y": 0.75}), reward_line("a", {"y": 0.75})]
    (one,) = DecisionLog.of_lines(lines)
    assert one.rewards == (0.0, 1.0)
    (one,) = DecisionLog.of_lines([GOOD.to_line(), reward_line("a", {})])
    assert one.rewards == (0.0, 0.0)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "lines that are no decision"),
        ("[1]", "lines that are no decision"),
        (changed(labels=["x", "x"]), "lines that are no decision"),
        (changed(labels="xy"), "lines that are no decision"),
        (changed(query=3), "lines that are no decision"),
        (changed(propensities=None), "decisions without propensities"),
        (changed(propensities=[1.0]), "decisions without propensities"),
        (changed(propensities=[1.0, 0.0]), "not above 0 and at most 1"),
        (changed(propensities=[1.5, 0.5]), "not above 0 and at most 1"),
        (changed(propensities=[1.0, "0.5"]), "not above 0 and at most 1"),
        (changed(rewards=[2.0, 0.0]), "rewards outside"),
        (changed(rewards=[1.0]), "lines that are no decision"),
        (GOOD.to_line(), "in the log twice"),
        ('{"decision": "a", "rewards": [["x", -1]]}', "rewards outside"),
        ('{"decision": "a", "rewards": [["z", 1]]}', "did not show"),
        ('{"decision": "z", "rewards": []}', "not in the log"),
        ('{"decision": "a", "rewards": {"x": 1}}', "lines that are no decision"),
    ],
)
def test_what_cannot_be_used_is_an_error_or_counted(line, problem):
    wrong = line if line == GOOD.to_line() else line.replace('"id": "a"', '"id": "wrong"')
    lines = [GOOD.to_line(), changed(id="other"), wrong]
    with pytest.raises(LogError, match=problem) as caught:
        DecisionLog.of_lines(lines)
    assert sum(caught.value.counts.values()) == 1
    kept = DecisionLog.of_lines(lines, skip_errors=True)
    assert len(kept) == 2
    assert sum(kept.skipped.values()) == 1


def test_every_kind_is_counted_in_one_error(tmp_path):
    path = tmp_path / "log.jsonl"
    lines = [
        GOOD.to_line(),
        changed(id="b", propensities=[0, 0]),
        changed(id="c", propensities=[0, 1]),
        "nonsense",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(
        LogError,
        match=r"propensity that is not above 0 and at most 1: 2; .*line 2, .*; say skip_errors=True to leave out",
    ) as caught:
        DecisionLog.read(path)
    assert sorted(caught.value.counts.values()) == [1, 2]
    assert "line 2" in str(caught.value)


def test_a_last_line_that_is_not_whole_is_left_out_and_counted(tmp_path):
    path = tmp_path / "log.jsonl"
    umlaut = replace(GOOD, id="ü").to_line().encode()
    for torn in (umlaut[:-1], umlaut[: umlaut.index("ü".encode()) + 1]):
        path.write_bytes(GOOD.to_line().encode() + b"\n" + torn)
        log = DecisionLog.read(path)
        assert log.decisions == (GOOD,)
        assert log.skipped == {"a last line that is not whole": 1}
        path.write_bytes(torn + b"\n" + GOOD.to_line().encode())
        with pytest.raises(LogError, match="lines that are no decision and no reward: 1; first line 1"):
            DecisionLog.read(path)
        assert len(DecisionLog.read(path, skip_errors=True)) == 1


def test_labels_shown_in_vain():
    shown = [
        replace(GOOD, id=str(n), labels=labels)
        for n, labels in enumerate(map(tuple, ["xy", "xz", "xy", "wz"]))
    ]
    rewards = [(1.0, 0.0), (0.0, 0.0), (0.0, 0.0), None]
    log = DecisionLog(tuple(replace(one, rewards=own) for one, own in zip(shown, rewards, strict=True)))
    assert log.in_vain(1) == {"y", "z"}
    assert log.in_vain(2) == {"y"}
    assert log.in_vain() == set()
    with pytest.raises(ValueError, match="times"):
        log.in_vain(0)


def test_rewards_are_checked_when_written():
    with pytest.raises(ValueError, match="from 0 to 1, found 2"):
        reward_line("a", {"x": 2})
    with pytest.raises(TypeError, match="skip_errors must be True or False"):
        DecisionLog.of_lines([], skip_errors="yes")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"propensities": (0.5,)}, "without propensities"),
        ({"propensities": (0.0, 0.5)}, "not above 0"),
        ({"propensities": (1.5, 0.5)}, "not above 0"),
        ({"propensities": (float("nan"), 0.5)}, "not above 0"),
        ({"rewards": (1.0, 2.0)}, "rewards outside"),
        ({"rewards": (1.0, float("nan"))}, "rewards outside"),
        ({"labels": ("a", "a")}, "no decision"),
        ({"id": "other"}, "twice"),
    ],
)
def test_decisions_made_by_hand_are_checked_as_lines_are(changes, problem):
    one = Decision("one", "a text", ("a", "b"), (1.0, 0.5), rewards=(1.0, 0.0))
    other = replace(one, id="other")
    DecisionLog((one, other))
    with pytest.raises(LogError, match=problem) as raised:
        DecisionLog((replace(one, **changes), other))
    assert sum(raised.value.counts.values()) == 1
    assert "skip_errors" not in str(raised.value)
