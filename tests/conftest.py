"""Data that many tests share: small, made on the spot, with an answer that can be seen."""

import re
import signal

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import settings

# A shell that runs the tests in the background ignores Ctrl-C for them; tests of it send the signal themselves.
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")


def pytest_addoption(parser):
    parser.addoption(
        "--may-miss",
        metavar="PACKAGES",
        help="Packages, with commas between, whose tests may be skipped; any other that is missing fails the run.",
    )


def pytest_sessionfinish(session):
    """Fail a run that skipped tests for want of a package that should be there."""
    allowed = session.config.getoption("--may-miss")
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if allowed is None or reporter is None:
        return
    reasons = [str(report.longrepr) for report in reporter.stats.get("skipped", [])]
    missing = {found[1] for reason in reasons if (found := re.search(r"could not import '(\w+)", reason))}
    if missing := missing - set(allowed.split(",")):
        reporter.write_line(f"tests were skipped for want of {', '.join(sorted(missing))}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def checkerboard():
    """Instances and labels of two colours: an instance has exactly the labels of its own colour."""
    n, n_labels = 40, 8
    Y = np.fromfunction(lambda i, j: (i + j) % 2 == 0, (n, n_labels)).astype(np.float32)
    X = np.zeros((n, 6), dtype=np.float32)
    X[::2, :3] = 1.0
    X[1::2, 3:] = 1.0
    return sp.csr_array(X), sp.csr_array(Y)


@pytest.fixture
def topics():
    """300 instances of 60 labels in 6 topics: features of a topic, and one feature of its own for every label."""
    rng = np.random.default_rng(0)
    n, n_labels, n_topics = 300, 60, 6
    X = np.zeros((n, n_topics * 5 + n_labels), dtype=np.float32)
    Y = np.zeros((n, n_labels), dtype=np.float32)
    for i in range(n):
        label = i % n_labels
        topic = label % n_topics
        Y[i, label] = 1.0
        X[i, topic * 5 + rng.integers(0, 5, 3)] = 0.5
        X[i, n_topics * 5 + label] = 1.0
        if i % 3 == 0:
            other = (label + n_topics) % n_labels
            Y[i, other] = 1.0
            X[i, n_topics * 5 + other] = 0.8
    return sp.csr_array(X), sp.csr_array(Y)
