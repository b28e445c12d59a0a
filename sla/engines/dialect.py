"""The ledger's SQL, which is DuckDB's, as Spark's. Each rule that sqlglot lacks has its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from governance.errors import BadInput, Problem

SCHEMAS = ("given", "main", "local_times")
"""The schemas of a ledger. Temporary views of Spark have none, so it becomes part of the name."""
Columns = Callable[[str], tuple[str, ...]]
"""The columns of a view, by its name in Spark."""
_TABLE_FUNCTIONS = (exp.Unnest, exp.Values)


def parsed(query: str) -> exp.Expr:
    """One statement of DuckDB; BadInput where it can't be read or is several."""
    try:
        statements = [each for each in sqlglot.parse(query, read="duckdb") if each is not None]
    except SqlglotError as error:
        raise _untranslatable(str(error).partition("\n")[0]) from None
    if len(statements) != 1:
        raise _untranslatable("it must be a single statement")
    return statements[0]


def with_values(tree: exp.Expr, bound: Mapping[str, Any]) -> exp.Expr:
    """The statement with its parameters as literals of their types.

    Values become nodes of the tree, never text, so none of them can be read as SQL.
    """
    return tree.transform(lambda node: _bound(node, bound))


def in_spark(tree: exp.Expr, columns: Columns) -> str:
    """A statement of DuckDB as Spark's text.

    Raises BadInput for what isn't known to mean the same there: other schemas, files in the
    place of tables, and functions that have no translation.
    """
    _require_translatable(tree)
    tree = tree.copy()
    for table in list(tree.find_all(exp.Table)):
        _flatten(table)
    for select in list(tree.find_all(exp.Select)):
        _expand_stars(select, columns)
    # The innermost first: what is replaced takes what stands within along.
    for difference in reversed(list(tree.find_all(exp.DateDiff))):
        difference.replace(_date_diff(difference))
    try:
        text: str = tree.sql(dialect="spark", comments=False, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise _untranslatable(str(error).partition("\n")[0]) from None
    return text


def view_name(table: exp.Table) -> str:
    """The name in Spark of what a ledger's statement creates."""
    return f"{table.db}_{table.name}" if table.db else table.name


def _untranslatable(why: str) -> BadInput:
    allowed = "SQL that sqlglot translates, or the engine duckdb"
    return BadInput.one(Problem(f"the query can't run on Spark: {why}", allowed=allowed))


def _bound(node: exp.Expr, bound: Mapping[str, Any]) -> exp.Expr:
    if not isinstance(node, (exp.Placeholder, exp.Parameter)):
        return node
    name = node.name
    if name not in bound:
        raise _untranslatable(f"the parameter ${name} has no value")
    return _literal(bound[name])


def _literal(value: Any) -> exp.Expr:
    match value:
        case None | bool():
            return exp.convert(value)
        case int():
            return exp.paren(exp.convert(value))
        case Decimal():
            return exp.cast(exp.Literal.string(f"{value:f}"), _decimal_type(value))
        case datetime():
            text = value.isoformat(" ", "microseconds")
            return exp.cast(exp.Literal.string(text), "TIMESTAMP", dialect="duckdb")
        case date():
            return exp.cast(exp.Literal.string(value.isoformat()), "DATE")
    return exp.Literal.string(str(value))


def _decimal_type(value: Decimal) -> str:
    _, digits, exponent = value.as_tuple()
    scale = max(-int(exponent), 0)
    return f"DECIMAL({max(len(digits) + max(int(exponent), 0), scale + 1)}, {scale})"


def _require_translatable(tree: exp.Expr) -> None:
    if not isinstance(tree, exp.Query):
        raise _untranslatable("only queries can")
    for function in tree.find_all(exp.Anonymous):
        # Under the same name Spark may do anything else, such as to call a method of Java.
        raise _untranslatable(f"the function {function.name} has no translation")
    for table in tree.find_all(exp.Table):
        named = isinstance(table.this, exp.Identifier)
        # In Spark, parquet.`/a/file` would read that file.
        file = named and not table.name.isidentifier()
        if table.catalog or file or (table.db and table.db not in SCHEMAS):
            raise _untranslatable(f"there is no table {table.sql(dialect='duckdb')}")
        if not named and not isinstance(table.this, _TABLE_FUNCTIONS):
            raise _untranslatable(f"{table.this.sql(dialect='duckdb')} is no table of the ledger")


def _flatten(table: exp.Table) -> None:
    """`given.invoices` is the view given_invoices, still called invoices where columns name it."""
    if not table.db:
        return
    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
    table.set("this", exp.to_identifier(view_name(table)))
    table.set("db", None)


def _expand_stars(select: exp.Select, columns: Columns) -> None:
    """`view.* EXCLUDE (…) REPLACE (…)` as a list of columns: Spark's star can't replace any."""
    listed: list[exp.Expr] = []
    for each in select.expressions:
        star = each.this if isinstance(each, exp.Column) else each
        if isinstance(star, exp.Star) and star.args.get("replace"):
            listed += _expanded(select, star, each.text("table"), columns)
        else:
            listed.append(each)
    select.set("expressions", listed)


def _expanded(select: exp.Select, star: exp.Star, table: str, columns: Columns) -> list[exp.Expr]:
    view = next(one for one in select.find_all(exp.Table) if one.alias_or_name == table)
    left_out = {one.name for one in star.args.get("except_") or star.args.get("except") or ()}
    replaced = {one.alias: one for one in star.args["replace"]}
    return [
        replaced.get(name) or exp.column(name, table=table, quoted=True)
        for name in columns(view.name)
        if name not in left_out
    ]


def _date_diff(node: exp.DateDiff) -> exp.Expr:
    """DuckDB counts the boundaries between two times, Spark the whole units between them.

    Between times cut down to the unit, the two are the same.
    """
    unit = node.text("unit").upper() or "DAY"
    later, earlier = node.this, node.expression
    if unit == "DAY":
        days = exp.Anonymous(this="DATEDIFF", expressions=[_as_date(later), _as_date(earlier)])
        return exp.cast(days, "BIGINT")
    cut = [
        exp.Anonymous(this="DATE_TRUNC", expressions=[exp.Literal.string(unit), each.copy()])
        for each in (earlier, later)
    ]
    return exp.Anonymous(this="TIMESTAMPDIFF", expressions=[exp.var(unit), *cut])


def _as_date(value: exp.Expr) -> exp.Expr:
    return exp.cast(value.copy(), "DATE")


def take_out_shared(tree: exp.Expr) -> tuple[exp.Expr, list[tuple[str, exp.Expr]]]:
    """Common table expressions that are read more than once, each as a query of its own.

    Spark would compute such an expression anew for each place that names it. Returns the rest of
    the statement, and names and queries in the order in which they build on one another; what
    named an expression names the view that the caller makes of it.
    """
    tree = tree.copy()
    found = tree.args.get("with_") if isinstance(tree, exp.Query) else None
    if found is None or len(list(tree.find_all(exp.With))) > 1 or found.recursive:
        return tree, []
    shared: list[tuple[str, exp.Expr]] = []
    before: list[exp.CTE] = []
    rest = list(found.expressions)
    while rest:
        cte = rest.pop(0)
        readers = [table for later in [*rest, *_body(tree)] for table in _naming(later, cte.alias)]
        if len(readers) < _SHARED or cte.args["alias"].columns:
            before.append(cte)
            continue
        view = f"shared_{len(shared)}_{cte.alias}"
        shared.append((view, _with(before, cte.this)))
        for table in readers:
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
            table.set("this", exp.to_identifier(view))
    found.set("expressions", before)
    if not before:
        tree.set("with_", None)
    return tree, shared


_SHARED = 2
"""From so many readers on an expression is computed once for all of them."""


def _body(tree: exp.Expr) -> list[exp.Expr]:
    """The parts of a query other than its common table expressions."""
    return [
        part
        for name, held in tree.args.items()
        if name != "with_"
        for part in (held if isinstance(held, list) else [held])
        if isinstance(part, exp.Expr)
    ]


def _naming(part: exp.Expr, name: str) -> list[exp.Table]:
    return [
        table
        for table in part.find_all(exp.Table)
        if not table.db and table.name.lower() == name.lower()
    ]


def _with(expressions: list[exp.CTE], query: exp.Expr) -> exp.Expr:
    alone = query.copy()
    needed = [each.copy() for each in expressions]
    if needed:
        alone.set("with_", exp.With(expressions=needed))
    return alone
