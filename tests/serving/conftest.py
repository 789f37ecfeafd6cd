"""Models of three kinds, and a way to ask an application without a socket."""

import asyncio
import re
import subprocess
import sys

import httpx
import numpy as np
import pytest
import scipy.sparse as sp

import arborank
from arborank.serving import Settings, create_app
from support.fruit import rows


@pytest.fixture(scope="session")
def ranker():
    return arborank.TextRanker().fit(*rows(200, 1))


@pytest.fixture(scope="session")
def linear():
    X = sp.csr_array(np.eye(4, dtype=np.float32))
    return arborank.XRLinear().fit(X, [[0], [1], [2], [2, 3]])


@pytest.fixture(scope="session")
def completer():
    log = [("a", 0, "camera"), ("a", 9, "nikon"), ("b", 0, "camera"), ("b", 5, "nikon")]
    log += [("c", 0, "running shoes"), ("c", 7, "nike"), ("d", 1, "running shoes"), ("d", 2, "nike")]
    return arborank.Autocompleter().fit(log)


class Asker:
    """An application and a loop of its own in which it is asked."""

    def __init__(self, app, runner):
        self.app, self.runner = app, runner
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://localhost"
        )

    def __call__(self, method, path, **options):
        return self.runner.run(self.client.request(method, path, **options))

    def all(self, *requests):
        """Ask several at the same time; each is (method, path, options)."""

        async def together():
            asked = (self.client.request(method, path, **options) for method, path, options in requests)
            return await asyncio.gather(*asked)

        return self.runner.run(together())


@pytest.fixture
def models(ranker, linear, completer):
    return {"fruit": ranker, "matrix": linear, "queries": completer}


@pytest.fixture
def serve(models):
    """Return a function that serves models with some settings; by default one of each kind."""
    with asyncio.Runner() as runner:
        apps = []

        known = models

        def started(models=None, **settings):
            app = create_app(models or known, Settings(**settings))
            apps.append(app)
            return Asker(app, runner)

        yield started
        for app in apps:
            app.work.close()


@pytest.fixture
def start(ranker, completer, tmp_path):
    """Return a function that starts ``arborank serve`` with one or both models, and returns process and address."""
    ranker.save(tmp_path / "fruit")
    completer.save(tmp_path / "queries")
    processes = []

    def started(*options, models=("fruit",)):
        directories = [str(tmp_path / model) for model in models]
        command = [sys.executable, "-m", "arborank", "serve", *directories, "--port", "0", *options]
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        for line in process.stderr:
            if found := re.match(r"(http\S+|unix:\S+) serves fruit", line):
                return process, found[1]
        raise AssertionError(f"it ended with {process.wait()}")

    yield started
    for process in processes:
        process.kill()
        process.wait()
        process.stderr.close()
