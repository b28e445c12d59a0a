"""What a client had accepted before there were reviews is submitted, agreed and sealed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import Engine, text
from sqlmodel import Session

from app.database import alembic_config, make_engine, migrate, session_scope
from governance.engagements.models import Engagement
from governance.tables import canonical_json, digest
from governance.tenancy import EVERYTHING
from sla.reviews.queries import review_of, sealed_periods
from sla.reviews.values import Stage
from tests.database import _address, _administer
from tests.factories import JANUARY, contract_bytes

_CONTRACT = contract_bytes()
_RESULT = {
    "service_level": "SL-01",
    "kpi": "collected_within_terms",
    "value": "33.3",
    "unit": "%",
    "evidence": [{"dataset": "invoices", "sha256": "a" * 64}],
    "definition_sha256": "b" * 64,
}
_LINE = {"charge": "CH-01", "title": "Desk", "quantity": "1", "unit": "month", "amount": "1000.00"}
_DOCUMENTS: dict[str, dict[str, Any]] = {
    "measurements.json": {"results": [_RESULT]},
    "credits.json": {"net": "0.00"},
    "invoice.json": {"currency": "EUR", "lines": [_LINE], "evidence": []},
}
_AT = "2026-02-02 09:00:00+00:00"
_ROWS = f"""
INSERT INTO organisation (id, kind, name, name_key, country, created_at)
VALUES (1, 'client', 'Nord', 'nord', 'DE', '{_AT}');
INSERT INTO organisation (id, kind, name, name_key, country, created_at)
VALUES (2, 'provider', 'Clear', 'clear', 'IE', '{_AT}');
INSERT INTO user_account
(id, email, email_key, name, password_hash, organisation_id, active, created_at)
VALUES (1, 'p@example.org', 'p@example.org', 'Pat', 'x', 2, TRUE, '{_AT}');
INSERT INTO user_account
(id, email, email_key, name, password_hash, organisation_id, active, created_at)
VALUES (2, 'c@example.org', 'c@example.org', 'Cleo', 'x', 1, TRUE, '{_AT}');
INSERT INTO engagement
(id, reference, title, model, client_id, provider_id, currency, created_at)
VALUES (1, 'ENG-1', 'Collections', 'function_specific', 1, 2, 'EUR', '{_AT}');
INSERT INTO measured_period
(id, engagement_id, contract_version_id, period_start, period_end, currency, warnings_json,
 measured_at, measured_by_id)
VALUES (1, 1, 1, '2026-01-01', '2026-01-31', 'EUR', '[]', '{_AT}', 1);
INSERT INTO settlement
(id, engagement_id, contract_version_id, measured_period_id, period_start, period_end,
 settled_at, settled_by_id)
VALUES (1, 1, 1, 1, '2026-01-01', '2026-01-31', '{_AT}', 1);
INSERT INTO figures_acceptance (id, settlement_id, accepted_at, accepted_by_id)
VALUES (1, 1, '2026-02-03 10:00:00+00:00', 2)
"""  # noqa: S608 (a constant of the test)


@pytest.fixture(params=["sqlite", "postgresql"])
def accepted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database of the schema before, with one accepted settlement."""
    name = server = ""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path / 'old.db'}"
    else:
        server, name = request.getfixturevalue("postgresql_server"), f"old_{uuid4().hex}"
        _administer(server, f"CREATE DATABASE {name}")
        address = _address(server, name)
    engine = make_engine(address)
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        *before, measured, settlement, acceptance = _ROWS.split(";")
        for statement in before:
            connection.exec_driver_sql(statement)
        connection.execute(
            text(
                "INSERT INTO contract_version (id, engagement_id, number, sha256, document,"
                " file_name, effective_from, added_at, added_by_id)"
                " VALUES (1, 1, 1, :sha256, :document, 'c.yaml', '2026-01-01', :at, 1)"
            ),
            {"sha256": digest(_CONTRACT), "document": _CONTRACT, "at": _AT},
        )
        for statement in (measured, settlement):
            connection.exec_driver_sql(statement)
        for kind, content in _DOCUMENTS.items():
            data = canonical_json(content)
            connection.execute(
                text(
                    "INSERT INTO settlement_document (settlement_id, kind, sha256, data, frozen)"
                    " VALUES (1, :kind, :sha256, :data, FALSE)"
                ),
                {"kind": kind, "sha256": digest(data), "data": data},
            )
        connection.exec_driver_sql(acceptance)
    yield engine
    engine.dispose()
    if server:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def test_an_acceptance_becomes_a_seal_by_the_same_persons(accepted: Engine) -> None:
    migrate(accepted)
    with session_scope(accepted, sees=EVERYTHING, read_only=True) as session:
        _check(session)


def _check(session: Session) -> None:
    engagement = session.get_one(Engagement, 1)
    (seal,) = sealed_periods(session, engagement)
    review = review_of(session, engagement, JANUARY)
    assert review is not None
    assert (review.stage, review.submission.submitted_by_id) == (Stage.SEALED, 1)
    assert (review.submission.begun_by_id, seal.sealed_by_id) == (2, 2)
    assert [(one.item.key, one.item.state, one.item.agreed_by_id) for one in review.items] == [
        ("SL-01", "agreed", 2),
        ("CH-01", "agreed", 2),
    ]
    assert digest(seal.document) == seal.sha256
    content = json.loads(seal.document)
    assert content["contract"]["document"].encode() == _CONTRACT
    assert content["measurements"]["results"] == [_RESULT]
    assert content["sealed"] == {"by": 2, "at": "2026-02-03T10:00:00Z"}


def test_figures_that_were_settled_anew_since_can_be_submitted(accepted: Engine) -> None:
    with accepted.begin() as connection:
        connection.exec_driver_sql(f"UPDATE settlement SET superseded_at = '{_AT}'")  # noqa: S608 (a constant)
    migrate(accepted)
    with session_scope(accepted, sees=EVERYTHING, read_only=True) as session:
        engagement = session.get_one(Engagement, 1)
        assert sealed_periods(session, engagement) == ()
        review = review_of(session, engagement, JANUARY)
        assert review is not None
        assert (review.stage, review.submission.begun_by_id) == (Stage.DRAFT, 2)
