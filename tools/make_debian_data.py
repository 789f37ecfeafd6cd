r"""Make the shipped data set: descriptions of Debian packages, labelled with the packages they depend on.

On a Debian machine whose sources name the wanted release, main only::

    apt-get update -o Acquire::Languages=en
    { apt-cache dumpavail; /usr/lib/apt/apt-helper cat-file /var/lib/apt/lists/*_Translation-en*; } \
        | python tools/make_debian_data.py

`apt-cache dumpavail` knows the summaries only; the long descriptions come from Translation-en, joined by
their MD5. Without it the set is made from summaries alone. The output depends on nothing but the stanzas.
"""

import argparse
import hashlib
import json
import lzma
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "src" / "arborank" / "datasets" / "data" / "debian"
MAIN = re.compile(r"pool/(updates/)?main/")
LIMIT = 420
XZ = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "lp": 0, "pb": 0}]


@dataclass
class Package:
    """What is kept of one package."""

    source: str
    summary: str
    text: str
    depends: list[str]


def stanzas(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Read control stanzas; continuation lines keep their line breaks."""
    fields: dict[str, str] = {}
    key = ""
    for line in lines:
        line = line.rstrip("\n")
        if not line:
            if fields:
                yield fields
            fields, key = {}, ""
        elif line[0] in " \t":
            fields[key] += "\n" + line[1:]
        else:
            key, _, value = line.partition(":")
            fields[key] = value.strip()
    if fields:
        yield fields


def dependencies(fields: dict[str, str]) -> list[str]:
    """List the packages depended on: the first alternative of each, without version and architecture."""
    names: dict[str, None] = {}
    for field in ("Pre-Depends", "Depends"):
        for clause in fields.get(field, "").split(","):
            name = re.split(r"[\s(|:\[]", clause.strip(), maxsplit=1)[0]
            if name:
                names[name] = None
    return list(names)


def prose(description: str, limit: int) -> str:
    """Flatten a long description to one line of at most `limit` characters, cut between words."""
    text = " ".join(line for line in description.split("\n") if line.strip() != ".")
    text = " ".join(text.split())
    if len(text) > limit:
        text = text[: limit + 1].rsplit(" ", 1)[0]
    return text


def read(lines: Iterable[str], limit: int) -> dict[str, Package]:
    """Join packages with their long descriptions."""
    packages: dict[str, dict[str, str]] = {}
    long: dict[str, str] = {}
    for fields in stanzas(lines):
        if "Description-en" in fields and "Filename" not in fields:
            long[fields["Description-md5"]] = fields["Description-en"].partition("\n")[2]
        elif MAIN.match(fields.get("Filename", "")) and fields.get("Description"):
            packages[fields["Package"]] = fields
    result = {}
    for name, fields in sorted(packages.items()):
        summary, _, rest = fields["Description"].partition("\n")
        summary = " ".join(summary.split())
        body = prose(long.get(fields.get("Description-md5", ""), rest), limit)
        source = fields.get("Source", name).split(" ")[0]
        text = f"{summary}. {body}" if body else summary
        result[name] = Package(source, summary, text, dependencies(fields))
    return result


def is_test(source: str) -> bool:
    """Hold out a fifth of the source packages, so that no siblings straddle the split."""
    return int.from_bytes(hashlib.sha256(source.encode()).digest()[:4], "big") % 5 == 0


def write(path: Path, rows: Iterable[object]) -> None:
    """Write JSON lines, compressed alike on every machine."""
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    path.write_bytes(lzma.compress(text.encode(), format=lzma.FORMAT_XZ, filters=XZ))


def main() -> None:
    """Read control stanzas, write the set and its note."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("inputs", nargs="*", type=Path, help="files of stanzas (standard input when none)")
    parser.add_argument("--out", type=Path, default=DATA)
    parser.add_argument("--limit", type=int, default=LIMIT, help="characters kept of a long description")
    parser.add_argument("--min-sources", type=int, default=2, help="training sources a label must occur in")
    parser.add_argument(
        "--release",
        default="Debian 12 (bookworm) with updates and security, main, amd64",
        help="what the input is, for NOTE",
    )
    options = parser.parse_args()
    files = [path.read_bytes() for path in options.inputs]
    blob = b"\n\n".join(files) if files else sys.stdin.buffer.read()
    packages = read(blob.decode("utf-8", "replace").splitlines(), options.limit)

    # A label must be described, and occur in enough training sources to be learnt from more than one family.
    sources: dict[str, set[str]] = {}
    for package in packages.values():
        if not is_test(package.source):
            for target in package.depends:
                sources.setdefault(target, set()).add(package.source)
    labels = sorted(n for n, by in sources.items() if len(by) >= options.min_sources and n in packages)
    known = set(labels)
    parts: dict[bool, list[dict[str, object]]] = {False: [], True: []}
    for package in packages.values():
        kept = [target for target in package.depends if target in known]
        if kept:
            parts[is_test(package.source)].append({"text": package.text, "labels": kept})

    options.out.mkdir(parents=True, exist_ok=True)
    write(options.out / "train.jsonl.xz", parts[False])
    write(options.out / "test.jsonl.xz", parts[True])
    write(options.out / "labels.jsonl.xz", ({"text": packages[n].summary, "labels": [n]} for n in labels))
    (options.out / "NOTE").write_text(note(options, packages, parts, labels, blob), encoding="utf-8")
    size = sum(path.stat().st_size for path in options.out.iterdir())
    print(f"{size:,} bytes in {options.out}")


def note(
    options: argparse.Namespace,
    packages: dict[str, Package],
    parts: dict[bool, list[dict[str, object]]],
    labels: list[str],
    blob: bytes,
) -> str:
    """Say what the set is, where it comes from and what it counts."""
    counts = Counter(label for row in parts[False] for label in row["labels"])
    held_out = {label for row in parts[True] for label in row["labels"]}
    per_row = [sum(len(row["labels"]) for row in parts[p]) / len(parts[p]) for p in (False, True)]
    frequent = sum(count >= 5 for count in counts.values())
    digest = hashlib.sha256(blob).hexdigest()
    head, most = counts.most_common(1)[0]
    return f"""\
Descriptions of Debian packages, labelled with the packages they depend on.

Source    {options.release}: {len(packages):,} packages
          sha256 of the input {digest}
Made by   tools/make_debian_data.py --limit {options.limit} --min-sources {options.min_sources}
          (its docstring has the whole command)
Text      summary, and the first {options.limit} characters of the long description; no package name
Labels    Pre-Depends and Depends, first alternatives, without versions; kept when the package has
          a description and {options.min_sources} or more source packages of the training part depend on it;
          an instance without a label is left out
Split     by source package, so siblings stay together: test when sha256(source)[:4] mod 5 == 0 (big-endian)
Counts    train {len(parts[False]):,} ({per_row[0]:.2f} labels each)
          test {len(parts[True]):,} ({per_row[1]:.2f} labels each)
          labels {len(labels):,}: {frequent:,} with 5 or more training instances, {len(held_out):,} in the
          test part; the commonest, {head}, has {most:,}
Licence   package metadata of Debian main, each description under its package's own free licence
          (DFSG-free, https://www.debian.org/social_contract#guidelines)
"""


if __name__ == "__main__":
    main()
