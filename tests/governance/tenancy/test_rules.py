"""Every table says to whom its rows belong, and few places see all of them."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import (
    MetaData,
)
from sqlmodel import Field, SQLModel

from governance.tables import Table
from governance.tenancy.rules import (
    NoTenant,
    Own,
    Through,
    Undeclared,
    declared_rule,
    mapped_classes,
    rule_of,
    table_of,
)
from tests.governance.tenancy.tenants import (
    TENANTS_CLASSES,
)
from tests.paths import ROOT


def test_every_table_says_to_whom_its_rows_belong() -> None:
    silent = [one.__name__ for one in mapped_classes() if declared_rule(one) is None]
    assert not silent, "these need an engagement_id, or __tenancy__ = through(…) or no_tenant(…)"
    assert {table_of(one).name for one in mapped_classes()} == set(Table.metadata.tables)
    for one in mapped_classes():
        match rule_of(one):
            case NoTenant(why):
                assert len(why) > 20, f"{one.__name__} doesn't say why it belongs to no tenant"
            case Own(column) | Through(column, _):
                assert column in table_of(one).columns


def test_a_table_that_says_nothing_is_refused() -> None:
    class Silent(SQLModel, table=True):
        metadata = MetaData()
        id: int | None = Field(default=None, primary_key=True)

    with pytest.raises(Undeclared, match="Silent needs an engagement_id"):
        rule_of(Silent)


def test_no_column_has_a_tenants_table_for_its_name() -> None:
    # The check of statements takes every word that names such a table for the table itself.
    names = {column.name for table in Table.metadata.tables.values() for column in table.columns}
    assert names & {table_of(one).name for one in TENANTS_CLASSES} == set()


_SEES_EVERYTHING = {
    "app/audit_log.py",
    "app/database.py",
    "app/demo/seed.py",
    "app/mail/claims.py",
    "app/mail/sending.py",
    "app/operation/backup.py",
    "app/operation/evidence_move.py",
    "app/operation/restore.py",
    "app/operation/state.py",
    "app/security/people.py",
    "app/security/refusals.py",
    "app/running.py",
    "app/simulating.py",
    "app/timestamping.py",
    "app/web/invitations.py",
    "app/witnessing.py",
}
_LOOKS_BEYOND = {"governance/engagements/queries.py"}
_BINDS = {"app/database.py", "app/running.py", "governance/engagements/queries.py"}


def _modules_with(pattern: str) -> set[str]:
    found = re.compile(pattern)
    return {
        path.relative_to(ROOT).as_posix()
        for package in ("app", "billing", "sla", "governance")
        for path in (ROOT / package).rglob("*.py")
        if "governance/tenancy/" not in path.as_posix() and found.search(path.read_text("utf-8"))
    }


def test_few_places_see_beyond_ones_own_engagements() -> None:
    everything = _modules_with(r"\bEVERYTHING\b")
    # The command line is the system's own; pages and services are not.
    assert {one for one in everything if not one.startswith("app/cli/")} == _SEES_EVERYTHING
    assert _modules_with(r"\bbeyond_tenancy\(") == _LOOKS_BEYOND
    assert _modules_with(r"(?<!def )\bbind\(|\bseeing\(") == _BINDS
