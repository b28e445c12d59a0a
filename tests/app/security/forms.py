"""The forms of pages, read as a browser does."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_TEXTS = frozenset({"", "text", "search", "email", "password", "tel", "url"})


@dataclass
class Form:
    """A form with what it would send as it stands, and the fields that take any text."""

    method: str
    action: str
    values: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    files: bool = False


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._choice = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            self._form = Form(given.get("method", "get").lower(), given.get("action", ""))
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "textarea" or (tag == "input" and given.get("type", "") in _TEXTS):
            self._form.texts.append(name)
            self._form.values[name] = given.get("value", "")
        elif tag == "input":
            self._input(given, name)
        elif tag == "select":
            self._choice = name
        elif tag == "option" and self._choice:
            self._form.values.setdefault(self._choice, given.get("value", ""))

    def _input(self, given: dict[str, str], name: str) -> None:
        assert self._form is not None
        kind = given["type"]
        self._form.files |= kind == "file"
        if kind in {"checkbox", "radio"} and "checked" not in given:
            self._form.values.setdefault(name, given.get("value", "on"))
        elif name and kind != "file":
            self._form.values[name] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._choice = ""


def forms_of(page: str) -> list[Form]:
    """All forms of a page."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms
