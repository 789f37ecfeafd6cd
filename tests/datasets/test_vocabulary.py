"""Names of subjects by their URI."""

import pytest

from arborank.datasets import read_vocabulary

TABLE = "uri,label_en,label_fi\nhttp://s/1,water,vesi\n<http://s/2>,food,ruoka\nhttp://s/3,,tie\n"
LINES = "<http://s/1>\twater\n<http://s/2>\tfood\n"


@pytest.fixture
def write(tmp_path):
    def write(content, name):
        (tmp_path / name).write_text(content, encoding="utf-8")
        return tmp_path / name

    return write


@pytest.mark.parametrize(("name", "mark"), [("v.csv", ","), ("v.tsv", "\t")])
def test_a_table_with_languages(write, name, mark):
    path = write(TABLE.replace(",", mark), name)
    assert read_vocabulary(path, "fi") == {
        "http://s/1": ["vesi"],
        "http://s/2": ["ruoka"],
        "http://s/3": ["tie"],
    }
    assert read_vocabulary(path, "en") == {"http://s/1": ["water"], "http://s/2": ["food"]}
    assert read_vocabulary(path, ["fi", "en"])["http://s/1"] == ["vesi", "water"]
    assert read_vocabulary(path)["http://s/1"] == ["water", "vesi"]


def test_lines_of_uri_and_name(write):
    assert read_vocabulary(write(LINES, "v.tsv")) == {"http://s/1": ["water"], "http://s/2": ["food"]}


def test_skos_in_several_languages(write):
    pytest.importorskip("rdflib")
    terms = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
    path = write(terms + '<http://s/1> skos:prefLabel "water"@en, "vesi"@fi, "vatten"@sv .\n', "v.ttl")
    assert read_vocabulary(path, ["fi", "sv"]) == {"http://s/1": ["vatten", "vesi"]}
    with pytest.raises(
        ValueError, match="no concept with a name in 'de' or 'fr'; its languages are en, fi, sv"
    ):
        read_vocabulary(path, ["de", "fr"])


def test_a_concept_without_a_uri(write):
    pytest.importorskip("rdflib")
    terms = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
    path = write(terms + '[] skos:prefLabel "water"@en .\n<http://s/2> skos:prefLabel "ice"@en .\n', "v.ttl")
    with pytest.raises(ValueError, match=r"v\.ttl: the concept with the name 'water' has no URI"):
        read_vocabulary(path)


@pytest.mark.parametrize(
    ("content", "language", "message"),
    [
        (TABLE + "http://s/1,again,taas\n", None, r"v.csv:5: the URI http://s/1 stands in another line, too"),
        (TABLE + ",air,ilma\n", None, r"v.csv:5: a URI was expected, found ''"),
        (TABLE + "air,air,ilma\n", None, r"v.csv:5: a URI was expected, found 'air'"),
        (TABLE, "de", r"no names in 'de'; its languages are en, fi"),
        ("http://s/1,water\n", "en", r"v.csv:1: names have no language"),
        ("uri,label_en\nhttp://s/1,\n", "en", "no subject with a name"),
        ("", None, "is empty"),
    ],
)
def test_a_vocabulary_that_is_none(write, content, language, message):
    with pytest.raises(ValueError, match=message):
        read_vocabulary(write(content, "v.csv"), language)
