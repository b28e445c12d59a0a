"""A customer's own KPIs: what is taken, and what is refused before it runs."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import BadInput
from governance.values import Period
from sla.kpis import engine
from sla.kpis.bounded import within
from sla.kpis.catalogue import load_catalogue, shipped_words, signatures
from sla.kpis.definitions import KpiDefinition
from sla.kpis.own import check_file
from sla.kpis.sql_guard import refusals
from tests.sla.kpis.ledgers import ledger_of, rows_of

_FILE = """\
/* ---
title: Share of large invoices
unit: "%"
direction: higher_is_better
datasets:
  required: [invoices]
parameters:
  least:
    type: decimal
    default: "100"
    meaning: From which amount an invoice is large.
definition: Large invoices of the period / all of them × 100.
source: Our own policy
drill_down: Invoices of the period.
--- */
WITH
issued AS (
  -- Größe zählt.
  SELECT invoice_id, CASE WHEN amount >= $least THEN 1 ELSE 0 END AS numerator, 1 AS denominator
  FROM invoices
  WHERE issue_date BETWEEN $period_start AND $period_end
)
-- figure
SELECT
  sum(numerator) AS numerator, sum(denominator) AS denominator, count(*) AS ledger_rows,
  100 AS factor
FROM issued
-- drill-down
SELECT * FROM issued ORDER BY invoice_id
"""
_INVOICES = """
    invoice_id, issue_date, due_date, amount
    I1, 2026-01-10, 2026-02-09, 700
    I2, 2026-01-10, 2026-02-09, 80
"""


def _write(folder: Path, text: str, name: str = "large_share.sql") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _check(folder: Path, text: str, name: str = "large_share.sql") -> KpiDefinition:
    return check_file(_write(folder, text, name), load_catalogue(), shipped_words())


def test_an_own_kpi_stands_beside_the_others(tmp_path: Path) -> None:
    _write(tmp_path, _FILE)
    catalogue = load_catalogue(tmp_path)
    assert set(catalogue) == {*load_catalogue(), "large_share"}
    assert catalogue["large_share"].own
    assert not catalogue["dso"].own
    assert signatures(tmp_path)["large_share"].parameters["least"].default == "100"
    with ledger_of({"invoices": rows_of(_INVOICES)}) as ledger:
        result = engine.run_kpi(catalogue["large_share"], ledger, Period.parse("2026-01"), {})
        page = engine.drill_down(catalogue["large_share"], ledger, result.period, {})
    assert (result.value, result.rows, page.total) == (Decimal(50), 2, 2)


def test_an_own_kpi_may_use_words(tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.mkdir()
    _write(words, "large AS (SELECT * FROM invoices WHERE amount >= $least),\n", "large.sql")
    text = _FILE.replace("WITH\n", "WITH\n-- words: payments\n-- words: large\n")
    text = text.replace("FROM invoices", "FROM large")
    text = text.replace("[invoices]", "[invoices]\n  optional: [allocations, adjustments]")
    assert "payments AS (" in _check(tmp_path, text).sql
    with pytest.raises(BadInput, match=r"line 18: reading the table.*found allocations"):
        _check(tmp_path, text.replace("optional: [allocations, adjustments]", "optional: []"))
    _write(words, "payments AS (SELECT 1),\n", "payments.sql")
    with pytest.raises(BadInput, match="the words 'payments' come with the product"):
        _check(tmp_path, text)


@pytest.mark.parametrize("definition", load_catalogue().values(), ids=lambda each: each.name)
def test_the_product_keeps_its_own_rules(definition: KpiDefinition) -> None:
    for query in (definition.sql, definition.drill_down_sql):
        assert list(refusals(query, {*definition.datasets, "business_time"})) == []


_FROM = "FROM invoices\n"
_SUM = "sum(numerator) AS numerator"
_NASTY = [
    # (what stands in the file, what stands there instead, the line, a part of the message)
    (
        _FROM,
        "FROM read_csv('/etc/passwd')\n",
        20,
        "table function is not allowed in a KPI; found read_csv",
    ),
    (_FROM, "FROM '/etc/passwd'\n", 20, "found /etc/passwd"),
    (_FROM, "FROM 'https://example.org/a.parquet'\n", 20, "found https://example.org"),
    (_FROM, "FROM glob('*')\n", 20, "found glob"),
    (_FROM, "FROM duckdb_settings()\n", 20, "found duckdb_settings"),
    (_FROM, "FROM pragma_table_info('invoices')\n", 20, "found pragma_table_info"),
    (_FROM, "FROM query('SELECT 1')\n", 20, "found query"),
    (_FROM, "FROM query_table('receipts')\n", 20, "found query_table"),
    (_FROM, "FROM generate_series(1, 100000000000)\n", 20, "found generate_series"),
    (_FROM, "FROM receipts\n", 20, "reading the table is not allowed in a KPI; found receipts"),
    (_FROM, "FROM given.invoices\n", 20, "found given.invoices"),
    (_FROM, "FROM main.invoices\n", 20, "found main.invoices"),
    (_FROM, "FROM information_schema.tables\n", 20, "found information_schema.tables"),
    (_FROM, "FROM sqlite_master\n", 20, "found sqlite_master"),
    (_FROM, "FROM invoices TABLESAMPLE 10%\n", 20, "sample"),
    (_FROM, "FROM (SELECT * FROM invoices USING SAMPLE 10%)\n", None, "found USING SAMPLE"),
    ("FROM issued\n--", "FROM issued USING SAMPLE 1 ROWS\n--", None, "found USING SAMPLE"),
    (_FROM, "FROM (SHOW TABLES)\n", None, "not allowed"),
    (_FROM, "FROM (PIVOT invoices ON channel USING sum(amount))\n", None, "one query"),
    (
        _FROM,
        "FROM invoices, (WITH sqlite_master AS (SELECT 1) SELECT 1) AS a, sqlite_master\n",
        20,
        "found sqlite_master",
    ),
    (_SUM, "sum(numerator) + getenv('HOME') AS numerator", 25, "found getenv"),
    (_SUM, "length(read_text('/etc/passwd')) AS numerator", 25, "found read_text"),
    (_SUM, "sum(numerator / 3) AS numerator", 25, "found /; allowed: divisions are inexact"),
    (_SUM, "avg(numerator) AS numerator", 25, "found avg; allowed: use sum and count"),
    (_SUM, "max(current_date) AS numerator", 25, "found current_date; allowed: a figure may not"),
    (_SUM, "max(user) AS numerator", 25, "found user"),
    (_SUM, "sum(random()) AS numerator", 25, "found random"),
    (_SUM, "nextval('a') AS numerator", 25, "found nextval"),
    (_SUM, "current_setting('secret_directory') AS numerator", 25, "found current_setting"),
    (_SUM, "getvariable('a') AS numerator", 25, "found getvariable"),
    (_SUM, "list_sum(list(numerator)) AS numerator", 25, "found list"),
    (_SUM, "sum(CAST(numerator AS DOUBLE)) AS numerator", 25, "found DOUBLE"),
    (_SUM, "sum(COLUMNS('num.*')) AS numerator", 25, "COLUMNS"),
    (_SUM, "list_transform([1], x -> x + 1) AS numerator", 25, "found list_transform"),
    (_SUM, "main.sum(numerator) AS numerator", 25, "found main.sum"),
    (_SUM, "repeat('x', 1000000000) AS numerator", 25, "found repeat"),
    (_SUM, "system.main.pg_sleep(1) AS numerator", 25, "found system.main.pg_sleep"),
    ("issued AS (", "invoices AS (", None, "WITH invoices hides the dataset"),
    ("WITH\n", "WITH RECURSIVE\n", None, "a section of the file is missing"),
    (
        "WITH\n",
        "WITH\nRECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a),\n",
        None,
        "this kind of query is not allowed",
    ),
    ("FROM issued\n--", "FROM issued; DROP VIEW invoices\n--", None, "one query"),
    ("FROM issued\n--", "FROM issued; PRAGMA database_list\n--", None, "one query"),
    ("FROM issued\n--", "FROM issued; ATTACH 'a.db'\n--", None, "one query"),
    ("SELECT * FROM issued ORDER BY invoice_id", "COPY issued TO 'a.csv'", None, "can't be read"),
    ("SELECT * FROM issued", "DELETE FROM invoices --", None, "one query"),
    ("$least", "$secret", None, "$secret is not declared"),
    ("$least", "$1", None, "can't be read"),
    (
        "FROM issued\n--",
        "FROM issued GROUP BY invoice_id\n--",
        None,
        "the figure must be one row; found 2 rows",
    ),
    (_SUM, "sum(numerator) AS upper_part", None, "the figure has no column 'numerator'"),
    (_SUM, "sum(numerator) AS numerator, 1 AS extra", None, "unknown column 'extra'"),
    ("SELECT * FROM issued", "SELECT invoice_id FROM issued", None, "the drill-down has no column"),
    ("amount >=", "no_such_column >=", None, "the SQL doesn't run: Binder Error"),
    ("[invoices]", "[invoices, secrets]", None, "there is no dataset 'secrets'"),
    ('default: "100"', 'default: "many"', None, "parameters.least: the default isn't allowed"),
    ("  least:", "  period_start:", None, "$least is not declared"),
    (
        "title:",
        "title: !!python/object/apply:os.system [ls]\nx:",
        None,
        "the front matter is not YAML",
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "message"), _NASTY, ids=[one[1] for one in _NASTY])
def test_what_a_kpi_may_not_do(
    tmp_path: Path, old: str, new: str, line: int | None, message: str
) -> None:
    assert old in _FILE
    with pytest.raises(BadInput) as caught:
        _check(tmp_path, _FILE.replace(old, new, 1))
    found = [problem for problem in caught.value.problems if message in str(problem)]
    assert found, str(caught.value)
    assert found[0].file == str(tmp_path / "large_share.sql")
    assert line is None or found[0].line == line


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dso.sql", "dso is a KPI of the product, which can't be replaced"),
        ("Dso.sql", "can't be one"),
        ("a b.sql", "can't be one"),
        ("large.txt", "can't be one"),
    ],
)
def test_names_that_are_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        _check(tmp_path, _FILE, name)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "own.sql"
    for data, message in ((b"\xff\xfe", "UTF-8"), (b"a\0b", "NUL"), (b" " * 300_000, "too large")):
        path.write_bytes(data)
        with pytest.raises(BadInput, match=message):
            check_file(path, load_catalogue(), shipped_words())
    with pytest.raises(BadInput, match="can't be read"):
        check_file(tmp_path / "missing.sql", load_catalogue(), shipped_words())
    with pytest.raises(BadInput, match="the folder of own KPIs isn't there"):
        load_catalogue(tmp_path / "missing")


def test_every_file_of_a_folder_is_judged(tmp_path: Path) -> None:
    _write(tmp_path, _FILE.replace(_FROM, "FROM receipts\n"), "one.sql")
    _write(tmp_path, _FILE.replace("-- figure\n", ""), "two.sql")
    with pytest.raises(BadInput) as caught:
        load_catalogue(tmp_path)
    assert {Path(problem.file).name for problem in caught.value.problems} == {"one.sql", "two.sql"}


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    text = _FILE.replace(_SUM, f"{'(' * 5000}1{')' * 5000} AS numerator")
    with pytest.raises(BadInput):
        _check(tmp_path, text)


def test_what_takes_too_long_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Harmless to read, but it never ends: joins without a condition."""
    monkeypatch.setattr("sla.kpis.trial.TRIAL_SECONDS", 0.2)
    numbers = ", ".join(f"({number})" for number in range(100))
    joined = ", ".join(f"n AS n{number}" for number in range(9))
    many = f"WITH\nn AS (SELECT * FROM (VALUES {numbers}) AS n (i)),\n"  # noqa: S608 (a KPI's SQL)
    text = _FILE.replace("WITH\n", many)
    text = text.replace("FROM issued\n--", f"FROM issued, {joined}\n--")
    with pytest.raises(BadInput, match=r"the KPI's SQL took longer than 0\.2 seconds"):
        _check(tmp_path, text)


def test_a_quick_query_is_left_alone() -> None:
    with ledger_of({}) as ledger, within(ledger, 60):
        assert ledger.execute("SELECT 1 AS one", {}).rows == ((1,),)


_PIECES = st.sampled_from(
    [
        *("SELECT", "FROM", "WHERE", "invoices", "receipts", "(", ")", ",", "*", "AS", "issued"),
        *("read_csv", "'a.csv'", "getenv", "WITH", "UNION", "ALL", ";", "COPY", "TO", "ATTACH"),
        *("1", "$least", "$period_end", "--", "/*", "*/", "\n", "::", "[", "]", "{", "}", "->"),
        *("amount", "LATERAL", "PIVOT", "VALUES", "LIMIT", "ORDER BY", "RECURSIVE", "'", '"', "é"),
        *("current_date", "COLUMNS", "USING", "ASOF", "JOIN", "ON", "sum", "over", "\\", "%", "?"),
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_PIECES, max_size=12), st.integers(0, 2))
def test_whatever_stands_in_a_file_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], place: int
) -> None:
    """Never a crash: a mangled file gives its problems, or is a KPI that reads what it may."""
    anchor = (_FROM, _SUM, "SELECT * FROM issued")[place]
    text = _FILE.replace(anchor, f"{anchor} {' '.join(pieces)}", 1)
    folder = tmp_path_factory.mktemp("own")
    with suppress(BadInput):
        definition = _check(folder, text)
        assert list(refusals(definition.sql, {"invoices"})) == []
