"""Opening a small model in a fresh process, and asking it, takes a fraction of a processor second."""

import resource
import subprocess
import sys

import pytest

from arborank import TextRanker

pytestmark = pytest.mark.subprocess
MAIN = "from arborank.cli import main; main()"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    directory = tmp_path_factory.mktemp("fresh") / "model"
    texts = ["red apple", "green apple", "fast car", "old car"] * 5
    TextRanker().fit(texts, [["fruit"], ["fruit"], ["vehicle"], ["vehicle"]] * 5).save(directory)
    return str(directory)


def seconds(*arguments):
    """Processor seconds of the quickest of three runs."""
    best = float("inf")
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def test_processor_time(model):
    numpy = seconds("-c", "import numpy")  # what cannot be avoided, and tells how slow this machine is now
    assert seconds("-c", MAIN, "--help") < 0.05 + numpy
    assert seconds("-c", f"import arborank; arborank.load({model!r})") < 0.1 + 2 * numpy
    assert seconds("-c", MAIN, "rank", model, "red car") < 0.15 + 2 * numpy


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        (
            f"import sys; sys.argv = ['arborank', '--help']\ntry: {MAIN}\nexcept SystemExit: pass",
            ["numpy", "scipy", "sklearn"],
        ),
        (
            "import arborank; arborank.load(MODEL).rank('red car', k=2)",
            ["sklearn", "scipy", "tqdm", "concurrent.futures", "arborank.metrics", "arborank.decisions"],
        ),
        (
            "import arborank; arborank.load(MODEL).rank_batch(['red car'] * 50, k=2)",
            ["sklearn", "scipy"],
        ),
    ],
)
def test_what_is_not_needed_is_not_loaded(model, code, heavy):
    code = code.replace("MODEL", repr(model))
    ask = f"{code}\nimport sys; print([name for name in {heavy!r} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True).stdout
    assert out.splitlines()[-1] == "[]"
