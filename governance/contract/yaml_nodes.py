"""A YAML or JSON document as a tree in which every value knows its line.

Plain scalars other than null, true and false stay text as written: a number never passes through
a float, `NO` is a country and `on` a key. The tree is built from parser events without recursion,
and its size, depth and number of values are bounded, so that no document can exhaust the machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from governance.errors import BadInput, Problem

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
MAX_VALUES = 50_000

Path = tuple[str | int, ...]
"""Keys and list positions that lead to a value."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value: text as written, or null, true, false."""

    line: int
    text: str
    value: str | bool | None


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    line: int
    items: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping, in the order of the document."""

    line: int
    entries: dict[str, Node] = field(default_factory=dict)
    key_lines: dict[str, int] = field(default_factory=dict)


Node = Scalar | ListNode | MapNode

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_JSON_ESCAPE = re.compile(r"\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|.)")
_HINTS = {
    "mapping values are not allowed": "put text that contains ': ' in quotes, and check the indent",
    "did not find expected key": "keys of one mapping start in the same column",
    "expected the node content": "put text that starts with a special character in quotes",
    "could not find expected ':'": "a key is followed by ': ' and its value",
    "did not find expected ',' or": "a list ends with ], a mapping with }",
}


def parse_nodes(data: bytes, file: str) -> tuple[MapNode, list[Problem]]:
    """The document's tree, and the problems that leave the rest of it readable.

    Raises BadInput where there is no tree: not UTF-8, a syntax error, an empty file, several
    documents, a top level that isn't a mapping, more than MAX_BYTES, MAX_DEPTH or MAX_VALUES.
    """
    text = _decode(data, file)
    builder = _Builder(file)
    try:
        for event in yaml.parse(_json_as_yaml(text), Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise BadInput.one(_syntax_problem(error, text, file)) from None
    except yaml.YAMLError as error:
        raise _unusable(file, 1, f"not readable as YAML: {error}") from None
    root = builder.root
    if root is None or (isinstance(root, Scalar) and root.value is None):
        raise _unusable(file, 1, "the document is empty", "a contract document")
    if not isinstance(root, MapNode):
        raise _unusable(
            file,
            root.line,
            "the document must be a mapping of keys to values",
            "keys such as plumbline, engagement, service_levels, charges",
            found=found_text(root),
        )
    return root, builder.problems


def descend(root: Node, path: Path) -> Iterator[tuple[Node, int]]:
    """Each node on the way along `path` with its line, as far as the document has it."""
    node, line = root, root.line
    yield node, line
    for step in path:
        if isinstance(node, MapNode) and isinstance(step, str) and step in node.entries:
            key_line = node.key_lines[step]
            node = node.entries[step]
            line = node.line if isinstance(node, Scalar) else key_line
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            line = node.line
        else:
            return
        yield node, line


def path_text(path: Path) -> str:
    """A key path as people write it: "service_levels[0].kpi"."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def plain_value(node: Node) -> Any:
    """The node as plain lists, mappings, texts and booleans."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, ListNode):
        return [plain_value(item) for item in node.items]
    return {key: plain_value(item) for key, item in node.entries.items()}


def found_text(node: Node) -> str:
    """The value as the document has it, shortened; lists and mappings by their size."""
    if isinstance(node, ListNode):
        return f"a list of {len(node.items)}" if node.items else "an empty list"
    if isinstance(node, MapNode):
        keys = ", ".join(list(node.entries)[:3]) + (", …" if len(node.entries) > 3 else "")
        return f"a mapping with the keys {keys}" if node.entries else "an empty mapping"
    if not node.text.strip():
        return "nothing" if node.value is None else '""'
    return shortened(node.text)


def shortened(text: str) -> str:
    """Text on one line, without control characters, in at most 60 characters."""
    line = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split()))
    return line if len(line) <= 60 else line[:59] + "…"


class _Builder:
    """Builds the tree event by event; the stack holds the open lists and mappings."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._stack: list[ListNode | MapNode] = []
        self._keys: list[tuple[str | None, int] | None] = []
        self._paths: list[Path] = [()]
        self._values = 0
        self._documents = 0

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise _unusable(
                        self.file, line, "a second document starts here", "one contract a file"
                    )
            case yaml.AliasEvent():
                what = "an alias can't be used"
                self._say(line, what, _NO_ALIAS, f"*{event.anchor}", self._here())
                self._place(Scalar(line, f"*{event.anchor}", None))
            case yaml.ScalarEvent():
                self._check_tag(event, line)
                self._place(self._scalar(event, line))
            case yaml.SequenceStartEvent():
                self._check_tag(event, line)
                self._open(ListNode(line))
            case yaml.MappingStartEvent():
                self._check_tag(event, line)
                self._open(MapNode(line))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._stack.pop()
                self._keys.pop()
                self._paths.pop()

    def _say(
        self, line: int, what: str, allowed: str = "", found: str = "", path: Path = ()
    ) -> None:
        column = path_text(path)
        self.problems.append(
            Problem(what, self.file, line, column=column, found=found, allowed=allowed)
        )

    def _check_tag(self, event: Any, line: int) -> None:
        if event.tag not in {None, "!"}:
            what = "a tag can't be used"
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._say(line, what, "plain values without tags", tag, self._here())

    def _scalar(self, event: Any, line: int) -> Scalar:
        if _CONTROL.search(event.value):
            what = "the text has a control character in it"
            self._say(line, what, "printable text", repr(event.value)[:60], self._here())
        if event.style in {None, ""} and event.value in _NULLS:
            return Scalar(line, event.value, None)
        if event.style in {None, ""} and event.value in _WORDS:
            return Scalar(line, event.value, _WORDS[event.value])
        return Scalar(line, event.value, event.value)

    def _open(self, node: ListNode | MapNode) -> None:
        self._paths.append(self._here())
        self._place(node)
        self._stack.append(node)
        self._keys.append(None)
        if len(self._stack) > MAX_DEPTH:
            raise _unusable(
                self.file, node.line, "nested too deeply", f"at most {MAX_DEPTH} levels"
            )

    def _place(self, node: Node) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise _unusable(
                self.file, node.line, "too many values", f"at most {MAX_VALUES} in a document"
            )
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        if isinstance(parent, ListNode):
            parent.items.append(node)
        elif self._keys[-1] is None:
            self._keys[-1] = (self._key_text(node), node.line)
        else:
            key, line = self._keys[-1]
            self._keys[-1] = None
            self._enter(parent, key, line, node)

    def _here(self) -> Path:
        """Path of the value that comes next."""
        if not self._stack:
            return ()
        parent, key = self._stack[-1], self._keys[-1]
        step = len(parent.items) if isinstance(parent, ListNode) else (key and key[0]) or ""
        return (*self._paths[-1], step)

    def _key_text(self, node: Node) -> str | None:
        if isinstance(node, Scalar):
            return node.text
        self._say(node.line, "a key must be text", "a key such as engagement:")
        return None

    def _enter(self, parent: MapNode, key: str | None, line: int, node: Node) -> None:
        if key is None:
            return
        if key in parent.entries:
            self._say(
                line,
                f"the key is given twice, on line {parent.key_lines[key]} and on line {line}",
                "each key once",
                key,
                (*self._paths[-1], key),
            )
            return
        parent.entries[key] = node
        parent.key_lines[key] = line


_NO_ALIAS = "write the value out where it is meant; anchors and aliases are not read"


def _decode(data: bytes, file: str) -> str:
    if len(data) > MAX_BYTES:
        raise _unusable(
            file,
            None,
            "the document is too large",
            f"at most {MAX_BYTES:,} bytes",
            found=f"{len(data):,} bytes",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x}"
        raise _unusable(
            file, line, "not UTF-8 text", "a document saved as UTF-8", found=found
        ) from None
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        found = f"character U+{ord(control[0]):04X}"
        raise _unusable(file, line, "not a text document", "printable text", found=found)
    return text


def _json_as_yaml(text: str) -> str:
    """JSON in the form that a YAML parser reads as well; other text as it is.

    YAML forbids the tabs that may indent JSON, and knows no surrogate pairs in escapes. In valid
    JSON a tab is always white space, since inside a string it must be escaped.
    """
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return _JSON_ESCAPE.sub(_joined_pair, text.replace("\t", " "))


def _joined_pair(escape: re.Match[str]) -> str:
    return json.loads(f'"{escape[0]}"') if len(escape[1]) > 1 else escape[0]


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    lines = text.split("\n")
    source = lines[line - 1] if line <= len(lines) else ""
    what = error.problem or "syntax error"
    allowed = next((hint for start, hint in _HINTS.items() if start in what), "")
    if "\t" in source[: len(source) - len(source.lstrip())]:
        allowed = "indent with spaces; YAML allows no tabs there"
    if error.context and error.context_mark and error.context_mark.line + 1 != line:
        what += f" ({error.context} that starts on line {error.context_mark.line + 1})"
    found = found_text(Scalar(line, source, source)) if source.strip() else ""
    return Problem(
        f"not readable as YAML or JSON: {what}", file=file, line=line, found=found, allowed=allowed
    )


def _unusable(
    file: str, line: int | None, what: str, allowed: str = "", *, found: str = ""
) -> BadInput:
    return BadInput.one(Problem(what, file=file, line=line, found=found, allowed=allowed))
