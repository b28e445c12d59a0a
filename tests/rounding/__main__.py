"""Write docs/rounding.md."""

from __future__ import annotations

from tests.rounding.page import PAGE, page_markdown

PAGE.write_text(page_markdown(), encoding="utf-8")
