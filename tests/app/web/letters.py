"""The mails that an application has queued, read as their recipients would."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from app.database import session_scope
from app.mail.outbox import Claimed, claim_next
from tests.app.web.support import World


def next_mail(world: World) -> Claimed | None:
    """The mail that waits longest; it counts as taken then."""
    secret = world.settings.secret()
    with session_scope(world.engine) as session:
        return claim_next(session, secret, datetime.now(UTC))


def link_in(mail: Claimed | None) -> str:
    """The path of a mail's link."""
    assert mail is not None, "no mail was queued"
    found = re.search(r"https?://[^/\s]+(/[\w/-]+)", mail.text)
    assert found, mail.text
    return found[1]
