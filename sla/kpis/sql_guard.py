"""What the SQL of a customer's own KPI may do, judged by the tree that DuckDB parses it into.

All that is not allowed here is refused: kinds of nodes, functions, tables. So what a later
version of the engine adds is refused, too, until somebody has thought about it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

_QUERIES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE"})
_SOURCES = frozenset({"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY", "EXPRESSION_LIST"})
_MODIFIERS = frozenset({"LIMIT_MODIFIER", "ORDER_MODIFIER", "DISTINCT_MODIFIER"})
_ORDERS = frozenset({"ORDER_DEFAULT", "ASCENDING", "DESCENDING"})
_NODES = _QUERIES | _SOURCES | _MODIFIERS | _ORDERS
_EXPRESSIONS = frozenset(
    [
        "BETWEEN",
        "CASE",
        "CAST",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "FUNCTION",
        "OPERATOR",
        "PARAMETER",
        "STAR",
        "SUBQUERY",
        "TYPE",
        "WINDOW",
    ]
)
_OPERATORS = frozenset(
    [
        "OPERATOR_COALESCE",
        "OPERATOR_IS_NULL",
        "OPERATOR_IS_NOT_NULL",
        "OPERATOR_NOT",
        "COMPARE_IN",
        "COMPARE_NOT_IN",
    ]
)
_TYPES = frozenset(
    ["BIGINT", "BOOLEAN", "DATE", "DECIMAL", "INTEGER", "TEXT", "TIMESTAMP", "VARCHAR"]
)
FUNCTIONS = frozenset(
    [
        "+",
        "-",
        "*",
        "%",
        "||",
        "~~",
        "!~~",
        "~~*",
        "!~~*",
        "like_escape",
        "not_like_escape",
        "ilike_escape",
        "not_ilike_escape",
        "abs",
        "ceil",
        "coalesce",
        "concat",
        "count",
        "count_star",
        "date_diff",
        "date_part",
        "date_trunc",
        "dense_rank",
        "floor",
        "first_value",
        "greatest",
        "instr",
        "lag",
        "last_day",
        "last_value",
        "lead",
        "least",
        "length",
        "lower",
        "ltrim",
        "max",
        "min",
        "nullif",
        "position",
        "rank",
        "replace",
        "round",
        "row_number",
        "rtrim",
        "starts_with",
        "strpos",
        "substr",
        "substring",
        "sum",
        "to_days",
        "to_months",
        "to_years",
        "trim",
        "trunc",
        "upper",
        "year",
        "month",
        "day",
    ]
)
"""Exact, quick, the same on every engine, and without a way out of the ledger."""
_VALUE_NAMES = frozenset(
    [
        "current_catalog",
        "current_database",
        "current_date",
        "current_role",
        "current_schema",
        "current_time",
        "current_timestamp",
        "current_user",
        "localtime",
        "localtimestamp",
        "session_user",
        "user",
    ]
)
"""Names that the engine takes for a value of the moment where no column is called so."""
_INSTEAD = {
    "/": "divisions are inexact in SQL; answer numerator and denominator and the engine divides",
    "//": "divisions are left to the engine; answer numerator and denominator",
    "avg": "use sum and count as numerator and denominator: the engine divides exactly",
    "now": "a figure may not depend on when it is run; use $period_end",
    "random": "a figure must come out the same every time",
}
_FARTHEST = 1 << 63


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a query is refused, and what to do."""

    what: str
    found: str
    allowed: str
    at: int | None = None
    """Byte of the query where it stands, None where the parser doesn't say."""


def refusals(query: str, tables: Collection[str]) -> Iterator[Refusal]:
    """Everything in a query that a customer's KPI may not do; `tables` are those it may read.

    The query must be one that DuckDB parses.
    """
    try:
        yield from _Walk(frozenset(tables)).query(_tree(query), frozenset())
    except RecursionError:
        yield Refusal("the SQL is nested too deeply", "", "fewer brackets within brackets")


def _tree(query: str) -> Any:
    with duckdb.connect(config={"threads": 1}) as connection:
        answer = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchone()
    parsed: Any = json.loads(answer[0]) if answer else {"error": True}
    if parsed["error"] or len(parsed["statements"]) != 1:
        return {"type": "no SELECT"}
    return parsed["statements"][0]["node"]


class _Walk:
    """Goes through a tree; a scope is what WITH has named so far."""

    def __init__(self, tables: frozenset[str]) -> None:
        self._tables = tables

    def query(self, node: Mapping[str, Any], scope: frozenset[str]) -> Iterator[Refusal]:
        """A SELECT or a set operation, with the names that its WITH adds."""
        if node.get("type") not in _QUERIES:
            yield _not_allowed("this kind of query", node.get("type", ""), "SELECT, UNION", node)
            return
        if node.get("sample"):
            yield _not_allowed("a sample", "USING SAMPLE", "all rows", node)
        for named in node.get("cte_map", {}).get("map", ()):
            name = str(named["key"]).lower()
            if name in self._tables:
                yield Refusal(
                    f"WITH {name} hides the dataset of that name", name, "another name", None
                )
            yield from self.query(named["value"]["query_node"], scope)
            yield from self._parts(
                {key: part for key, part in named["value"].items() if key != "query_node"}, scope
            )
            scope |= {name}
        yield from self._parts({key: part for key, part in node.items() if key != "cte_map"}, scope)

    def _parts(self, node: Mapping[str, Any], scope: frozenset[str]) -> Iterator[Refusal]:
        for name, part in node.items():
            if name != "sample":
                yield from self._any(part, scope)

    def _any(self, part: Any, scope: frozenset[str]) -> Iterator[Refusal]:
        if isinstance(part, list):
            for one in part:
                yield from self._any(one, scope)
        elif isinstance(part, dict):
            yield from self._node(part, scope)

    def _node(self, node: Mapping[str, Any], scope: frozenset[str]) -> Iterator[Refusal]:
        if not isinstance(node.get("type", ""), str):
            yield _not_allowed("this", "a value of no known form", "plain SQL", node)
            return
        if node.get("type") in _QUERIES and "class" not in node:
            yield from self.query(node, scope)
            return
        yield from _expression(node) if "class" in node else self._source(node, scope)
        yield from self._parts(node, scope)

    def _source(self, node: Mapping[str, Any], scope: frozenset[str]) -> Iterator[Refusal]:
        kind = node.get("type")
        if node.get("sample"):
            yield _not_allowed("a sample", "TABLESAMPLE", "all rows", node)
        if kind == "BASE_TABLE":
            yield from self._table(node, scope)
        elif kind == "TABLE_FUNCTION":
            function = node["function"]["function_name"]
            yield _not_allowed("the table function", function, self._readable, node)
        elif kind is not None and kind not in _NODES:
            yield _not_allowed("this after FROM or SELECT", str(kind), self._readable, node)

    def _table(self, node: Mapping[str, Any], scope: frozenset[str]) -> Iterator[Refusal]:
        path = [str(step) for step in node["qualified_name"]["path"]]
        known = len(path) == 1 and path[0].lower() in self._tables | scope
        if not known or node.get("at_clause"):
            yield _not_allowed("reading the table", ".".join(path), self._readable, node)

    @property
    def _readable(self) -> str:
        return "the declared datasets " + ", ".join(sorted(self._tables))


def _expression(node: Mapping[str, Any]) -> Iterator[Refusal]:
    kind, named = node["class"], node.get("function_name")
    if kind not in _EXPRESSIONS:
        yield _not_allowed("this expression", kind.lower(), "plain expressions", node)
    elif named is not None:
        yield from _function(node, str(named).lower())
    elif kind == "OPERATOR" and node["type"] not in _OPERATORS:
        yield _not_allowed("the operator", node["type"].lower(), "AND, OR, NOT, IN, IS NULL", node)
    elif kind == "TYPE" and str(node["type_name"]).upper() not in _TYPES:
        yield _not_allowed("the type", node["type_name"], ", ".join(sorted(_TYPES)), node)
    elif kind == "STAR" and (node.get("columns") or node.get("expr")):
        yield _not_allowed("COLUMNS", "COLUMNS(…)", "the columns' names", node)
    elif kind == "COLUMN_REF" and _value_name(node):
        allowed = "a figure may not depend on when and by whom it is run; use $period_end"
        yield _not_allowed("the value", node["column_names"][0], allowed, node)


def _value_name(node: Mapping[str, Any]) -> bool:
    names = node["column_names"]
    return len(names) == 1 and str(names[0]).lower() in _VALUE_NAMES


def _function(node: Mapping[str, Any], name: str) -> Iterator[Refusal]:
    path = node["qualified_name"]["path"]
    if len(path) != 1 or name not in FUNCTIONS:
        shown = ".".join(str(step) for step in path)
        yield _not_allowed("the function", shown, _INSTEAD.get(name, _SOME_FUNCTIONS), node)


_SOME_FUNCTIONS = ", ".join(sorted(name for name in FUNCTIONS if name[0].isalpha()))


def _not_allowed(what: str, found: str, allowed: str, node: Mapping[str, Any]) -> Refusal:
    at = node.get("query_location")
    place = at if isinstance(at, int) and 0 <= at < _FARTHEST else None
    return Refusal(f"{what} is not allowed in a KPI", found, allowed, place)
