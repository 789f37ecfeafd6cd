"""Every side as its authors set it, by regime: many rows a label and few, long texts and short, few rows and many.

One run each, one thread. Features are the same for all but two: ``arborank-text`` is given texts and label names, and
``bonsai-names`` has label names as further training rows.
"""

import shutil
from argparse import Namespace

import numpy as np
from data import REGIMES, prepare_regime
from harness import Measurements, Side
from scipy.sparse import load_npz

from .markdown import MIB, number, table
from .training import quality

DEFAULTS = ("arborank-text", "arborank-features")
OURS = (*DEFAULTS, "arborank-trees", "arborank-hybrid")
PEERS = {
    "bonsai": "omikuji, Bonsai",
    "bonsai-names": "omikuji, Bonsai, with label names",
    "parabel": "omikuji, Parabel",
    "attention-like": "omikuji, AttentionXML-like",
    "napkinxc-default": "napkinXC",
    "napkinxc-ensemble": "napkinXC, ensemble",
    "libpecos": "libpecos XR-Linear",
    "one-versus-rest": "one versus rest",
    "centroid": "nearest centroid",
    "neighbours": "nearest rows",
}
NAMED = ("arborank-text", "bonsai-names")  # that know the names of labels
SIDES = (*OURS, *PEERS)
QUALITY = ("P@1", "P@5", "R@10", "PSP@5")


def measure(given: Namespace, found: Measurements) -> None:
    for name in given.sets or REGIMES:
        directory = prepare_regime(given.data, given.cache, name, given.rows)
        if not found.of(table="defaults-set", set=name):
            X, Y = (load_npz(directory / f"{part}.trn.npz") for part in "XY")
            shape = {
                "rows": X.shape[0],
                "labels": Y.shape[1],
                "pairs": int(Y.nnz),
                "features": X.nnz / X.shape[0],
            }
            found.add(shape, table="defaults-set", set=name)
        for side in (one for one in SIDES if one in given.sides):
            key = {"table": "defaults", "set": name, "side": side}
            if found.done(1, **key):
                continue
            model = str(directory / "model")
            if side == "arborank-text":
                request = {"data": str(given.data.resolve()), "name": name, "rows": given.rows}
            else:
                place = prepare_regime(given.data, given.cache, name, given.rows, named=side in NAMED)
                request = {"directory": str(place)}
            kind = "defaults" if side == "arborank-text" else "linear"
            with Side(side, kind, 1, given) as process:
                answer = process.ask("train", **request, threads=1, model=model)
            shutil.rmtree(model, ignore_errors=True)
            ids = answer.pop("ids", None)
            found.add(answer | (quality(directory, ids) if ids else {}), **key)


def render(found: Measurements) -> dict[str, str]:
    names = [name for name in REGIMES if found.of(table="defaults", set=name)]
    if not names:
        return {}
    tables = [f"### {title(found, name)}\n\n{regime(found, name)}" for name in names]
    return {"defaults": "\n\n".join(tables), "margins": margins(found, names)}


def title(found: Measurements, name: str) -> str:
    """A regime with its size."""
    of = found.of(table="defaults-set", set=name)[0]
    sizes = f"{of['rows']:,} rows, {of['labels']:,} labels, {of['pairs'] / of['labels']:.1f} rows a label"
    return f"{name}: {sizes}, {of['pairs'] / of['rows']:.1f} labels and {of['features']:.0f} features a row"


def regime(found: Measurements, name: str) -> str:
    """Quality, time and size of every side."""
    rows = []
    for side in SIDES:
        key = {"table": "defaults", "set": name, "side": side}
        if not (values := found.of(**key)):
            continue
        figures = [number(found.median(figure, **key), "{:.2f}") for figure in QUALITY]
        figures += [
            number(found.median("cpu_seconds", **key)),
            number(found.median("query_cpu_microseconds", **key), "{:,.0f}"),
            number(found.median("model_bytes", **key), "{:,.0f}", 1 / MIB),
        ]
        rows.append([PEERS.get(side, f"**{side}**") + failure(values[0]), *figures])
    return table(["side", *QUALITY, "training CPU s", "query CPU µs", "model MiB"], rows)


def failure(values: dict) -> str:
    """Why there are no figures."""
    return f" ({values['failed']})" if "failed" in values else ""


def margins(found: Measurements, names: list[str]) -> str:
    """Our quality less the best peer's, for each figure the best there is, where wide trees were measured.

    Peers that know the names of labels are compared with sides that know them, too.
    """
    rows = []
    for name in (one for one in names if found.median("P@1", table="defaults", set=one, side="bonsai")):
        for side in (*DEFAULTS, "arborank-hybrid"):
            of = {"table": "defaults", "set": name}
            ours = [found.median(figure, **of, side=side) for figure in QUALITY]
            if None in ours:
                continue
            fair = [peer for peer in PEERS if peer not in NAMED or side in NAMED]
            peers = [[found.median(figure, **of, side=peer) for peer in fair] for figure in QUALITY]
            best = [np.nanargmax([np.nan if value is None else value for value in row]) for row in peers]
            cells = [
                f"{value - row[i]:+.2f} ({fair[i]})" for value, row, i in zip(ours, peers, best, strict=True)
            ]
            rows.append([name, side, *cells])
    return table(["set", "side", *[f"{figure}, points" for figure in QUALITY]], rows)
