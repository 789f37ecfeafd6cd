import importlib.util
import json
import lzma
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "make_debian_data.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_debian_data", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def stanza(name, depends="", source=None, pool="pool/main/", **more):
    lines = [f"Package: {name}", f"Filename: {pool}{name}.deb", f"Description: what {name} is"]
    lines += [f"Depends: {depends}"] if depends else []
    lines += [f"Source: {source}"] if source else []
    return "\n".join(lines + [f"{key.replace('_', '-')}: {value}" for key, value in more.items()])


def test_dependencies_are_first_alternatives_without_versions(script):
    fields = {
        "Pre-Depends": "dpkg (>= 1.15.6~)",
        "Depends": "libc6 (>= 2.34), exim4 | mta, python3:any, libc6 (<< 3)",
    }
    assert script.dependencies(fields) == ["dpkg", "libc6", "exim4", "python3"]


def test_long_descriptions_are_joined_by_their_digest_and_cut_between_words(script):
    packages = stanza("a", Description_md5="123") + "\n\n" + stanza("foreign", pool="pool/contrib/")
    translation = "Package: a\nDescription-md5: 123\nDescription-en: what a is\n one two\n .\n three  four"
    read = script.read((packages + "\n\n" + translation).splitlines(), limit=14)
    assert {name: package.text for name, package in read.items()} == {"a": "what a is. one two three"}


def test_set_is_the_same_for_any_order_of_stanzas(script, tmp_path, monkeypatch):
    stanzas = [stanza(f"p{i}", "libx, liby" if i % 2 else "libx, ghost", f"s{i // 2}") for i in range(40)]
    stanzas += [stanza("libx"), stanza("liby"), stanza("once", "p1")]
    outputs = []
    for order in (stanzas, stanzas[::-1]):
        (tmp_path / "in").write_text("\n\n".join(order))
        out = tmp_path / str(len(outputs))
        monkeypatch.setattr(sys, "argv", ["make", str(tmp_path / "in"), "--out", str(out)])
        script.main()
        outputs.append({path.name: path.read_bytes() for path in out.iterdir() if path.name != "NOTE"})
    assert outputs[0] == outputs[1]
    rows = {
        name: [json.loads(line) for line in lzma.decompress(data).decode().splitlines()]
        for name, data in outputs[0].items()
    }
    assert rows["labels.jsonl.xz"] == [
        {"text": "what libx is", "labels": ["libx"]},
        {"text": "what liby is", "labels": ["liby"]},
    ]
    parts = [{row["text"] for row in rows[f"{part}.jsonl.xz"]} for part in ("train", "test")]
    siblings = [{f"what p{i} is", f"what p{i + 1} is"} for i in range(0, 40, 2)]
    assert all(pair <= parts[0] or pair <= parts[1] for pair in siblings)
    assert parts[0]
    assert parts[1]
