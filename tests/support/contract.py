"""What every estimator keeps, on a toy problem whose answers can be seen: the label of a text is its colour."""

import copy
import os
import pickle
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import arborank

THINGS = ["car", "house", "shirt", "chair"]


class Problem(NamedTuple):
    """A colour a label; ``queries[i]`` has label ``i``."""

    colours: list[str]

    @property
    def texts(self):
        return [f"{colour} {thing}" for thing in THINGS for colour in self.colours]

    @property
    def labels(self):
        return [[colour] for _ in THINGS for colour in self.colours]

    @property
    def queries(self):
        return [f"{colour} car" for colour in self.colours]

    @property
    def Y(self):
        return sp.csr_array(np.tile(np.eye(len(self.colours), dtype=np.float32), (len(THINGS), 1)))

    def rows(self, texts):
        """Return texts as counts of words, over the same words for every problem."""
        words = [*FIRST.colours, *SECOND.colours, *THINGS]
        return sp.csr_array(
            [[float(word in text.split()) for word in words] for text in texts], dtype=np.float32
        )


FIRST = Problem(["amber", "blue", "coral", "denim", "ebony", "flax", "green", "honey"])
SECOND = Problem(["indigo", "jade", "khaki"])


class Contract:
    """Tests of one estimator; a subclass tells how it is made, fitted and asked."""

    savable = forks = filters = True
    picks = FIRST.colours  # what stands for a label where it is given to a filter, by label id

    def make(self, **options):
        """Return an estimator that is not fitted."""
        raise NotImplementedError

    def fit(self, estimator, problem):
        """Fit an estimator to a problem."""
        return estimator.fit(problem.rows(problem.texts), problem.Y)

    def fail(self, estimator):
        """Fit an estimator to what it must refuse."""
        return estimator.fit(FIRST.rows(FIRST.texts), FIRST.Y[:-1])

    def ask(self, estimator, queries, **options):
        """Return the ids and scores of the best three labels of every query."""
        return estimator.predict_topk(FIRST.rows(queries), 3, **options)

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls):
        return cls().fit(cls().make(), FIRST)

    @pytest.fixture(scope="class")
    @classmethod
    def answers(cls, fitted):
        return cls().bytes_of(fitted)

    def save(self, estimator, directory):
        """Save a fitted estimator."""
        estimator.save(directory)

    def bytes_of(self, estimator, queries=None):
        """Return the answers to queries in a form that can be compared to the last bit."""
        return plain(self.ask(estimator, FIRST.queries if queries is None else queries))

    def test_the_obvious_answer(self, fitted):
        ids, _ = self.ask(fitted, FIRST.queries)
        assert [row[0] for row in np.asarray(ids).tolist()] == list(range(len(FIRST.colours)))

    def test_a_batch_equals_single_queries(self, fitted, answers):
        single = [self.bytes_of(fitted, [query]) for query in FIRST.queries]
        assert [row for one in single for row in one] == answers

    def test_candidates_and_exclude(self, fitted):
        if not self.filters:
            pytest.skip("takes no filters")
        some, n = [self.picks[1], self.picks[6]], len(FIRST.queries)
        only = np.asarray(self.ask(fitted, FIRST.queries, candidates=some)[0])
        assert set(only.ravel().tolist()) <= {1, 6, -1}
        assert only[[1, 6], 0].tolist() == [1, 6]
        without = np.asarray(self.ask(fitted, FIRST.queries, exclude=some)[0])
        assert not np.isin(without, [1, 6]).any()
        each = np.asarray(self.ask(fitted, FIRST.queries, exclude=[[pick] for pick in self.picks[:n]])[0])
        assert (each != np.arange(n)[:, None]).all()

    def test_save_and_load(self, fitted, answers, tmp_path):
        if not self.savable:
            pytest.skip("is not saved")
        self.save(fitted, tmp_path / "model")
        again = arborank.load(tmp_path / "model")
        assert type(again) is type(fitted)
        assert self.bytes_of(again) == answers

    def test_parameters(self, fitted):
        if not hasattr(fitted, "get_params"):
            pytest.skip("is no estimator of scikit-learn")
        for estimator in (self.make(), fitted):
            twin = clone(estimator)
            assert type(twin) is type(estimator)
            assert repr(twin) == repr(estimator)
            assert twin.get_params().keys() == estimator.get_params().keys()
            assert twin.set_params(**estimator.get_params(deep=False)) is twin
            with pytest.raises(NotFittedError):
                self.ask(twin, FIRST.queries)
        with pytest.raises(ValueError, match="Invalid parameter 'depth_of_all'"):
            self.make().set_params(depth_of_all=1)
        assert type(fitted).__name__ in fitted._repr_mimebundle_()["text/html"]

    @pytest.mark.parametrize("twin", [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy, copy.copy])
    def test_copies(self, fitted, answers, twin):
        assert self.bytes_of(twin(fitted)) == answers

    def test_a_forked_child(self, fitted, answers):
        if not self.forks or not hasattr(os, "fork"):
            pytest.skip("is not asked after a fork")
        child = os.fork()
        if child == 0:
            signal.alarm(60)  # ends a child that hangs
            try:
                os._exit(self.bytes_of(fitted) != answers)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    def test_many_threads_ask_at_once(self, fitted, answers):
        with ThreadPoolExecutor(8) as pool:
            assert all(found == answers for found in pool.map(lambda _: self.bytes_of(fitted), range(40)))

    def test_any_number_of_threads_learns_the_same(self, answers):
        if "n_jobs" not in getattr(self.make(), "get_params", dict)():
            pytest.skip("has no threads of its own")
        for n_jobs in (1, 2):
            assert self.bytes_of(self.fit(self.make(n_jobs=n_jobs), FIRST)) == answers

    def test_a_second_fit_forgets_the_first(self, answers):
        twice = self.fit(self.fit(self.make(), SECOND), FIRST)
        assert self.bytes_of(twice) == answers

    def test_a_fit_that_fails_changes_nothing(self, answers):
        model = self.fit(self.make(), FIRST)
        with pytest.raises((TypeError, ValueError)):
            self.fail(model)
        assert self.bytes_of(model) == answers

    def test_not_fitted(self, tmp_path):
        with pytest.raises(
            NotFittedError, match=f"This {type(self.make()).__name__} instance is not fitted yet"
        ):
            self.ask(self.make(), FIRST.queries)
        if self.savable:
            with pytest.raises(NotFittedError):
                self.save(self.make(), tmp_path / "model")
            assert not (tmp_path / "model").exists()


def plain(answers):
    """Return ids and scores, or rows, as lists of what each query got, bit for bit."""
    if sp.issparse(answers):
        rows = [answers[[i]] for i in range(answers.shape[0])]
        return [(row.indices.tolist(), row.data.tobytes()) for row in rows]
    ids, scores = answers
    return [(list(i), np.asarray(s).tobytes()) for i, s in zip(np.asarray(ids).tolist(), scores, strict=True)]
