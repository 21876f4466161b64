"""What the worker calls for skills."""

from __future__ import annotations

from skills import blobs


def sweep_blobs() -> int:
    """Delete content nothing refers to; return how many objects went. Safe to run twice."""
    return blobs.sweep()
