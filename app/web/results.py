"""One service level of one period, open down to the ledger rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath, QueryParameter

from app.documents.wording import WINDOW
from app.security.guards import requires
from app.web.addresses import identifier
from app.web.period_view import level_views
from app.web.periods import PERIOD, period_of_address
from app.web.rendering import page_or_part
from app.web.unit_of_work import engagement_work
from billing.settlement.drill_down import Page, drill_down_measurement
from billing.settlement.queries import get_settled_period
from governance.access import Permission
from governance.engagements.service import contract_of
from governance.errors import Conflict, NotFound
from sla.kpis.values import DrillDown
from sla.measurements.queries import measurement_history

ROWS_A_PAGE = 25
FirstRow = Annotated[int, QueryParameter(name="from", ge=0, le=10_000_000)]


@dataclass(frozen=True, slots=True)
class RowsView:
    """One page of ledger rows; `closed` says why they can't be opened any more."""

    page: DrillDown | None
    offset: int
    closed: str = ""

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
            rows = RowsView(page, offset)
        except Conflict as error:
            rows = RowsView(None, 0, str(error))
    return page_or_part(
        request,
        "periods/result.html",
        "periods/_rows.html",
        engagement=engagement,
        period=period,
        view=view,
        tables={table.sha256: table for table in settled.evidence},
        definition=unit.workshop.catalogue.get(view.measurement.kpi),
        window_words=WINDOW,
        rows=rows,
        rows_path=request.url.path,
    )


ROUTER = Router("/", route_handlers=[show_result])
