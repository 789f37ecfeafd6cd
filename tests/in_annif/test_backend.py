"""The backend of the guide in the real Annif, by its command line and its API. `make test-annif` has an environment."""

import os
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from support.fruit import CARS, FRUIT, rows

pytestmark = pytest.mark.filterwarnings("default")  # those of Annif's packages are no matter here

GUIDE = Path(__file__).parents[2] / "docs" / "annif.md"
PROJECT = """
[{name}]
name=Fruit and cars
language=en
backend=arborank
analyzer=simple
vocab=things
limit=5
allow_learn=yes
characters=no
min_df=1
{more}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the backend, projects, a vocabulary and corpora; NLTK's sentence model that knows nothing."""
    if find_spec("annif") is None:
        pytest.skip("Annif has an environment of its own: make test-annif")
    place = tmp_path_factory.mktemp("annif")
    (module,) = re.findall(r"```python[^\n]*\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    (place / "arborank_backend.py").write_text(module)
    assert len(module.splitlines()) <= 100
    projects = {"plain": "", "bare": "labels=no", "sure": "calibrate=yes\nn_trees=2", "new": "", "many": ""}
    text = "".join(PROJECT.format(name=name, more=more) for name, more in projects.items())
    (place / "projects.cfg").write_text(text)
    terms = [f"<http://things/{name}>\t{name}ish\n" for name in [*FRUIT, *CARS, "quince"]]
    (place / "things.tsv").write_text("".join(terms))
    for part, seed in (("train", 0), ("test", 1)):
        texts, labels = rows(300, seed)
        lines = (
            f"{text}\t{' '.join(f'<http://things/{name}>' for name in names)}\n"
            for text, names in zip(texts, labels, strict=True)
        )
        (place / f"{part}.tsv").write_text("".join(lines))
    punkt = place / "nltk_data" / "tokenizers" / "punkt_tab" / "english"
    punkt.mkdir(parents=True)
    for name in ("collocations.tab", "sent_starters.txt", "abbrev_types.txt", "ortho_context.tab"):
        (punkt / name).touch()
    return place


@pytest.fixture(scope="module")
def annif_app(place):
    """Annif with this configuration, and its vocabulary loaded."""
    import nltk

    nltk.data.path.insert(0, str(place / "nltk_data"))
    sys.path.insert(0, str(place))
    import annif
    import annif.registry

    config = import_module("arborank_backend").Config
    config.PROJECTS_CONFIG_PATH, config.DATADIR = str(place / "projects.cfg"), str(place / "data")
    app = annif.create_flask_app("arborank_backend.Config")
    with app.app_context():
        registry = annif.registry.AnnifRegistry(config.PROJECTS_CONFIG_PATH, config.DATADIR, False)
        vocabulary = registry.get_project("plain").vocab
        vocabulary.load_vocabulary(import_module("annif.vocab").VocabFileTSV(str(place / "things.tsv"), "en"))
        yield registry


def corpus(place, project, part="train"):
    from annif.corpus import DocumentFileTSV

    return DocumentFileTSV(str(place / f"{part}.tsv"), project.subjects)


def documents(*texts):
    from annif.corpus import Document

    return [Document(text=text) for text in texts]


def suggested(project, *texts):
    """The URIs that a project suggests for texts, best first."""
    batch = project.suggest(documents(*texts))
    return [[project.subjects[one.subject_id].uri for one in result] for result in batch]


@pytest.fixture(scope="module")
def plain(place, annif_app):
    project = annif_app.get_project("plain")
    project.train(corpus(place, project))
    return project


TEXT = "a fruit: appleish bananaish w1 w2 w3"


def test_suggestions(plain):
    (uris,) = suggested(plain, TEXT)
    assert set(uris[:2]) == {"http://things/apple", "http://things/banana"}
    assert plain.is_trained


def test_a_subject_of_its_label_alone(plain, place, annif_app):
    assert suggested(plain, "quinceish")[0][0] == "http://things/quince"
    bare = annif_app.get_project("bare")
    bare.train(corpus(place, bare))
    assert "http://things/quince" not in suggested(bare, "a fruit: quinceish w1")[0]


def test_unknown_and_empty_texts_get_nothing(plain):
    assert suggested(plain, "", "Ελλάδα", TEXT)[:2] == [[], []]


def test_a_model_that_is_opened_suggests_the_same(plain, annif_app):
    backend = type(plain.backend)("arborank", {"limit": 5}, plain)
    found, again = plain.backend.suggest(documents(TEXT)), backend.suggest(documents(TEXT))
    assert np.array_equal(found.array.toarray(), again.array.toarray())
    assert backend._ranker.n_jobs == 1


def test_scores_are_probabilities(place, annif_app):
    sure = annif_app.get_project("sure")
    with pytest.warns(UserWarning, match="few to calibrate"):
        sure.train(corpus(place, sure))
    scores = [one.score for one in next(iter(sure.suggest(documents(TEXT))))]
    assert 0 < max(scores) <= 1
    assert sure.backend._ranker.calibration_ is not None


def test_cached_rows_give_the_same_model(place, annif_app):
    project = annif_app.get_project("many")
    project.train(corpus(place, project))
    before = suggested(project, TEXT)
    project.backend._ranker = None
    project.train("cached", backend_params={"arborank": {"n_trees": 2}})
    assert suggested(project, TEXT)[0][0] in before[0][:2]
    assert project.backend._ranker.model_.n_trees == 2


def test_learning_from_documents_of_every_subject(place, annif_app, tmp_path):
    """A batch may have documents of all subjects; those that were unknown are passed over, the rest is saved."""
    from annif.corpus import DocumentFileTSV

    project = annif_app.get_project("bare")
    project.train(corpus(place, project))
    text = "a fruit: w3 w4 w5"
    assert suggested(project, text)[0][0] != "http://things/quince"
    line = f"{text}\t<http://things/cherry> <http://things/quince>\n"
    (tmp_path / "more.tsv").write_text((place / "train.tsv").read_text() + 60 * line)
    project.learn(DocumentFileTSV(str(tmp_path / "more.tsv"), project.subjects))
    project.backend._ranker = None
    assert suggested(project, text)[0][0] == "http://things/cherry"
    assert set(suggested(project, TEXT)[0][:2]) == {"http://things/apple", "http://things/banana"}
    assert "http://things/quince" not in project.backend._ranker.labels_


def test_evaluation(plain, place):
    from annif.eval import EvaluationBatch

    batch = EvaluationBatch(plain.subjects)
    for docs in corpus(place, plain, "test").doc_batches:
        batch.evaluate_many(plain.suggest(docs), [doc.subject_set for doc in docs])
    assert batch.results(metrics=["NDCG"])["NDCG"] > 0.9


def test_what_cannot_be_trained_or_asked(place, annif_app, tmp_path):
    from annif.corpus import DocumentFileTSV
    from annif.exception import NotInitializedException, NotSupportedException

    project = annif_app.get_project("new")
    (tmp_path / "empty.tsv").touch()
    with pytest.raises(NotSupportedException, match="no documents"):
        project.train(DocumentFileTSV(str(tmp_path / "empty.tsv"), project.subjects))
    assert not project.is_trained
    with pytest.raises(NotInitializedException):
        project.backend.suggest(documents(TEXT))


def test_a_vocabulary_that_lost_a_subject(plain):
    """Labels are kept by URI: one that the vocabulary no longer has is left out, the others get their new numbers."""
    backend = type(plain.backend)("arborank", {"limit": 5}, plain)
    backend.initialize()
    place = backend._ranker.labels_.find("http://things/apple")
    backend._subject_ids[place] = -1
    found = backend.suggest(documents(TEXT))
    assert plain.subjects.by_uri("http://things/apple") not in found.array.tocoo().col
    assert found.array.nnz > 0


def test_the_command_line(place, tmp_path):
    """ANNIF_CONFIG alone registers the backend."""
    environment = os.environ | {
        "ANNIF_CONFIG": "arborank_backend.Config",
        "ANNIF_PROJECTS": str(place / "projects.cfg"),
        "ANNIF_DATADIR": str(tmp_path),
        "NLTK_DATA": str(place / "nltk_data"),
        "PYTHONPATH": os.pathsep.join([str(place), *sys.path]),
    }

    def annif(*args, text=None):
        command = [sys.executable, "-m", "annif.cli", *args]
        return subprocess.run(
            command, env=environment, input=text, capture_output=True, text=True, check=True
        ).stdout

    annif("load-vocab", "things", "-L", "en", str(place / "things.tsv"))
    annif("train", "plain", str(place / "train.tsv"))
    assert "http://things/apple" in annif("suggest", "plain", text=TEXT)
