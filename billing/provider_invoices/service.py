"""Hand in the provider's invoices, say what their lines are for, and decide on them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.credit_notes.service import checked_reason
from billing.payments.notations import DayOrder, Mark
from billing.provider_invoices.checking import (
    basis_of,
    check_anew,
    comparison_of,
    current_check,
    document_read,
    documents_adapter,
    is_stale,
)
from billing.provider_invoices.csv_reader import CsvProfile
from billing.provider_invoices.models import (
    ContestState,
    ProviderInvoice,
    ProviderInvoiceCheck,
    ProviderInvoiceContest,
    ProviderInvoiceMatch,
    ProviderInvoiceProfile,
    ProviderInvoiceState,
)
from billing.provider_invoices.queries import get_invoice
from billing.provider_invoices.reading import read_provider_invoice
from billing.provider_invoices.values import BilledDocument, Source
from billing.settlement.spans import invoice_month
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.engagements.versions import agreed_contract, contract_of
from governance.errors import BadInput, Conflict, Problem
from governance.tables import canonical_json, digest
from governance.values import Money, Period, money_text

_YEARS = range(1990, 2200)


@dataclass(frozen=True, slots=True)
class InvoiceFile:
    """An invoice as it was handed in."""

    name: str
    data: bytes
    profile: CsvProfile = field(default_factory=CsvProfile)
    """How it is read where it is CSV."""


def read_file(file: InvoiceFile, currency: str) -> BilledDocument:
    """What it states, in `currency` where it says none; BadInput where it can't be read."""
    return read_provider_invoice(file.name, file.data, file.profile, currency)


def hand_in_invoice(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    file: InvoiceFile,
    period: Period | None = None,
    *,
    document: BilledDocument | None = None,
) -> ProviderInvoice:
    """Keep a document of the provider byte for byte, and check its period if it is settled.

    `period` is the one to check against; where it is None, the document says which. `document` is
    what `read_file` read of it, before the transaction that keeps others from writing. Raises
    BadInput where the file can't be read or the period stays open; Conflict where the same
    file was handed in before, or another one under the same number.
    """
    require(session, actor, engagement, Permission.CHECK_PROVIDER_INVOICE)
    document = document or read_file(file, engagement.currency)
    lock_engagement(session, engagement)
    _refuse_again(session, engagement, file, document)
    checked = _period(session, engagement, file, document, period)
    if document.source is Source.CSV:
        save_profile(session, actor, engagement, file.profile)
    row = ProviderInvoice(
        engagement_id=engagement.id,
        number=document.number,
        type=document.type,
        source=document.source,
        issued_on=document.issued_on,
        period_start=checked.start,
        period_end=checked.end,
        currency=document.currency,
        total_minor=Money.of(document.total, document.currency).minor,
        file_name=file.name,
        sha256=digest(file.data),
        size=len(file.data),
        data=file.data,
        read_json=documents_adapter().dump_json(document).decode(),
        state=ProviderInvoiceState.OPEN,
        handed_in_at=actor.at,
        handed_in_by_id=actor.signed_in_id,
    )
    session.add(row)
    session.flush()
    _note(session, actor, engagement, row, Action.PROVIDER_INVOICE_HANDED_IN)
    check_anew(session, actor, engagement, checked)
    return row


def _refuse_again(
    session: Session, engagement: Engagement, file: InvoiceFile, document: BilledDocument
) -> None:
    before = session.scalars(
        select(ProviderInvoice).where(
            col(ProviderInvoice.engagement_id) == engagement.id,
            col(ProviderInvoice.state) != ProviderInvoiceState.SET_ASIDE,
            (col(ProviderInvoice.sha256) == digest(file.data))
            | (col(ProviderInvoice.number) == document.number),
        )
    ).first()
    if before is None:
        return
    day = before.handed_in_at.date().isoformat()
    if before.sha256 == digest(file.data):
        raise Conflict(f"this file was handed in on {day}, as invoice {before.number}")
    stated = f"{document.currency} {money_text(document.total, document.currency)}"
    kept = f"{before.currency} {money_text(before.total.amount, before.currency)}"
    raise Conflict(
        f"invoice {before.number} was handed in on {day} with other content ({kept}, now {stated}):"
        " a provider may use a number once; ask which one holds, and set the wrong one aside"
    )


def _period(
    session: Session,
    engagement: Engagement,
    file: InvoiceFile,
    document: BilledDocument,
    asked: Period | None,
) -> Period:
    """The settled month whose invoice it stands for."""
    span = asked or document.period
    if span is None:
        what = "the invoice doesn't say which period it charges"
        raise BadInput.one(Problem(what, file.name, column="period", allowed="choose the period"))
    if span.end.year not in _YEARS:
        what = "this is no period to bill"
        raise BadInput.one(Problem(what, file.name, column="period", found=span.label))
    contract = contract_of(agreed_contract(session, engagement))
    return invoice_month(contract, Period.month(span.end.year, span.end.month))


def save_profile(
    session: Session, actor: Actor, engagement: Engagement, profile: CsvProfile
) -> None:
    """Keep how the engagement's CSV files are read, so that the next one is read alike."""
    stated = {
        "columns": dict(profile.columns),
        "mark": profile.mark.value if profile.mark else None,
        "days": profile.days.value,
    }
    written = canonical_json(stated).decode()
    row = _profile_row(session, engagement)
    if row is not None and row.mapping_json == written:
        return
    before = json.loads(row.mapping_json) if row else None
    if row is None:
        row = ProviderInvoiceProfile(
            engagement_id=engagement.id,
            mapping_json=written,
            saved_at=actor.at,
            saved_by_id=actor.signed_in_id,
        )
        session.add(row)
    row.mapping_json, row.saved_at, row.saved_by_id = written, actor.at, actor.signed_in_id
    session.flush()
    change = Change(
        Action.PROVIDER_PROFILE_SAVED,
        "provider_invoice_profile",
        row.id,
        engagement.reference,
        engagement.id,
        before,
        stated,
    )
    record(session, actor, change)


def _profile_row(session: Session, engagement: Engagement) -> ProviderInvoiceProfile | None:
    return session.scalars(
        select(ProviderInvoiceProfile).where(
            col(ProviderInvoiceProfile.engagement_id) == engagement.id
        )
    ).one_or_none()


def saved_profile(session: Session, engagement: Engagement) -> CsvProfile:
    """How the engagement's last CSV file was read; an empty profile before the first."""
    row = _profile_row(session, engagement)
    if row is None:
        return CsvProfile()
    found = json.loads(row.mapping_json)
    mark = Mark(found["mark"]) if found["mark"] else None
    return CsvProfile(found["columns"], mark, DayOrder(found["days"]))


def check_period(
    session: Session, actor: Actor, engagement: Engagement, period: Period
) -> ProviderInvoiceCheck:
    """Check a period's documents again, as it is settled now; Conflict while it isn't settled."""
    require(session, actor, engagement, Permission.CHECK_PROVIDER_INVOICE)
    lock_engagement(session, engagement)
    row = check_anew(session, actor, engagement, period)
    if row is None:
        raise Conflict(f"{period.label} isn't settled yet, or has no invoice of the provider")
    return row


def match_line(  # noqa: PLR0917 (a line, its document and what it is for)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    invoice_id: int,
    item: str,
    target: str | None,
) -> ProviderInvoice:
    """Say what a billed line is for, and check its period again.

    `target` is the key of an expected line, empty for what the contract doesn't have, and None
    to have it matched by itself again. Raises NotFound for an unknown document, BadInput for an
    unknown line, Conflict while the period isn't settled.
    """
    require(session, actor, engagement, Permission.CHECK_PROVIDER_INVOICE)
    lock_engagement(session, engagement)
    row = get_invoice(session, actor, engagement, invoice_id)
    basis = basis_of(session, engagement, row.period)
    if basis is None:
        raise Conflict(f"{row.period.label} isn't settled yet: the check waits until it is")
    if item not in {one.key for one in document_read(row).items}:
        raise BadInput.one(Problem("the invoice has no such line", column="item", found=item))
    if target and target not in {one.key for one in basis.expected.items}:
        raise BadInput.one(Problem("no such line is expected", column="target", found=target))
    before = session.scalars(
        select(ProviderInvoiceMatch).where(
            col(ProviderInvoiceMatch.invoice_id) == row.id, col(ProviderInvoiceMatch.item) == item
        )
    ).one_or_none()
    earlier = before.target if before else None
    if before is not None and target is None:
        session.delete(before)
    elif target is not None:
        _keep_match(session, actor, before, row, item, target)
    session.flush()
    figures = ({"item": item, "target": earlier}, {"item": item, "target": target})
    _note(session, actor, engagement, row, Action.PROVIDER_INVOICE_MATCHED, *figures)
    check_anew(session, actor, engagement, row.period)
    return row


def _keep_match(  # noqa: PLR0917 (a line, its document and what it is for)
    session: Session,
    actor: Actor,
    before: ProviderInvoiceMatch | None,
    row: ProviderInvoice,
    item: str,
    target: str,
) -> None:
    if before is not None:
        before.target, before.decided_at = target, actor.at
        before.decided_by_id = actor.signed_in_id
        return
    session.add(
        ProviderInvoiceMatch(
            invoice_id=row.id,
            item=item,
            target=target,
            decided_at=actor.at,
            decided_by_id=actor.signed_in_id,
        )
    )


_ACTIONS = {
    ProviderInvoiceState.APPROVED: Action.PROVIDER_INVOICE_APPROVED,
    ProviderInvoiceState.SET_ASIDE: Action.PROVIDER_INVOICE_SET_ASIDE,
}


def decide_on_invoice(  # noqa: PLR0917 (a document, what is decided and why)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    invoice_id: int,
    state: ProviderInvoiceState,
    remark: str = "",
) -> ProviderInvoice:
    """Approve a document for payment, or set it aside, which needs a remark.

    So does approving where too much is billed, or where another currency could be compared with
    nothing. Raises NotFound for an unknown document; Conflict where it isn't checked as the period
    is settled now, was decided so, or something of it is contested and not answered.
    """
    require(session, actor, engagement, Permission.CHECK_PROVIDER_INVOICE)
    lock_engagement(session, engagement)
    row = get_invoice(session, actor, engagement, invoice_id)
    session.refresh(row)
    if state not in _ACTIONS:
        what = "an invoice is approved or set aside here; single differences are contested"
        raise BadInput.one(Problem(what, column="state", found=state.value))
    if row.state in {state, ProviderInvoiceState.SET_ASIDE}:
        raise Conflict(f"invoice {row.number} is {row.state.value.replace('_', ' ')} already")
    _require_nothing_open(session, engagement, row)
    needs_remark = state is ProviderInvoiceState.SET_ASIDE or _is_doubtful(session, engagement, row)
    said = checked_reason(remark, "remark") if needs_remark or remark else ""
    row.state, row.remark = state, said
    row.decided_at, row.decided_by_id = actor.at, actor.signed_in_id
    session.flush()
    _note(session, actor, engagement, row, _ACTIONS[state], reason=said)
    if state is ProviderInvoiceState.SET_ASIDE:
        check_anew(session, actor, engagement, row.period)
    return row


def _require_nothing_open(session: Session, engagement: Engagement, row: ProviderInvoice) -> None:
    waiting = session.scalars(
        select(ProviderInvoiceContest).where(
            col(ProviderInvoiceContest.engagement_id) == engagement.id,
            col(ProviderInvoiceContest.document) == row.number,
            col(ProviderInvoiceContest.state) == ContestState.OPEN,
        )
    ).first()
    if waiting is not None:
        raise Conflict(
            f"{waiting.reference} of invoice {row.number} waits for the provider's answer; withdraw"
            " it first"
        )


def _is_doubtful(session: Session, engagement: Engagement, row: ProviderInvoice) -> bool:
    """Whether its check found too much, or could compare it with nothing."""
    check = current_check(session, engagement, row.period)
    if check is None:
        raise Conflict(f"{row.period.label} isn't checked yet")
    if is_stale(session, engagement, check):
        raise Conflict(f"{row.period.label} was settled again since it was checked: check it again")
    return row.currency != check.currency or comparison_of(check).difference > 0


def _note(  # noqa: PLR0917 (every part of an entry)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: ProviderInvoice,
    action: Action,
    before: dict[str, str | None] | None = None,
    after: dict[str, str | None] | None = None,
    reason: str = "",
) -> None:
    stated = {
        "state": row.state.value,
        "period": row.period.label,
        "sha256": row.sha256,
        "currency": row.currency,
        "total": money_text(row.total.amount, row.currency),
    }
    label = f"{engagement.reference} {row.number}"
    record(
        session,
        actor,
        Change(
            action,
            "provider_invoice",
            row.id,
            label,
            engagement.id,
            before,
            after or stated,
            reason,
        ),
    )
