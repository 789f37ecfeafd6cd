"""A program for `test_memory_estimates`: trains on a file; prints what that was estimated to take, and took."""

import gc
import json
import sys
import warnings

import numpy as np
import scipy.sparse as sp

from arborank import XRLinear
from arborank.linear.options import LinearOptions


def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(f"{name}:"))


def main(path, parameters):
    small = np.random.default_rng(0).random((1000, 20))
    XRLinear(max_leaf_size=5, n_jobs=2).fit(small, [[i % 20] for i in range(1000)])  # what a first fit loads
    gc.collect()
    before = memory("VmRSS")
    with np.load(path) as file:
        X, Y = (
            sp.csr_array(
                (file[f"{name}_data"], file[f"{name}_indices"], file[f"{name}_indptr"]), file[f"{name}_shape"]
            )
            for name in "XY"
        )
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")  # the peak begins anew
    estimates, estimate = [], LinearOptions.estimate

    def noted(self, **given):
        estimates.append(estimate(self, **given))
        return estimates[-1]

    LinearOptions.estimate = noted
    XRLinear(n_jobs=2, **parameters).fit(X, Y)
    used = memory("VmHWM") - before
    json.dump({"estimate": estimates[-1].total, "interval": estimates[-1].interval, "used": used}, sys.stdout)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], json.loads(sys.argv[2]))
