"""The last check before a statement leaves: every tenant's table in it carries its criterion.

The text that the database is about to get is read, not how it was made: statements written
without the mapped classes, text, and forms in which SQLAlchemy adds no criterion (such as UPDATE
with a second table) are all found here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from governance.tables import Table
from governance.tenancy.rules import Own, Rule, Through, key_of, rules_by_table, table_of

PARAMETER = "sees"
"""Name of the parameter that holds the engagements, by which its criterion is known."""
_TOKEN = re.compile(rf"__\[POSTCOMPILE_{PARAMETER}_\d+\]|\w+|[().]")
_MARKER = f"__[POSTCOMPILE_{PARAMETER}_"
_SETS = frozenset({"UNION", "INTERSECT", "EXCEPT"})
_TARGETS = {"INSERT": 2, "UPDATE": 1, "DELETE": 2}
"""Which word of a statement names the table that it writes."""


@dataclass(slots=True)
class _Scope:
    """One SELECT, or the outermost statement."""

    tables: dict[str, str] = field(default_factory=dict)
    """By the name that the statement uses, the tenant's table."""
    guarded: set[str] = field(default_factory=set)
    """Names whose criterion was seen."""
    full_join: bool = False

    def bare(self) -> set[str]:
        """Tables without their criterion; in a full join no criterion holds rows back."""
        return {
            table
            for name, table in self.tables.items()
            if self.full_join or name not in self.guarded
        }


def unguarded(sql: str, *, writes_checked_rows: bool) -> frozenset[str]:
    """The tenants' tables that a statement touches without their criterion.

    `writes_checked_rows` says that the statement writes rows that were checked one by one, so
    that the first table it names needs none.
    """
    return _unguarded(sql, writes_checked_rows, len(Table.metadata.tables))


@lru_cache(maxsize=2048)
def _unguarded(sql: str, writes_checked_rows: bool, tables: int) -> frozenset[str]:
    rules = {name: rule for name, (_, rule) in rules_by_table(tables).items()}
    words = _TOKEN.findall(sql.replace('"', ""))
    target = _TARGETS.get(words[0].upper()) if words and writes_checked_rows else None
    return frozenset(_Reader(words, rules, target).read())


class _Reader:
    """Walks through the words of a statement and keeps track of its SELECTs."""

    def __init__(
        self, tokens: Sequence[str], rules: Mapping[str, Rule | None], target: int | None
    ) -> None:
        self._tokens, self._rules, self._target = tokens, rules, target
        self._stack: list[_Scope | None] = [_Scope()]
        """A SELECT for each open bracket that holds one, None for any other bracket."""
        self._found: set[str] = set()

    def read(self) -> set[str]:
        """The tables without their criterion."""
        for place, token in enumerate(self._tokens):
            self._step(place, token)
        while self._stack:
            self._close()
        return self._found

    def _step(self, place: int, said: str) -> None:
        word = said.upper()
        if said == "(":
            opens = self._word(place + 1) in {"SELECT", "WITH"}
            self._stack.append(_Scope() if opens else None)
        elif said == ")":
            self._close()
        elif word in _SETS:
            self._found |= self._current().bare()
            self._renew()
        elif word == "FULL":
            self._current().full_join = True
        elif self._word(place + 1) == ".":
            self._note_criterion(place, said)
        elif said.lower() in self._rules:
            self._note_table(place, said.lower())

    def _close(self) -> None:
        scope = self._stack.pop() if self._stack else None
        if scope is not None:
            self._found |= scope.bare()

    def _renew(self) -> None:
        scope = self._current()
        scope.tables, scope.guarded = {}, set()

    def _current(self) -> _Scope:
        return next(self._scopes(), _Scope())

    def _scopes(self) -> Iterator[_Scope]:
        return (one for one in reversed(self._stack) if one is not None)

    def _note_table(self, place: int, table: str) -> None:
        named = self._word(place + 1) == "AS"
        name = self._token(place + 2) if named else table
        self._current().tables[name] = table
        if place == self._target:
            self._current().guarded.add(name)

    def _note_criterion(self, place: int, name: str) -> None:
        for scope in self._scopes():
            if name in scope.tables:
                if self._is_criterion(place, self._rules[scope.tables[name]]):
                    scope.guarded.add(name)
                return

    def _is_criterion(self, place: int, rule: Rule | None) -> bool:
        """Whether `name.column IN (…)` stands here and holds the rows to those seen."""
        match rule:
            case Own(column):
                expected = [".", column, "IN", "("]
                marker = self._token(place + 5)
                return self._follows(place, expected) and marker.startswith(_MARKER)
            case Through(column, parent):
                # The inner SELECT is one of its own, whose table needs its criterion again.
                table, key = table_of(parent).name, key_of(parent)
                inner = ["SELECT", table, ".", key, "FROM", table, "WHERE", table, "."]
                return self._follows(place, [".", column, "IN", "(", *inner])
            case _:
                return False

    def _follows(self, place: int, expected: Sequence[str]) -> bool:
        return list(self._tokens[place + 1 : place + 1 + len(expected)]) == list(expected)

    def _token(self, place: int) -> str:
        return self._tokens[place] if place < len(self._tokens) else ""

    def _word(self, place: int) -> str:
        return self._token(place).upper()
