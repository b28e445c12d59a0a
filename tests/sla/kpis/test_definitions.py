"""KPI files: what is read from them and what is refused."""

from __future__ import annotations

import hashlib

import pytest

from governance.contract.kpi_signature import Direction
from governance.errors import BadInput
from sla.evidence.datasets import DATASETS
from sla.kpis.catalogue import load_catalogue, signatures
from sla.kpis.definitions import KpiDefinition, parse_definition
from sla.kpis.parameters import resolve_parameters

_FILE = """\
/* ---
title: Number of invoices
unit: invoices
direction: higher_is_better
datasets:
  required: [invoices]
parameters:
  least:
    type: decimal
    default: "0"
    meaning: Smaller invoices don't count.
definition: Counts invoices.
source: Nobody
drill_down: The invoices.
--- */
WITH
-- words: large
counted AS (SELECT * FROM large)
-- figure
SELECT count(*) AS numerator, count(*) AS ledger_rows FROM counted
-- drill-down
SELECT * FROM counted ORDER BY invoice_id
"""
_WORDS = {"large": "large AS (SELECT * FROM invoices WHERE amount >= $least),\n"}


def test_a_file_is_read() -> None:
    definition = parse_definition("number", _FILE, _WORDS)
    assert definition.title == "Number of invoices"
    assert definition.direction is Direction.HIGHER_IS_BETTER
    assert definition.datasets == ("invoices",)
    assert definition.parameters["least"].default == "0"
    assert definition.sql.startswith("WITH\nlarge AS (")
    assert definition.sql.endswith("FROM counted")
    assert definition.drill_down_sql.endswith("ORDER BY invoice_id")
    assert definition.sha256 == hashlib.sha256(definition.text.encode()).hexdigest()


def test_the_digest_covers_the_words() -> None:
    other = {"large": _WORDS["large"].replace(">=", ">")}
    assert (
        parse_definition("number", _FILE, _WORDS).sha256
        != parse_definition("number", _FILE, other).sha256
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("-- figure\n", "", "a section of the file is missing"),
        ("-- drill-down\n", "", "a section of the file is missing"),
        ("/* ---", "/*", "a section of the file is missing"),
        ("words: large", "words: larg", "unknown words 'larg'; allowed: large"),
        ("title: Number of invoices", "title: [", "the front matter is not YAML"),
        ("source: Nobody\n", "", "number.sql, source: front matter: Field required"),
        ("unit: invoices", "unit: invoices\ncolour: red", "number.sql, colour: front matter"),
        ("higher_is_better", "upwards", "number.sql, direction"),
        ("decimal", "float", "number.sql, parameters.least.type"),
        ("FROM counted ORDER", "FROM FROM ORDER", "the SQL can't be read"),
        ("SELECT * FROM counted ORDER BY invoice_id", "SELECT 1; SELECT 2", "must be one query"),
        ("FROM counted\n", "FROM counted WHERE $smallest\n", "$smallest is not declared"),
    ],
)
def test_a_malformed_file_is_refused(old: str, new: str, message: str) -> None:
    assert old in _FILE
    text = _FILE.replace(old, new)
    with pytest.raises(BadInput) as caught:
        parse_definition("number", text, _WORDS)
    assert message in str(caught.value)
    assert all(problem.file == "number.sql" for problem in caught.value.problems)


def test_only_queries_are_accepted() -> None:
    text = _FILE.replace(
        "SELECT * FROM counted ORDER BY invoice_id",
        "INSERT INTO invoices SELECT * FROM counted",
    )
    with pytest.raises(BadInput, match="must be one query"):
        parse_definition("number", text, _WORDS)


@pytest.mark.parametrize("definition", load_catalogue().values(), ids=lambda each: each.name)
def test_every_kpi_of_the_catalogue_is_complete(definition: KpiDefinition) -> None:
    assert set(definition.datasets) <= set(DATASETS)
    assert definition.definition
    assert definition.source
    assert set(definition.meanings) == set(definition.parameters)
    needed = {name for name, each in definition.parameters.items() if each.default is None}
    resolved = resolve_parameters(definition, dict.fromkeys(needed, "2"))
    assert list(resolved) == list(definition.parameters)
    assert signatures()[definition.name] == definition.signature
