"""`arborank demo`."""

import arborank


def test_demo_beats_popularity_and_leaves_a_model(run, folder):
    result = run("demo", "--dir", "demo", "--limit", "1500")
    lines = {line[:24].strip(): line[26:].split() for line in result.stdout.splitlines()}
    assert float(lines["Arborank"][0]) > float(lines["always the most frequent"][0])
    assert "arborank rank demo" in result.stdout
    assert "✓" in result.stdout
    assert "libc6" in dict(arborank.load(folder / "demo").rank("a daemon written in C"))
    assert "--force" in run("demo", "--dir", "demo", code=2).stderr
