"""The examples of the guide run."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from arborank.cli import main

pytest.importorskip("torch")
pytest.importorskip("transformers")

GUIDE = Path(__file__).parents[2] / "docs" / "transformers.md"


def test_the_guide(folder, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"texts": data[0][:96], "labels": [[f"label {i}" for i in row] for row in data[1][:96]]}
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 5
    for block in blocks:
        small = block.replace('"path/or/hub-name"', repr(str(folder))).replace("epochs=2", "epochs=0.2")
        small = small.replace("layers=4, width=256, epochs=3", "layers=1, width=16, epochs=0.2")
        if "accelerate" in small:
            small = "\n".join(line for line in small.splitlines() if "compile" not in line)
            if not _has_onnx():
                continue
        exec(compile(small, "transformers.md", "exec"), names)
    assert names["student"].rank(data[0][0], 1)
    assert (tmp_path / "encoder" / "config.json").exists()
    shown = CliRunner().invoke(main, ["inspect", "model", "--branches"])
    assert shown.exit_code == 0, shown.output
    assert "XRTransformer(" in shown.output
    assert "root (32 labels)" in shown.output


def _has_onnx():
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError:
        return False
    return True
