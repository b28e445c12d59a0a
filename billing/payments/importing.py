"""Import bank statements: read, preview with proposals, and record what a person confirms."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.payments.allocating import allocate
from billing.payments.csv_reader import Mapped
from billing.payments.matching import Payer
from billing.payments.models import BankEntry, ImportState, Payment, PaymentImport
from billing.payments.notations import DayOrder, Mark
from billing.payments.queries import open_invoices, payments_of
from billing.payments.recording import (
    Bounce,
    Origin,
    bounce_payment,
    payment_of_entry,
    record_payment,
)
from billing.payments.rows import entries_taken, take_of_entry
from billing.payments.statements import Books, Fate, Line, hold, read_statement
from billing.payments.twins import Known
from billing.payments.values import Direction, Entry, OpenInvoice, Part, Statement
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.engagements.service import parties_of
from governance.errors import BadInput, Conflict, NotFound, Problem
from governance.tables import canonical_json, digest


@dataclass(frozen=True, slots=True)
class StatementFile:
    """A statement as it was handed in."""

    name: str
    data: bytes
    mapped: Mapped


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do."""

    row: PaymentImport
    statement: Statement
    lines: tuple[Line, ...]
    invoices: tuple[OpenInvoice, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person decides on an entry of the preview."""

    key: str
    minor: int | None = None
    """How much of it is for this engagement; None is all that is left."""
    parts: tuple[Part, ...] = ()


def start_import(
    session: Session, actor: Actor, engagement: Engagement, file: StatementFile
) -> PaymentImport:
    """Read a statement and keep it for the person's decision; nothing is recorded yet.

    A preview that the person left open is discarded. Raises BadInput where the file can't be
    read, Conflict where the same bytes were imported before.
    """
    require(session, actor, engagement, Permission.RECORD_PAYMENT)
    statement = read_statement(file.name, file.data, file.mapped, engagement.currency)
    sha256 = digest(file.data)
    lock_engagement(session, engagement)
    _refuse_again(session, engagement, sha256)
    for left in _previews(session, actor, engagement):
        _close(session, actor, engagement, left, ImportState.DISCARDED)
    row = PaymentImport(
        engagement_id=engagement.id,
        source=statement.source,
        file_name=file.name,
        sha256=sha256,
        size=len(file.data),
        mapping_json=_mapping_json(file.mapped),
        data=file.data,
        state=ImportState.PREVIEW,
        entries=len(statement.entries),
        made_at=actor.at,
        made_by_id=actor.signed_in_id,
    )
    session.add(row)
    session.flush()
    _note(session, actor, engagement, row, Action.PAYMENTS_READ)
    return row


def _refuse_again(session: Session, engagement: Engagement, sha256: str) -> None:
    before = session.scalars(
        select(PaymentImport).where(
            col(PaymentImport.engagement_id) == engagement.id,
            col(PaymentImport.sha256) == sha256,
            col(PaymentImport.state) == ImportState.DONE,
        )
    ).first()
    if before is not None:
        day = before.made_at.date().isoformat()
        raise Conflict(
            f"this statement was imported on {day} as {before.file_name}; record by hand what"
            " was left out then"
        )


def _previews(session: Session, actor: Actor, engagement: Engagement) -> Sequence[PaymentImport]:
    return session.scalars(
        select(PaymentImport).where(
            col(PaymentImport.engagement_id) == engagement.id,
            col(PaymentImport.made_by_id) == actor.signed_in_id,
            col(PaymentImport.state) == ImportState.PREVIEW,
        )
    ).all()


def _mapping_json(mapped: Mapped) -> str:
    written = {"columns": dict(mapped.columns), "mark": mapped.mark, "days": mapped.days}
    return canonical_json(written).decode()


def _mapping(text: str) -> Mapped:
    found = json.loads(text)
    mark = found["mark"]
    return Mapped(found["columns"], Mark(mark) if mark else None, DayOrder(found["days"]))


def get_preview(session: Session, actor: Actor, engagement: Engagement, import_id: int) -> Preview:
    """The import as it would be now, for the person who handed the statement in.

    Raises NotFound for everybody else, and once it is done or discarded.
    """
    require(session, actor, engagement, Permission.RECORD_PAYMENT)
    row = session.scalars(
        select(PaymentImport)
        .where(
            col(PaymentImport.engagement_id) == engagement.id,
            col(PaymentImport.id) == import_id,
            col(PaymentImport.made_by_id) == actor.signed_in_id,
            col(PaymentImport.state) == ImportState.PREVIEW,
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None or row.data is None:
        raise NotFound("there is no such import waiting for you")
    mapped = _mapping(row.mapping_json)
    statement = read_statement(row.file_name, row.data, mapped, engagement.currency)
    invoices = open_invoices(session, engagement)
    books = _books(session, actor, engagement, statement, invoices)
    return Preview(row, statement, hold(statement, books), invoices)


def _books(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    statement: Statement,
    invoices: Sequence[OpenInvoice],
) -> Books:
    payments = payments_of(session, actor, engagement)
    entries = _bank_entries(session, payments)
    taken = entries_taken(session, engagement, (one.key for one in statement.entries))
    ibans = frozenset(one.iban for one in payments if one.iban and one.bounced_at is None)
    return Books(
        invoices,
        Payer(parties_of(session, engagement)[0].name, ibans),
        [_known(one, entries) for one in payments],
        {key: one.amount_minor - one.taken_minor for key, one in taken.items()},
    )


def _bank_entries(session: Session, payments: Sequence[Payment]) -> Mapping[int | None, BankEntry]:
    ids = {one for row in payments for one in (row.entry_id, row.bounce_entry_id) if one}
    return {
        one.id: one for one in session.scalars(select(BankEntry).where(col(BankEntry.id).in_(ids)))
    }


def _known(payment: Payment, entries: Mapping[int | None, BankEntry]) -> Known:
    own, bounce = entries.get(payment.entry_id), entries.get(payment.bounce_entry_id)
    entry = Entry(
        key=own.entry_key if own else "",
        place="",
        direction=Direction.IN,
        booked_on=payment.booked_on,
        value_on=payment.value_on,
        currency=payment.currency,
        minor=payment.amount_minor,
        debtor=payment.debtor,
        iban=payment.iban,
        end_to_end_id=payment.end_to_end_id,
        references=payment.references,
        text=payment.text,
    )
    return Known(
        payment.number,
        entry.key,
        entry,
        payment.source,
        own.amount_minor if own else 0,
        payment.bounced_on,
        bounce.entry_key if bounce else "",
    )


def confirm_import(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    import_id: int,
    choices: Sequence[Choice],
) -> PaymentImport:
    """Record what the person chose, all of it or nothing, and let go of the statement.

    Entries that weren't chosen leave no trace. Raises NotFound as `get_preview`, BadInput where
    nothing was chosen or more than an entry has, Conflict where somebody else was faster with an
    entry or an invoice.
    """
    require(session, actor, engagement, Permission.RECORD_PAYMENT)
    lock_engagement(session, engagement)
    preview = get_preview(session, actor, engagement, import_id)
    _refuse_again(session, engagement, preview.row.sha256)
    lines = {one.entry.key: one for one in preview.lines if one.fate is not Fate.SKIP}
    if not choices:
        raise BadInput.one(Problem("choose the payments to be recorded", column="take"))
    for choice in sorted(choices, key=lambda one: one.key):
        line = lines.pop(choice.key, None)
        if line is None:
            raise Conflict("an entry that was chosen is recorded meanwhile; look at it again")
        if line.fate is Fate.BOUNCE:
            _bounce(session, actor, engagement, line)
        else:
            _take(session, actor, engagement, preview.row, line, choice)
    preview.row.taken = len(choices)
    _close(session, actor, engagement, preview.row, ImportState.DONE)
    return preview.row


def _bounce(session: Session, actor: Actor, engagement: Engagement, line: Line) -> None:
    entry = line.entry
    reason = f"The bank took it back. {entry.text}".strip()
    bounce = Bounce(entry.booked_on, reason, entry)
    bounce_payment(session, actor, engagement, line.payment, bounce)


def _take(  # noqa: PLR0917 (the import, the entry and what is decided on it)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: PaymentImport,
    line: Line,
    choice: Choice,
) -> None:
    entry = line.entry
    minor = line.left_minor if choice.minor is None else choice.minor
    if not 0 < minor <= line.left_minor:
        what = "more would be taken than the payment has left, or nothing"
        raise BadInput.one(Problem(what, file=row.file_name, column=entry.place))
    taken = take_of_entry(session, engagement, entry.key, entry.currency, entry.minor, minor)
    origin = Origin(row.source, row.id, taken.id)
    payment = record_payment(session, actor, engagement, payment_of_entry(entry, minor), origin)
    if choice.parts:
        as_proposed = line.proposal is not None and line.proposal.parts == choice.parts
        why = line.why if as_proposed else ""
        allocate(session, actor, engagement, payment.number, choice.parts, why)


def discard_import(session: Session, actor: Actor, engagement: Engagement, import_id: int) -> None:
    """Let go of a statement without recording anything; NotFound as `get_preview`."""
    require(session, actor, engagement, Permission.RECORD_PAYMENT)
    lock_engagement(session, engagement)
    preview = get_preview(session, actor, engagement, import_id)
    _close(session, actor, engagement, preview.row, ImportState.DISCARDED)


def _close(
    session: Session,
    actor: Actor,
    engagement: Engagement,
    row: PaymentImport,
    state: ImportState,
) -> None:
    row.state, row.data, row.done_at = state, None, actor.at
    session.flush()
    done = state is ImportState.DONE
    action = Action.PAYMENTS_IMPORTED if done else Action.PAYMENTS_DISCARDED
    _note(session, actor, engagement, row, action)


def _note(
    session: Session, actor: Actor, engagement: Engagement, row: PaymentImport, action: Action
) -> None:
    after = {
        "sha256": row.sha256,
        "source": row.source.value,
        "entries": row.entries,
        "taken": row.taken,
    }
    label = f"{engagement.reference} {row.file_name}"
    change = Change(action, "payment_import", row.id, label, engagement.id, None, after)
    record(session, actor, change)


def imports_of(session: Session, actor: Actor, engagement: Engagement) -> tuple[PaymentImport, ...]:
    """The statements that were imported, newest first, and those waiting for the actor."""
    require(session, actor, engagement, Permission.RECORD_PAYMENT)
    found = session.scalars(
        select(PaymentImport)
        .where(
            col(PaymentImport.engagement_id) == engagement.id,
            (col(PaymentImport.state) == ImportState.DONE)
            | (
                (col(PaymentImport.state) == ImportState.PREVIEW)
                & (col(PaymentImport.made_by_id) == actor.user_id)
            ),
        )
        .order_by(col(PaymentImport.id).desc())
    )
    return tuple(found)
