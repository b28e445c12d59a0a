"""Relief as a document: what it says, and every slip with its line."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from governance.contract.document import Contract
from governance.contract.reading import read_contract
from governance.errors import BadInput
from governance.values import Period
from sla.relief.documents import read_relief
from sla.relief.values import Relief, ReliefKind, Span
from tests.factories import contract_bytes

GOOD = """\
plumbline_relief: 1
events:
  - id: RE-1
    title: Portal closed
    kind: client_caused
    reason: The client's portal was closed
    period: 2026-03
    service_levels: [SL-01]
    rows: {invoices: [I-1, "0042"]}
    spans: [{from: "2026-03-05 08:00", to: 2026-03-06T12:00:00Z}]
  - {id: RE-2, kind: force_majeure, reason: Flood, period: 2026-Q1, excused: true}
"""


@pytest.fixture(scope="module")
def contract() -> Contract:
    return read_contract(contract_bytes(), "contract.yaml")


def test_a_relief_document_says_what_is_taken_out(contract: Contract) -> None:
    first, second = read_relief(GOOD.encode(), "relief.yaml", contract)
    assert first.kind is ReliefKind.CLIENT_CAUSED
    assert first.period == Period.month(2026, 3)
    assert first.relief == Relief(
        {"invoices": frozenset({"I-1", "0042"})},
        (
            Span(
                datetime(2026, 3, 5, 7, tzinfo=UTC).astimezone(),
                datetime(2026, 3, 6, 12, tzinfo=UTC),
            ),
        ),
    )
    assert second.excused
    assert second.period == Period(date(2026, 1, 1), date(2026, 3, 31))


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("kind: client_caused", "kind: weather", 5, "weather"),
        ("reason: The client's portal was closed", "", 3, "reason"),
        ("period: 2026-03", "period: March", 3, "not a period"),
        ("[SL-01]", "[SL-09]", 3, "no service level SL-09"),
        ("invoices: [I-1", "observations: [I-1", 3, "can't be taken out"),
        ("2026-03-06T12:00:00Z", "2026-03-04T12:00:00Z", 3, "not a span of time"),
        (", excused: true", "", 11, "takes nothing out"),
        ("id: RE-2", "id: RE-1", None, "two events are called RE-1"),
        ("title: Portal", "titel: Portal", 4, "titel"),
    ],
)
def test_every_slip_is_named_with_its_line(
    contract: Contract, old: str, new: str, line: int | None, what: str
) -> None:
    with pytest.raises(BadInput) as refused:
        read_relief(GOOD.replace(old, new).encode(), "relief.yaml", contract)
    (problem,) = refused.value.problems
    assert (problem.file, problem.line) == ("relief.yaml", line)
    assert what in problem.what or what in problem.found or what in problem.column
