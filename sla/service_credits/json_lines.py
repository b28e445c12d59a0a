"""On which line of a JSON document a problem is, from the key path that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from governance.contract.yaml_nodes import ListNode, MapNode, Node, parse_nodes
from governance.errors import BadInput, Problem


def with_lines(problems: Iterable[Problem], data: bytes) -> tuple[Problem, ...]:
    """The problems with the line of what their key path leads to.

    Where a key is missing it is the line of the object that lacks it; a problem of the whole
    document, or of one too large to be walked through, keeps no line.
    """
    try:
        root, _ = parse_nodes(data, "")
    except BadInput:
        return tuple(problems)
    lines = dict(_lines(root, ""))
    return tuple(replace(each, line=each.line or _line_of(each.column, lines)) for each in problems)


def _lines(node: Node, path: str) -> Iterator[tuple[str, int]]:
    # The parser bounds the depth of documents, so this can't exhaust the stack.
    match node:
        case MapNode():
            for key, value in node.entries.items():
                below = f"{path}.{key}" if path else key
                yield below, node.key_lines[key]
                yield from _lines(value, below)
        case ListNode():
            for position, value in enumerate(node.items):
                below = f"{path}[{position}]"
                yield below, value.line
                yield from _lines(value, below)


def _line_of(path: str, lines: dict[str, int]) -> int | None:
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return lines.get(path)
