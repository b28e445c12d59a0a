"""One service level of one period, open down to the ledger rows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath, QueryParameter

from app.documents.wording import WINDOW
from app.security.guards import limited, requires
from app.security.throttle import EXPORT
from app.web.addresses import identifier
from app.web.downloads import attachment
from app.web.exports import note_bytes
from app.web.period_view import level_views
from app.web.periods import PERIOD, period_of_address
from app.web.rendering import page_or_part
from app.web.tables import CSV_TYPE, csv_bytes
from app.web.unit_of_work import Work, engagement_work
from billing.settlement.drill_down import (
    Page,
    definition_measured_by,
    drill_down_measurement,
    rows_relieved,
)
from billing.settlement.queries import get_settled_period
from governance.access import Permission
from governance.engagements.service import contract_of
from governance.errors import Conflict, NotFound
from sla.kpis.definitions import KpiDefinition
from sla.kpis.values import DrillDown
from sla.measurements.queries import measurement_history
from sla.measurements.values import Measurement

ROWS_A_PAGE = 25
MAX_FILE_ROWS = 100_000
"""Of a download, which is made in memory."""
FirstRow = Annotated[int, QueryParameter(name="from", ge=0, le=10_000_000)]


@dataclass(frozen=True, slots=True)
class RowsView:
    """One page of ledger rows; `closed` says why they can't be opened any more."""

    page: DrillDown | None
    offset: int
    closed: str = ""
    file: str = ""
    """Path of all rows as a CSV file; empty where they aren't offered."""

    @property
    def sums(self) -> tuple[Decimal | None, ...]:
        """What the rows of all pages add up to, for each column; None where it isn't added up."""
        return tuple(self.page.sums.get(name) for name in self.page.columns) if self.page else ()

    @property
    def last(self) -> int:
        """Number of the last row shown."""
        return self.offset + len(self.page.rows) if self.page else 0

    @property
    def previous(self) -> int | None:
        """Where the page before begins."""
        return max(self.offset - ROWS_A_PAGE, 0) if self.offset else None

    @property
    def following(self) -> int | None:
        """Where the next page begins."""
        return self.last if self.page and self.last < self.page.total else None


@get(
    f"{PERIOD}/results/{{level:str}}",
    guards=[requires(Permission.VIEW)],
    sync_to_thread=True,
)
def show_result(
    request: Request[Any, Any, Any],
    label: FromPath[str],
    level: FromPath[str],
    offset: FirstRow = 0,
) -> Response[str]:
    """Value, promise, arithmetic, definition, SQL, evidence, and the rows behind it in pages."""
    period, level_id = period_of_address(label), identifier(level)
    with engagement_work(request) as (unit, engagement):
        settled = get_settled_period(unit.session, unit.actor, engagement, period)
        history = measurement_history(unit.session, engagement, period.end)
        views = level_views(settled, contract_of(settled.contract_version), history)
        view = next((one for one in views if one.terms.id == level_id), None)
        if view is None:
            raise NotFound(f"{period.label} has no service level {level_id}")
        definition = _definition(unit, view.measurement)
        try:
            page = drill_down_measurement(
                unit.session,
                unit.actor,
                engagement,
                period,
                level_id,
                workshop=unit.workshop,
                page=Page(offset, ROWS_A_PAGE),
            )
            rows = RowsView(page, offset, file=_file_path(request, page))
            out = rows_relieved(
                unit.session, unit.actor, engagement, period, level_id, workshop=unit.workshop
            )
        except Conflict as error:
            rows, out = RowsView(None, 0, str(error)), None
    return page_or_part(
        request,
        "periods/result.html",
        "periods/_rows.html",
        engagement=engagement,
        period=period,
        view=view,
        tables={table.sha256: table for table in settled.evidence},
        definition=definition,
        window_words=WINDOW,
        rows=rows,
        taken_out=out,
        rows_path=request.url.path,
    )


def _definition(unit: Work, measurement: Measurement) -> KpiDefinition | None:
    """What it was measured by, or else what the KPI means now; None where there is no such KPI."""
    try:
        return definition_measured_by(unit.session, measurement, unit.workshop)
    except Conflict:
        return unit.workshop.catalogue.get(measurement.kpi)


def _file_path(request: Request[Any, Any, Any], page: DrillDown) -> str:
    return f"{request.url.path}/rows.csv" if 0 < page.total <= MAX_FILE_ROWS else ""


@get(
    f"{PERIOD}/results/{{level:str}}/rows.csv",
    guards=[requires(Permission.VIEW), limited(EXPORT)],
    sync_to_thread=True,
)
def download_rows(
    request: Request[Any, Any, Any], label: FromPath[str], level: FromPath[str]
) -> Response[bytes]:
    """All ledger rows behind a result as a CSV file, safe to open in a spreadsheet."""
    period, level_id = period_of_address(label), identifier(level)
    with engagement_work(request) as (unit, engagement):
        page = drill_down_measurement(
            unit.session,
            unit.actor,
            engagement,
            period,
            level_id,
            workshop=unit.workshop,
            page=Page(0, MAX_FILE_ROWS),
        )
    if page.total > MAX_FILE_ROWS:
        raise Conflict(
            f"{page.total} rows are more than a file takes ({MAX_FILE_ROWS}); download the"
            " evidence and list them with plumbline kpi run --rows"
        )
    data = csv_bytes(page.columns, page.rows)
    name = f"{engagement.reference}-{period.label}-{level_id}.csv"
    note_bytes(request, engagement.id, name, data)
    return attachment(data, name, CSV_TYPE)


ROUTER = Router("/", route_handlers=[show_result, download_rows])
