"""The table of KPI definitions that figures were measured by."""

from __future__ import annotations

from sqlalchemy import Text
from sqlmodel import Field

from governance.audit.models import NOT_AUDITED
from governance.tables import Sha256, Table
from governance.tenancy import no_tenant


class KpiDefinitionText(Table, table=True):
    """The whole file of a KPI, words filled in, under the SHA-256 that measurements name."""

    __tablename__ = "kpi_definition"
    __tenancy__ = no_tenant("what a KPI means; found by the digests in figures that are seen")
    __table_args__ = {  # noqa: RUF012 (SQLAlchemy's own form)
        "info": {NOT_AUDITED: "a text is named by its own SHA-256, which measurements name"}
    }

    sha256: str = Field(primary_key=True, sa_type=Sha256)
    name: str = Field(sa_type=Text)
    """The KPI's name when the text was kept."""
    text: str = Field(sa_type=Text)
