"""Second factors of the people in a world."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp

from app.database import session_scope
from app.security.totp import add_totp, offer_totp
from governance.parties.models import User
from governance.tenancy import EVERYTHING
from tests.app.web.support import World
from tests.factories import actor_of

FACTORS = "/account/second-factors"
ORIGIN = "http://plumbline.localhost:8000"
"""An address that browsers make passkeys for."""


def give_app(world: World, user: User) -> pyotp.TOTP:
    """An authenticator app of the user's, set up an hour ago."""
    before = datetime.now(UTC) - timedelta(hours=1)
    key = world.settings.secret()
    with session_scope(world.engine, sees=EVERYTHING) as session:
        offer = offer_totp(key, user, "Plumbline", before)
        code = pyotp.TOTP(offer.secret).at(before)
        add_totp(session, actor_of(user, before), user, key, offer, code=code)
    return pyotp.TOTP(offer.secret)
