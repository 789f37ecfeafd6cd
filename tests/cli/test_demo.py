"""`arborank demo`."""

import arborank
from arborank.cli import demo_day
from arborank.cli.demo import _program


def test_demo_beats_popularity_and_leaves_a_model(run, folder):
    result = run("demo", "--dir", "demo", "--limit", "1500")
    lines = {line[:24].strip(): line[26:].split() for line in result.stdout.splitlines()}
    assert float(lines["Arborank"][0]) > float(lines["always the most frequent"][0])
    assert "arborank rank demo" in result.stdout
    assert "✓" in result.stdout
    assert "libc6" in dict(arborank.load(folder / "demo").rank("a daemon written in C"))
    assert "--force" in run("demo", "--dir", "demo", code=2).stderr


def test_what_to_type_next_can_be_typed(monkeypatch, tmp_path):
    script = tmp_path / "arborank"
    script.touch(mode=0o755)
    monkeypatch.setattr("sys.argv", [str(script), "demo"])
    monkeypatch.setenv("PATH", "")
    assert _program() == str(script)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _program() == "arborank"


def test_a_day_is_simulated_for_both_shops(monkeypatch):
    for name, value in {
        "_HOURS": 3,
        "_CUSTOMERS": 40,
        "_BEFORE": 300,
        "_PRODUCTS": 60,
        "_LEARNING": (1,),
    }.items():
        monkeypatch.setattr(demo_day, name, value)
    about = {f"lib-{i}": f"kind{i % 7} thing{i % 11} of colour{i % 5} number{i}" for i in range(100)}
    day = demo_day.simulated_day(about, 1)
    assert day["customers"] == 40
    assert len(day["greedy"]) == len(day["exploring"]) == 3
    assert all(0 < clicks <= 1 for clicks in day["greedy"] + day["exploring"])
    assert demo_day.simulated_day(about, 1) == day
