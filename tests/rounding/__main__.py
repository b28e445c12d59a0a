"""Write docs/rounding.md, and the page in the application."""

from __future__ import annotations

from tests.rounding.page import PAGE, PARTS, page_markdown, page_parts

PAGE.write_text(page_markdown(), encoding="utf-8")
PARTS.mkdir(parents=True, exist_ok=True)
for file_name, text in page_parts().items():
    (PARTS / file_name).write_text(text, encoding="utf-8")
