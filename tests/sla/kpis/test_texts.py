"""KPI definitions kept by their digests, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col

from governance.errors import Conflict, NotFound
from sla.kpis.catalogue import load_catalogue
from sla.kpis.models import KpiDefinitionText
from sla.kpis.texts import definition_of, keep_definitions, keep_used


def test_every_definition_comes_back_as_it_was(session: Session) -> None:
    catalogue = load_catalogue()
    keep_definitions(session, catalogue.values())
    keep_definitions(session, catalogue.values())
    keep_definitions(session, [])
    for definition in catalogue.values():
        assert definition_of(session, definition.sha256) == definition


def test_only_what_was_used_is_kept(session: Session) -> None:
    catalogue = load_catalogue()
    keep_used(session, catalogue, {catalogue["dso"].sha256})
    assert set(session.scalars(select(col(KpiDefinitionText.name)))) == {"dso"}
    with pytest.raises(NotFound, match="no KPI definition"):
        definition_of(session, catalogue["ageing"].sha256)


def test_the_definition_of_an_own_kpi_stays_one(session: Session) -> None:
    own = replace(load_catalogue()["dso"], name="dso_of_ours", own=True)
    keep_definitions(session, [own])
    assert definition_of(session, own.sha256).own


def test_a_text_that_is_not_its_digest_is_noticed(session: Session) -> None:
    definition = load_catalogue()["dso"]
    keep_definitions(session, [replace(definition, text=f"{definition.text} -- altered")])
    with pytest.raises(Conflict, match="was altered"):
        definition_of(session, definition.sha256)


@pytest.mark.parametrize(
    "statement", ["UPDATE kpi_definition SET text = ''", "DELETE FROM kpi_definition"]
)
def test_kept_texts_never_change(session: Session, statement: str) -> None:
    keep_definitions(session, [load_catalogue()["dso"]])
    with pytest.raises(DBAPIError, match="is refused"), session.begin_nested():
        session.execute(text(statement))
