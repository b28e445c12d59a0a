"""The worlds of the page tests, for tests of what keeps them safe."""

from __future__ import annotations

from tests.app.web.conftest import own_world, world

__all__ = ["own_world", "world"]
