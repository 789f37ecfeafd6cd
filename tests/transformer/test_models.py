"""The models on texts that a tiny encoder can learn: quality, interruption, saving, bad input."""

import shutil

import numpy as np
import pytest

import arborank
from arborank import NgramTfidf, TextRanker, XRLinear
from arborank.storage.lock import exclusive

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from arborank.transformer import Encoder, XRTransformer, XTransformer  # noqa: E402

SMALL = {"branching": 4, "max_leaf_size": 4, "n_jobs": 1, "precision": "float32"}
QUICK = {"learning_rate": 2e-3, "head_learning_rate": 2e-2}


def hits(ids, truth):
    return np.mean([row[0] in labels for row, labels in zip(ids, truth, strict=True)])


def model(encoder, cls=XRTransformer, **options):
    return cls(encoder, features=NgramTfidf(), **{**SMALL, **QUICK, "epochs": 1.0, **options})


@pytest.fixture(scope="module")
def fitted(folder, data):
    return model(folder, epochs=3.0).fit(data[0], data[1])


def test_it_is_at_least_as_good_as_the_linear_model(fitted, data):
    texts, Y, new, truth = data
    features = NgramTfidf().fit(texts)
    linear = XRLinear(branching=4, max_leaf_size=4).fit(features.transform(texts), Y)
    ids, scores = fitted.predict_topk(new, 3)
    assert hits(ids, truth) >= hits(linear.predict_topk(features.transform(new), 3)[0], truth)
    assert hits(ids, truth) > 0.95
    assert (np.diff(scores, axis=1) <= 0).all()
    assert fitted.score(new, truth) > 0.9


def test_embeddings_alone_rank_better_once_they_are_trained(folder, data):
    texts, Y, new, truth = data
    before, after = (
        hits(model(folder, rank_on="embeddings", epochs=e).fit(texts, Y).predict_topk(new, 1)[0], truth)
        for e in (0.0, 3.0)
    )
    assert after > max(before, 0.85)


def test_the_loss_falls_at_every_level(fitted):
    assert {record["level"] for record in fitted.history_} == {1, 2, 3}
    assert all(np.isfinite(record["loss"]) for record in fitted.history_)
    assert set(fitted.fit_times_) >= {"features", "preliminary tree", "fine-tuning", "embeddings", "ranker"}


def test_x_transformer_learns_one_level(folder, data):
    texts, Y, new, truth = data
    found = model(folder, XTransformer, epochs=1.0).fit(texts, Y)
    assert {record["level"] for record in found.history_} == {2}
    assert hits(found.predict_topk(new, 3)[0], truth) > 0.9


class Killed(BaseException):
    pass


@pytest.mark.parametrize("step", [7, 22, 40])
def test_an_interrupted_training_ends_as_the_unbroken_one(folder, data, tmp_path, monkeypatch, step):
    texts, Y = data[0][:200], data[1][:200]
    options = {"epochs": 2.0, "batch_size": 16, "checkpoint_every": 5, "validation": 0.1, "evaluate_every": 6}
    whole = model(folder, **options).fit(texts, Y)

    from arborank.transformer.tuning.trainer import LevelTrainer

    taken, take = [], LevelTrainer.step

    def dying(self, number):
        taken.append(number)
        if len(taken) == step:
            raise Killed
        return take(self, number)

    monkeypatch.setattr(LevelTrainer, "step", dying)
    broken = model(folder, checkpoint_dir=str(tmp_path / "run"), **options)
    with pytest.raises(Killed):
        broken.fit(texts, Y)
    assert not hasattr(broken, "ranker_")
    before = len(taken)
    broken.fit(texts, Y)
    total = 3 * int(np.ceil(2 * 180 / 16))
    assert len(taken) - before < total  # it did not begin anew
    assert len(taken) - before <= total - step + 5 + 1
    np.testing.assert_allclose(broken.encode(data[2][:20]), whole.encode(data[2][:20]), atol=1e-4)
    assert [r["step"] for r in broken.history_] == [r["step"] for r in whole.history_]
    np.testing.assert_array_equal(
        broken.predict_topk(data[2][:20], 3)[0], whole.predict_topk(data[2][:20], 3)[0]
    )


def test_a_checkpoint_of_another_training_is_refused(folder, data, tmp_path):
    texts, Y = data[0][:64], data[1][:64]
    options = {"checkpoint_dir": tmp_path / "run", "epochs": 0.5}
    model(folder, **options).fit(texts, Y)
    kept = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(ValueError, match=r"what differs: learning_rate \(0.002 there, 0.001 here\)"):
        model(folder, learning_rate=1e-3, **options).fit(texts, Y)
    with pytest.raises(ValueError, match=r"differs: labels, texts \(number 64 there, 63 here; tokens"):
        model(folder, **options).fit(texts[1:], Y[1:])
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == kept


def test_one_process_at_a_time_trains_in_a_checkpoint_dir(folder, data, tmp_path):
    options = {"checkpoint_dir": tmp_path, "epochs": 0.5}
    with (
        exclusive(tmp_path),
        pytest.raises(BlockingIOError, match=f"{tmp_path} is in use by another process"),
    ):
        model(folder, **options).fit(data[0][:64], data[1][:64])
    model(folder, **options).fit(data[0][:64], data[1][:64])


def test_saved_and_loaded(fitted, data, tmp_path):
    fitted.save(tmp_path / "model")
    loaded = arborank.load(tmp_path / "model")
    assert type(loaded) is XRTransformer
    for one, other in zip(
        fitted.predict_topk(data[2][:9], 3), loaded.predict_topk(data[2][:9], 3), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert loaded.history_ == fitted.history_
    fitted.save_encoder(tmp_path / "encoder")
    again = Encoder.load(tmp_path / "encoder")
    np.testing.assert_allclose(
        model(again, epochs=0.0).fit(data[0][:40], data[1][:40]).encode(data[2][:5]),
        fitted.encode(data[2][:5]),
        atol=1e-5,
    )
    with pytest.raises(FileExistsError, match="is not empty"):
        fitted.save_encoder(tmp_path / "encoder")


def test_names_through_a_text_ranker(folder, data, tmp_path):
    texts, names = data[0][:200], [[f"label {i}" for i in row] for row in data[1][:200]]
    ranker = TextRanker(model=model(folder, epochs=0.2), n_jobs=1).fit(texts, names)
    (best, _), *_ = ranker.rank(texts[0], k=3)
    assert best in names[0]
    assert ranker.rank(texts[0], k=3, exclude=[best])[0][0] != best
    ranker.save(tmp_path / "ranker")
    assert arborank.load(tmp_path / "ranker").rank(texts[0], k=3) == ranker.rank(texts[0], k=3)


def test_own_features_must_come_again(folder, data):
    texts, Y = data[0][:64], data[1][:64]
    X = NgramTfidf().fit_transform(texts)
    own = model(folder, epochs=0.0).fit(texts, Y, X)
    own.predict_topk(texts[:2], 1, X=X[:2])
    with pytest.raises(ValueError, match="X was not given, but fit was given one"):
        own.predict_topk(texts[:2], 1)
    with pytest.raises(ValueError, match="X has 3 rows, but 2 were expected"):
        own.predict_topk(texts[:2], 1, X=X[:3])


def test_filters_and_blocks(fitted, data, monkeypatch):
    new = data[2][:10]
    monkeypatch.setattr("arborank.transformer.fitted._ROWS", 4)
    plain, _ = fitted.predict_topk(new, 2)
    without, _ = fitted.predict_topk(new, 2, exclude=[[int(i)] for i in plain[:, 0]])
    np.testing.assert_array_equal(without[:, 0], plain[:, 1])
    only, _ = fitted.predict_topk(new, 2, candidates=[3, 4])
    assert set(only.ravel().tolist()) <= {3, 4, -1}


def test_early_stopping_keeps_the_best(folder, data):
    found = model(
        folder,
        epochs=3.0,
        validation=0.2,
        evaluate_every=2,
        patience=1,
        learning_rate=1e-8,
        head_learning_rate=1e-8,
    ).fit(data[0][:128], data[1][:128])
    steps = {level: max(r["step"] for r in found.history_ if r["level"] == level) for level in (1, 2, 3)}
    assert steps == {1: 4, 2: 4, 3: 4}
    assert all("P@1" in r for r in found.history_)
    assert all({"P@3", "P@5"} <= set(r) for r in found.history_ if r["level"] > 1)


def test_accumulated_batches_count_as_one(folder, data):
    texts, Y = data[0][:64], data[1][:64]
    found = model(folder, batch_size=8, accumulation=2, loss="logistic", bootstrap="parent", negatives="tfn")
    assert [r["step"] for r in found.fit(texts, Y).history_] == [4, 4, 4]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"encoder": "no-such/encoder"},
            FileNotFoundError,
            "there is no folder .*no-such/encoder, nothing of that",
        ),
        ({"pooling": "pooler-ish"}, ValueError, "pooling is 'pooler-ish'"),
        ({"max_length": 1000}, ValueError, "max_length is 1000, but this encoder reads at most 64"),
        ({"epochs": [1.0]}, ValueError, "epochs has 1 entries, but 3 levels"),
        ({"loss": "l2"}, ValueError, "loss must be one of .*, found 'l2'"),
        ({"bootstrap": "zero"}, ValueError, "bootstrap must be one of .*, found 'zero'"),
        ({"negatives": "usn"}, ValueError, "negatives is 'usn'"),
        ({"patience": 3}, ValueError, "patience is 3, but validation is 0"),
        ({"device": "abacus"}, ValueError, "device is 'abacus'"),
        ({"precision": "float16"}, ValueError, "'float16' needs an accelerator"),
        ({"embedding_weight": 0.0}, ValueError, "embedding_weight must be above 0"),
        ({"refine": "no"}, TypeError, "refine must be True or False, found 'no'"),
        ({"rank_on": "air"}, ValueError, "rank_on must be one of .*, found 'air'"),
        ({"max_level_size": 1}, ValueError, "max_level_size is 1, but the top level"),
        ({"ranker": 3}, TypeError, "ranker must be an XRLinear, found int"),
        ({"features": "tfidf"}, TypeError, "features must be a vectoriser with fit_transform, found str"),
        ({"epochs": []}, ValueError, "epochs is empty"),
        ({"gradient_checkpointing": 1}, TypeError, "gradient_checkpointing must be True or False, found 1"),
        (
            {"accumulation": 10**30},
            ValueError,
            "only 64 texts to learn from, fewer than that many batches of 32",
        ),
        ({"validation": 0.01}, ValueError, "validation is 0.01, but of 64 texts"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
    ],
)
def test_bad_parameters(folder, data, options, error, message):
    options = {"encoder": folder, "features": NgramTfidf(), **SMALL, **options}
    with pytest.raises(error, match=message):
        XRTransformer(**options).fit(data[0][:64], data[1][:64])


def test_bad_data(folder, data):
    texts, Y = data[0][:8], data[1][:8]
    with pytest.raises(ValueError, match=r"1 of 8 texts are empty, first texts\[7\]"):
        model(folder).fit([*texts[:7], " "], Y)
    with pytest.raises(ValueError, match="texts has 8 rows but Y has 7"):
        model(folder).fit(texts, Y[:7])
    with pytest.raises(TypeError, match="texts must be an iterable of str, found int"):
        model(folder).fit(5, Y)


def test_labels_without_positives_are_told_and_never_returned(folder, data, caplog):
    Y = np.zeros((64, 40), np.float32)
    for row, labels in enumerate(data[1][:64]):
        Y[row, labels] = 1
    Y[:, 5] = 0
    with caplog.at_level("WARNING"):
        found = model(folder, epochs=0.2).fit(data[0][:64], Y)
    assert "9 of 40 labels have no instance and will never be returned" in caplog.text
    ids, _ = found.predict_topk(data[2][:20], 40, beam_size=40)
    assert not np.isin(ids, [5, *range(32, 40)]).any()


def test_long_texts_are_cut_and_told(folder, data, caplog):
    long = " ".join(["noise1"] * 500)
    with caplog.at_level("WARNING"):
        found = model(folder, epochs=0.1).fit([long, *data[0][:63]], data[1][:64])
    assert "1 of 64 texts are longer than the encoder reads and were cut" in caplog.text
    np.testing.assert_allclose(found.encode([long]), found.encode([long + " noise2"]), atol=1e-6)


def test_an_empty_text_can_be_asked(fitted):
    ids, scores = fitted.predict_topk(["", "  "], 3)
    assert ids.shape == (2, 3)
    assert np.isfinite(scores[ids >= 0]).all()


def test_a_damaged_checkpoint_costs_some_steps_only(folder, data, tmp_path):
    texts, Y = data[0][:64], data[1][:64]
    options = {"checkpoint_dir": tmp_path / "run", "checkpoint_every": 1, "batch_size": 16}
    whole = model(folder, **options).fit(texts, Y)
    last = max((tmp_path / "run").glob("checkpoint-*"))
    last.write_bytes(last.read_bytes()[:-1000])
    again = model(folder, **options).fit(texts, Y)
    np.testing.assert_allclose(again.encode(texts[:5]), whole.encode(texts[:5]), atol=1e-4)
    for path in (tmp_path / "run").glob("checkpoint-*"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"checkpoint_dir .* is damaged: .* checkpoints"):
        model(folder, **options).fit(texts, Y)


def test_an_encoder_without_a_pooler(tokenizer, tmp_path):
    config = transformers.DistilBertConfig(
        vocab_size=len(tokenizer), dim=16, hidden_dim=16, n_layers=1, n_heads=2
    )
    transformers.DistilBertModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"'pooler', but this encoder \(DistilBertModel\) has no pooler"):
        Encoder.load(tmp_path, pooling="pooler")
    assert Encoder.load(tmp_path, pooling="cls").width == 16
    shutil.rmtree(tmp_path)


def test_too_little_memory_is_refused_first(folder, data, monkeypatch):
    monkeypatch.setattr("arborank.transformer.tuning.memory.available_memory", lambda: 1000)
    with pytest.raises(MemoryError, match=r"fine-tuning needs about .* on cpu, but 1 kB are free"):
        model(folder).fit(data[0][:64], data[1][:64])
