"""Where a place in a query stands in the file that it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sla.kpis.definitions import WORDS

_SECTIONS = ("-- figure", "-- drill-down")


def line_of(query: str, at: int, text: str, words: Mapping[str, str]) -> int | None:
    """The line of the file `text` on which byte `at` of one of its queries stands.

    `words` are what its lines `-- words: NAME` stand for; what is in them is on that line.
    None where the place can't be told.
    """
    number = query.encode()[:at].decode("utf-8", "ignore").count("\n")
    lines = query.split("\n")
    origins = _origins(text, words)
    start = next((place for place, (line, _) in enumerate(origins) if line == "WITH"), None)
    if start is None or number >= len(lines):
        return None
    if _matches(origins, start + number, lines[number]) and not _beyond(origins, start, number):
        return origins[start + number][1]
    # Past the expressions after WITH: count from the end of the section instead.
    return _from_section(origins, lines, number)


def _origins(text: str, words: Mapping[str, str]) -> list[tuple[str, int]]:
    return list(_expanded(text, words))


def _expanded(text: str, words: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(text.split("\n"), start=1):
        match = WORDS.fullmatch(line)
        if match is None:
            yield line, number
        else:
            yield from ((one, number) for one in words[match["name"]].rstrip("\n").split("\n"))


def _matches(origins: list[tuple[str, int]], place: int, line: str) -> bool:
    return place < len(origins) and origins[place][0] == line


def _beyond(origins: list[tuple[str, int]], start: int, number: int) -> bool:
    return any(line in _SECTIONS for line, _ in origins[start : start + number])


def _from_section(origins: list[tuple[str, int]], lines: list[str], number: int) -> int | None:
    behind = len(lines) - number
    texts = [line for line, _ in origins]
    for section in _SECTIONS:
        if section not in texts:
            continue
        first = texts.index(section) + 1
        last = texts.index(_SECTIONS[1]) if section == _SECTIONS[0] else len(texts)
        while last > first and not texts[last - 1].strip():
            last -= 1
        place = last - behind
        if first <= place < last and texts[place:last] == lines[number:]:
            return origins[place][1]
    return None
