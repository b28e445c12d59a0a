"""Keep statements of account as they were drawn, so that they can be sent and found again."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from billing.statements.models import (
    AccountStatement,
    StatementDocument,
    StatementDocumentKind,
)
from billing.statements.statement import Statement
from governance.access import Actor, Permission
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.models import Engagement
from governance.engagements.queries import lock_engagement, require
from governance.errors import NotFound
from governance.tables import digest
from governance.values import Money, money_text


def keep_statement(  # noqa: PLR0917 (who, where, which, and what was drawn with what)
    session: Session,
    actor: Actor,
    engagement: Engagement,
    found: Statement,
    data: bytes,
    template_version: str,
) -> AccountStatement:
    """Freeze the PDF of a statement as the client has it; Forbidden for who may not send."""
    require(session, actor, engagement, Permission.SEND_INVOICE)
    lock_engagement(session, engagement)
    last = session.scalars(
        select(func.max(col(AccountStatement.number))).where(
            col(AccountStatement.engagement_id) == engagement.id
        )
    ).one()
    closing = Money.of(found.closing, found.account.currency)
    row = AccountStatement(
        engagement_id=engagement.id,
        number=(last or 0) + 1,
        first_day=found.period.start,
        last_day=found.period.end,
        currency=closing.currency,
        closing_minor=closing.minor,
        made_at=actor.at,
        made_by_id=actor.signed_in_id,
    )
    session.add(row)
    session.flush()
    document = StatementDocument(
        statement_id=row.id,
        kind=StatementDocumentKind.PDF,
        sha256=digest(data),
        data=data,
        template_version=template_version,
    )
    session.add(document)
    session.flush()
    after = {
        "closing": f"{closing.currency} {money_text(closing.amount, closing.currency)}",
        "sha256": document.sha256,
        "template_version": template_version,
    }
    label = f"{found.period.start} to {found.period.end}"
    change = Change(Action.STATEMENT_KEPT, "statement", row.id, label, engagement.id, None, after)
    record(session, actor, change)
    return row


def kept_statements(
    session: Session, actor: Actor, engagement: Engagement
) -> tuple[AccountStatement, ...]:
    """The statements that were kept, newest first."""
    require(session, actor, engagement, Permission.VIEW)
    found = session.scalars(
        select(AccountStatement)
        .where(col(AccountStatement.engagement_id) == engagement.id)
        .order_by(col(AccountStatement.number).desc())
    )
    return tuple(found)


def kept_statement(
    session: Session, actor: Actor, engagement: Engagement, number: int
) -> tuple[AccountStatement, StatementDocument]:
    """One of them with its PDF; NotFound where the engagement has none of that number."""
    require(session, actor, engagement, Permission.VIEW)
    row = session.execute(
        select(AccountStatement, StatementDocument)
        .join(StatementDocument, col(StatementDocument.statement_id) == col(AccountStatement.id))
        .where(
            col(AccountStatement.engagement_id) == engagement.id,
            col(AccountStatement.number) == number,
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no statement {number}")
    return row.AccountStatement, row.StatementDocument
