"""The two plots of the report."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from environments import SIDES
from measurements import Measurements

mpl.use("svg")
mpl.rcParams |= {"svg.hashsalt": "arborank", "svg.fonttype": "none", "font.size": 8}
mpl.rcParams |= {"axes.spines.top": False, "axes.spines.right": False}
COLOURS = dict(zip(SIDES, mpl.colormaps["tab10"].colors, strict=False))


def save(figure, path: Path) -> None:
    """Same bytes for the same figures."""
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def plot_training(found: Measurements, names: list[str], path: Path, threads: int = 2) -> None:
    """Seconds of index and training, a group of bars a set."""
    figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
    sides = [side for side in SIDES if side != "scikit-learn"]
    for place, side in enumerate(sides):
        cell = {"table": "train", "threads": threads, "side": side}
        taken = [found.median("seconds", set=name, **cell) or 0 for name in names]
        at = [group + (place - (len(sides) - 1) / 2) * 0.13 for group in range(len(names))]
        axes.bar(at, taken, 0.12, label=side, color=COLOURS[side])
    axes.set(yscale="log", ylim=(1, None), ylabel=f"index + training, s, {threads} threads")
    axes.set_xticks(range(len(names)), names)
    figure.legend(frameon=False, loc="outside right upper")
    save(figure, path)


def plot_scaling(found: Measurements, names: list[str], path: Path) -> None:
    """Seconds and peak memory of training against the number of labels."""
    figure, panels = plt.subplots(1, 2, figsize=(7, 2.6), layout="constrained")
    titles = (("seconds", "index + training, s", 1), ("peak_bytes", "peak beyond X and Y, MiB", 2**20))
    for axes, (quantity, title, unit) in zip(panels, titles, strict=True):
        for side in SIDES:
            values = [
                (int(name.split("-")[1]), found.median(quantity, table="train", set=name, side=side))
                for name in names
            ]
            points = sorted((n_labels, value / unit) for n_labels, value in values if value)
            if points:
                x, y = zip(*points, strict=True)
                axes.plot(x, y, marker="o", markersize=3, label=side, color=COLOURS[side])
        axes.set(xscale="log", yscale="log", xlabel="labels", ylabel=title)
    if names:
        panels[0].legend(frameon=False)
    save(figure, path)
