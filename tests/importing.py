"""Every way of importing that fills a table."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import Session

from governance.access import Actor
from governance.engagements.models import Engagement
from sla.evidence.intake import prepare, put_in_store
from sla.evidence.resubmission import Again, upload_again
from sla.evidence.saved_profiles import save_profile
from sla.evidence.service import Upload, hand_in, keep, plan_hand_in
from sla.evidence.store import EvidenceStore
from tests.factories import RECEIPTS

PROFILE = """\
name: our_receipts
title: Our receipts
source: {file: "*.csv", columns: [receipt_id, customer_id, received_at, currency, amount]}
tables:
  receipts:
    columns:
      receipt_id: receipt_id
      customer_id: customer_id
      received_at: received_at
      currency: currency
      amount: amount
"""


def import_in_every_way(
    session: Session, actor: Actor, engagement: Engagement, folder: Path, store: EvidenceStore
) -> None:
    """A saved profile; a hand-in with a rejected row, then without it, as it was compared."""
    save_profile(session, actor, engagement, PROFILE)
    place = folder / "importing"
    place.mkdir()
    source = place / "receipts.csv"
    source.write_text(RECEIPTS + "R-9,C-1,soon,EUR,1.00\n", encoding="utf-8")
    rejected = hand_in(session, actor, engagement, Upload(source, "receipts"), store)
    again = Again(accept_rejections=True)
    upload = upload_again(
        session, actor, engagement, rejected, again, store=store, folder=place / "again"
    )
    prepared = prepare(plan_hand_in(session, actor, engagement, upload, store), place)
    kept = put_in_store(prepared, store)
    keep(session, actor, engagement, prepared, kept, comparison="{}")
