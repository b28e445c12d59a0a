"""What a form would send to each route that asks for more than its address."""

from __future__ import annotations

from datetime import UTC, datetime

from governance.zones import local_day
from tests.app.web.matrix_world import OWN, PERIODS, MatrixWorld
from tests.factories import PASSWORD

_NEW = "another long enough sentence"


def fields_of(world: MatrixWorld) -> dict[str, dict[str, str]]:
    """By route, the fields of its form and values that whoever may do it can send."""
    people = world.people
    # Where the engagement is, the day may have begun that hasn't in UTC.
    today = local_day("Europe/Berlin", datetime.now(UTC)).isoformat()
    return {
        "POST /account/email": {"email": "new@example.org"},
        "POST /account/password": {"current": PASSWORD, "password": _NEW, "repeated": _NEW},
        "POST /account/tokens": {
            "name": "x",
            "scopes": "engagement:view",
            "last_day": today,
        },
        "POST /confirm": {"password": PASSWORD},
        "POST /engagements/{reference}/access-reviews/{review_id}/roles/{item_id}": {
            "decision": "keep"
        },
        "POST /engagements/{reference}/exceptions": {
            "email": people["auditor"].email,
            "conflict": "both_sides",
            "reason": "a small team",
        },
        "POST /engagements/{reference}/relief/{event}/decide": {
            "verdict": "grant",
            "reason": "it is so",
        },
        "POST /engagements/{reference}/periods/{label}/invoice/credit": {
            "invoice": world.invoice_number,
            "how": "lines",
            "line_1": "1.00",
            "reason": "it was less",
        },
        "POST /engagements/{reference}/periods/{label}/invoice/correct": {
            "invoice": world.invoice_number
        },
        "POST /engagements/{reference}/periods/{label}/invoice/send": {
            "to": "ap@example.org",
            "documents": f"{OWN}-{PERIODS['issued']}-invoice.pdf",
            "after": "0",
        },
        "POST /engagements/{reference}/periods/{label}/invoice/delivered": {
            "means": "post",
            "on": today,
            "after": "0",
        },
        "POST /engagements/{reference}/credit-notes/{note}/issue": {"seen": "1.19"},
        "POST /engagements/{reference}/periods/{label}/invoice/dispute": {
            "what": "whole",
            "amount": "5.00",
            "reason": "it was less",
        },
        "POST /engagements/{reference}/disputes/{dispute}/uphold": {"reason": "it wasn't"},
        "POST /engagements/{reference}/disputes/{dispute}/accept": {
            "reason": "so it was",
            "amount": "1.00",
        },
        "POST /engagements/{reference}/reminders/{reminder}/charges/{charge}/waive": {
            "reason": "goodwill"
        },
        "POST /engagements/{reference}/payments": {
            "amount": "5.00",
            "currency": "EUR",
            "booked_on": "2026-01-05",
        },
        "POST /engagements/{reference}/payments/refunds/{refund}/take-back": {
            "reason": "it came back",
        },
        "POST /engagements/{reference}/payments/{payment}/refund": {
            "amount": "1.00",
            "reason": "paid twice",
        },
        "POST /engagements/{reference}/payments/{payment}/bounce": {"reason": "no funds"},
        "POST /engagements/{reference}/write-offs/reversals/{reversal}/decide": {
            "verdict": "approved",
        },
        "POST /engagements/{reference}/provider-invoices/{provider_invoice}/match": {
            "item": "line 1",
            "target": "line:",
        },
        "POST /engagements/{reference}/provider-invoices/{provider_invoice}/decide": {
            "state": "approved",
            "remark": "so be it",
        },
        "POST /engagements/{reference}/provider-invoices/{provider_invoice}/contest": {
            "all": "yes"
        },
        "POST /engagements/{reference}/provider-invoices/contests/{contest}/answer": {
            "amount": "1.00",
            "answer": "so it was",
        },
        "POST /engagements/{reference}/provider-invoices/contests/{contest}/resolve": {
            "credit_note": "C-1"
        },
        "POST /engagements/{reference}/write-offs/{write_off}/decide": {
            "verdict": "approved",
        },
        "POST /engagements/{reference}/periods/{label}/restatements": {"reason": "relief"},
        "POST /engagements/{reference}/periods/{label}/restatements/{restatement}/contest": {
            "item": "1",
            "reason": "it is wrong",
        },
        "POST /engagements/{reference}/periods/{label}/restatements/{restatement}/seal": {
            "submission": "1"
        },
        "POST /engagements/{reference}/periods/{label}/restatements/{restatement}/withdraw": {
            "item": "1"
        },
        "POST /engagements/{reference}/invitations": {
            "email": "new@example.org",
            "name": "New Person",
            "role": "provider_finance",
        },
        "POST /engagements/{reference}/members": {
            "email": people["no_role"].email,
            "role": "provider_finance",
        },
        "POST /invitation": {"name": "New", "password": _NEW, "repeated": _NEW},
        "POST /operation/users/invitations": {
            "email": "new@example.org",
            "name": "New Person",
            "organisation": "New Ltd",
            "country": "IE",
            "kind": "provider",
        },
        "POST /runs": {
            "kind": "drafts",
            "month": PERIODS["open"],
            "engagement": world.own["object_id"],
        },
        "POST /reset": {"email": "nobody@example.org"},
        "POST /sign-in": {"email": people["manager"].email, "password": PASSWORD},
    }
