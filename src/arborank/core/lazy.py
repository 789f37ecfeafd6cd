"""SciPy's sparse matrices as ``sp``, imported when first used.

To open a model and ask it takes NumPy alone, and importing ``scipy.sparse`` takes longer than both. So annotations that
name its classes are quoted.
"""

import sys
from typing import TYPE_CHECKING, Any

__all__ = ["sp"]

if TYPE_CHECKING:
    import scipy.sparse as sp
else:

    class _Sparse:
        def __getattr__(self, name: str) -> Any:
            import scipy.sparse

            value = getattr(scipy.sparse, name)
            setattr(self, name, value)
            return value

        def issparse(self, X: object) -> bool:
            """As `scipy.sparse.issparse`: while that is not imported, nothing is sparse."""
            if "scipy.sparse" not in sys.modules:
                return False
            import scipy.sparse

            self.issparse = scipy.sparse.issparse  # from now on without a look here
            return self.issparse(X)

    sp = _Sparse()
