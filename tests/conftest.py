"""Settings that hold for every test."""

from __future__ import annotations

import gc

from hypothesis import HealthCheck, settings

settings.register_profile(
    "suite",
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")

pytest_plugins = ["tests.database", "tests.passwords"]


def pytest_collection_finish() -> None:
    """What is imported by now stays: the garbage collector needn't look at it again and again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """At the end all goes: libraries complain about what is left over."""
    gc.unfreeze()
