"""Mails as messages: what their headers say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.mail.messages import compose
from app.mail.outbox import Claimed
from app.settings import Settings
from billing.deliveries.enclosing import Addressed
from tests.factories import NOW


@pytest.mark.parametrize("stated", ["a@x.de, b@x.de", "ar@büro.example"])
def test_a_providers_unusable_address_stops_no_mail(tmp_path: Path, stated: str) -> None:
    mail = Claimed(1, "key", "", "Invoice", 1, "text", "html", "Clearwater", stated)
    settings = Settings(data_dir=tmp_path, public_url="http://localhost")
    parcel = Addressed(("ap@example.org",), (), ())
    assert compose(settings, mail, parcel, NOW)["Reply-To"] is None
    usable = replace(mail, reply_to="ar@example.org")
    assert compose(settings, usable, parcel, NOW)["Reply-To"] == "Clearwater <ar@example.org>"
