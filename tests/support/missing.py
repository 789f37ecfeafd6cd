"""A package that is not installed."""

import builtins


def without(monkeypatch, package):
    """Let imports of a package fail."""
    real = builtins.__import__

    def fail(name, *args, **kwargs):
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", fail)
