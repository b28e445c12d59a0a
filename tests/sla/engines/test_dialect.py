"""The ledger's SQL as Spark's: literals that can't be read as SQL, and nothing but the ledger."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from governance.errors import BadInput

pytest.importorskip("sqlglot", reason="sqlglot is missing: install plumbline-governance[spark]")

from sla.engines.dialect import in_spark, parsed, take_out_shared, with_values


def _columns(view: str) -> tuple[str, ...]:
    return {"given_invoices": ("invoice_id", "amount", "file_row_number")}[view]


def spark(query: str, **bound: object) -> str:
    """The query in Spark's words."""
    return in_spark(with_values(parsed(query), bound), _columns)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("it's", r"'it\'s'"),
        ("back\\slash", r"'back\\slash'"),
        ("1; DROP TABLE x", "'1; DROP TABLE x'"),
        (-7, "(-7)"),
        (7, "(7)"),
        (True, "TRUE"),
        (None, "NULL"),
        (Decimal("0.95"), "CAST('0.95' AS DECIMAL(3, 2))"),
        (Decimal("-12.5"), "CAST('-12.5' AS DECIMAL(3, 1))"),
        (Decimal("0.001"), "CAST('0.001' AS DECIMAL(4, 3))"),
        (Decimal("1E+2"), "CAST('100' AS DECIMAL(3, 0))"),
        (date(2026, 3, 29), "CAST('2026-03-29' AS DATE)"),
        (
            datetime.fromisoformat("2026-03-29 01:15:00.000001"),
            "CAST('2026-03-29 01:15:00.000001' AS TIMESTAMP_NTZ)",
        ),
    ],
)
def test_parameters_are_literals(value: object, text: str) -> None:
    assert spark("SELECT $given AS x", given=value) == f"SELECT {text} AS x"


def test_a_parameter_without_a_value() -> None:
    with pytest.raises(BadInput, match=r"\$given has no value"):
        spark("SELECT $given")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (
            "SELECT date_diff('day', a, b) FROM invoices",
            "SELECT CAST(DATEDIFF(CAST(b AS DATE), CAST(a AS DATE)) AS BIGINT) FROM invoices",
        ),
        (
            "SELECT date_diff('month', a, b) FROM invoices",
            (
                "SELECT TIMESTAMPDIFF(MONTH, DATE_TRUNC('MONTH', a), DATE_TRUNC('MONTH', b))"
                " FROM invoices"
            ),
        ),
        (
            "SELECT invoices.amount FROM given.invoices JOIN main.receipts AS r USING (k)",
            (
                "SELECT invoices.amount FROM given_invoices AS invoices"
                " JOIN main_receipts AS r USING (k)"
            ),
        ),
        (
            "SELECT invoices.* EXCLUDE (file_row_number) REPLACE (0 AS amount) FROM given.invoices",
            "SELECT `invoices`.`invoice_id`, 0 AS amount FROM given_invoices AS invoices",
        ),
        ("SELECT x FROM invoices ORDER BY x", "SELECT x FROM invoices ORDER BY x NULLS LAST"),
        (
            "SELECT TIMESTAMP '2026-03-29 01:15:00'",
            "SELECT CAST('2026-03-29 01:15:00' AS TIMESTAMP_NTZ)",
        ),
    ],
)
def test_what_means_something_else_is_said_otherwise(query: str, text: str) -> None:
    assert spark(query) == text


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT java_method('a', 'b')", "java_method has no translation"),
        ('SELECT * FROM parquet."/etc/passwd"', "there is no table"),
        ("SELECT * FROM '/etc/passwd.csv'", "there is no table"),
        ("SELECT * FROM read_csv('/etc/passwd')", "no table of the ledger"),
        ("SELECT 1; SELECT 2", "a single statement"),
        ("SELECT FROM WHERE (", "can't run on Spark"),
        ("DROP TABLE invoices", "only queries"),
        ("COPY invoices TO '/tmp/x'", "only queries"),
    ],
)
def test_what_is_refused(query: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        spark(query)


def test_what_is_read_twice_is_a_query_of_its_own() -> None:
    query = """
      WITH a AS (SELECT x FROM main.a), b AS (SELECT x FROM a), c AS (SELECT 1 AS x)
      SELECT a.x FROM a JOIN b USING (x) JOIN c ON c.x = b.x
    """
    rest, shared = take_out_shared(parsed(query))
    assert [(name, in_spark(each, _columns)) for name, each in shared] == [
        ("shared_0_a", "SELECT x FROM main_a AS a")
    ]
    assert in_spark(rest, _columns) == (
        "WITH b AS (SELECT x FROM shared_0_a AS a), c AS (SELECT 1 AS x)"
        " SELECT a.x FROM shared_0_a AS a JOIN b USING (x) JOIN c ON c.x = b.x"
    )


def test_names_that_hide_others_stay_where_they_are() -> None:
    query = "WITH a AS (SELECT 1) SELECT * FROM a, (WITH a AS (SELECT 2) SELECT * FROM a), a AS b"
    tree = parsed(query)
    assert take_out_shared(tree) == (tree, [])
