"""A savable object that is nothing but its state."""

import numpy as np

from arborank.core.state import State


class Toy:
    def __init__(self, config=None, arrays=None, parts=None):
        self.config, self.arrays, self.parts = config or {}, arrays or {}, parts or {}

    def to_state(self):
        return State(self.config, self.arrays, self.parts)

    @classmethod
    def from_state(cls, state):
        if "size" in state.config and state.arrays["values"].size != state.config["size"]:
            raise ValueError(
                f"values has {state.arrays['values'].size} entries, size says {state.config['size']}"
            )
        return cls(dict(state.config), dict(state.arrays), dict(state.parts))

    def __eq__(self, other):
        return (
            isinstance(other, Toy)
            and self.config == other.config
            and self.parts == other.parts
            and self.arrays.keys() == other.arrays.keys()
            and all(same(array, other.arrays[name]) for name, array in self.arrays.items())
        )

    __hash__ = None


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def toy(seed, size=50):
    """A model of three levels and several dtypes, different for every seed."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 2**32, size, dtype=np.uint32)
    inner = Toy({"depth": seed}, {"words": words, "none": np.empty((0, 3), np.float32)})
    middle = Toy(
        {"alpha": seed / 8, "names": ["é", None, True]}, {"bias": words.astype(np.float32)}, {"inner": inner}
    )
    values = words.astype(np.int64).reshape(2, -1)
    return Toy({"size": size}, {"values": values}, {"middle": middle, "empty": Toy()})
