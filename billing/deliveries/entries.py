"""What the audit log keeps of deliveries: addresses as personal values, documents by digest."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from billing.deliveries.enclosing import documents_of, recipients_of
from billing.deliveries.models import Delivery
from governance.access import Actor
from governance.audit.entries import Personal
from governance.audit.models import Action
from governance.audit.service import Change, record


def record_delivery(session: Session, actor: Actor, delivery: Delivery, action: Action) -> None:
    """Record what happened to a delivery, as it stands now."""
    change = Change(
        action,
        "delivery",
        delivery.id,
        f"{delivery.name}, delivery {delivery.number}",
        delivery.engagement_id,
        after=_stated(session, delivery),
    )
    record(session, actor, change)


def _stated(session: Session, delivery: Delivery) -> dict[str, Any]:
    recipients = recipients_of(session, [delivery.id])[delivery.id]
    documents = documents_of(session, [delivery.id])[delivery.id]
    stated: dict[str, Any] = {
        "means": delivery.means,
        "state": delivery.state,
        "reference": delivery.reference,
        "delivered_on": delivery.delivered_on,
        "problem": delivery.problem,
        "acknowledged_at": delivery.acknowledged_at,
        "recipients": [Personal(one.address) for one in recipients if one.address],
        "documents": {one.file_name: one.sha256 or "" for one in documents},
    }
    return {name: value for name, value in stated.items() if value}
