import pytest

from support.shards import made_up, ranker, state_of


@pytest.fixture(scope="session")
def rows():
    return made_up(3000, 400)


@pytest.fixture(scope="session")
def expected(rows):
    return state_of(ranker().fit(*rows))
