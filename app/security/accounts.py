"""What happens to an account as a whole: sessions and API tokens go along with it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import datetime, timedelta
from secrets import token_urlsafe

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from app.mail.letters import changed_mail, new_address_mail
from app.mail.outbox import forget_recipient, queue_mail
from app.security.api_tokens import revoke_all_tokens
from app.security.models import (
    ApiToken,
    ForeignIdentity,
    Passkey,
    PasswordReset,
    RecoveryCode,
    SignInSession,
    TotpCredential,
)
from app.security.sealing import SealBroken, seal, unseal
from app.security.sessions import revoke_other_sessions
from app.settings import Settings
from billing.deliveries.erasing import erase_recipient
from governance.access import Actor
from governance.audit.erasure import erase_values
from governance.audit.models import Action
from governance.audit.service import Change, record
from governance.engagements.invitations import erase_invitations
from governance.errors import NotFound
from governance.parties.breached import BreachedFile
from governance.parties.models import User
from governance.parties.passwords import PasswordRules
from governance.parties.service import (
    change_email,
    check_person,
    deactivate,
    erase_user,
    get_user,
    reactivate,
    set_password,
)
from governance.tables import digest

_NEW_ADDRESS = "new address"
_NEW_ADDRESS_TIME = timedelta(hours=24)
_GONE = "This link was used or is out of date. Ask for a new one on your account's page."


def password_rules(settings: Settings) -> PasswordRules:
    """Which passwords the installation refuses."""
    path = settings.breached_passwords
    return PasswordRules(BreachedFile(path) if path else None)


def change_password(
    session: Session, settings: Settings, actor: Actor, password: str, *, keep: int | None
) -> None:
    """Give the actor a new password, end all sessions but `keep`, and tell them by mail.

    The caller has checked the current password. BadInput for a password too weak.
    """
    user = get_user(session, actor.signed_in_id)
    use_up_resets(session, user, actor.at)
    set_password(session, actor, user, password, password_rules(settings))
    revoke_other_sessions(session, actor, user, keep)
    mail = changed_mail(settings, user, "The password of your account was changed", actor.at)
    queue_mail(session, settings.secret(), mail, actor.at)


def use_up_resets(session: Session, user: User, at: datetime) -> None:
    """Make all links to choose a new password worthless: they went out before what changes now."""
    links = select(PasswordReset).where(
        col(PasswordReset.user_id) == user.id, col(PasswordReset.used_at).is_(None)
    )
    for one in session.scalars(links):
        one.used_at = at
    session.flush()


def close_account(session: Session, actor: Actor, user: User) -> None:
    """Close an account; its sessions end and its API tokens are worthless at once."""
    deactivate(session, actor, user)
    revoke_other_sessions(session, actor, user)
    revoke_all_tokens(session, actor, user)


def reopen_account(session: Session, actor: Actor, user: User) -> None:
    """Open a closed account again; Conflict for one that is open or was erased."""
    reactivate(session, actor, user)


def erase_account(session: Session, actor: Actor, user: User) -> int:
    """Close an account and erase who it was: in account, invitations, mails, sessions and log.

    Deliveries keep that something was sent and when, without the address.

    The session sees everything. Answers how many values of the log were erased.
    """
    revoke_other_sessions(session, actor, user)
    revoke_all_tokens(session, actor, user)
    names = erase_invitations(session, user.email, actor.at)
    forget_recipient(session, user.email, actor.at)
    erase_recipient(session, user.email)
    session.execute(
        update(SignInSession)
        .where(col(SignInSession.user_id) == user.id)
        .values(address="", browser="")
    )
    _erase_means(session, user)
    return erase_user(session, actor, user, frozenset(names.values()))


def erase_invited(session: Session, actor: Actor, email: str) -> int:
    """Erase somebody without an account: in invitations, mails, deliveries and log.

    The session sees everything. Answers how many values of the log were erased; NotFound where
    nobody was invited or written to under that address.
    """
    names, written_to = erase_invitations(session, email, actor.at), erase_recipient(session, email)
    if not names and not written_to:
        raise NotFound(f"there is no user, invitation or recipient with the e-mail address {email}")
    forget_recipient(session, email.strip(), actor.at)
    erased = erase_values(session, None, {email.strip(), *names.values()})
    after = {"invitations": len(names), "deliveries": len(written_to), "values": erased}
    action, kind, first = (
        (Action.INVITATION_ERASED, "invitation", next(iter(names)))
        if names
        else (Action.RECIPIENT_ERASED, "delivery_recipient", written_to[0])
    )
    record(session, actor, Change(action, kind, first, f"erased-{first}", after=after))
    return erased


def _erase_means(session: Session, user: User) -> None:
    """Delete the other means of signing in; tokens stay without the name that they were given."""
    for token in session.scalars(select(ApiToken).where(col(ApiToken.user_id) == user.id)):
        token.name = "erased"
    for table in (ForeignIdentity, Passkey, RecoveryCode, TotpCredential):
        for row in session.scalars(select(table).where(col(table.user_id) == user.id)):
            session.delete(row)
    session.flush()


def ask_for_new_email(session: Session, settings: Settings, actor: Actor, address: str) -> None:
    """Send a link to an address that the actor wants to have; nothing changes before it is used.

    Only the newest link works, and once. BadInput for what is no address. An address that
    somebody has gets the link too, and is refused when it is used, so that nobody learns here
    who has an account.
    """
    user = get_user(session, actor.signed_in_id)
    wanted, until = address.strip(), actor.at + _NEW_ADDRESS_TIME
    check_person(wanted, user.name)
    content = {
        "user": str(user.id),
        "from": user.email,
        "to": wanted,
        "until": until.isoformat(),
        "password": digest(user.password_hash.encode()),
        "nonce": token_urlsafe(16),
    }
    user.address_link_sha256 = digest(content["nonce"].encode())
    sealed = seal(settings.secret(), _NEW_ADDRESS, json.dumps(content).encode())
    token = urlsafe_b64encode(sealed).decode().rstrip("=")
    mail = new_address_mail(settings, user, wanted, token, until)
    queue_mail(session, settings.secret(), mail, actor.at)
    record(session, actor, Change(Action.USER_EMAIL_ASKED, "user_account", user.id, user.email))


def new_email_of(settings: Settings, token: str, now: datetime) -> str:
    """The address that a link confirms; NotFound for a link that is none or out of date."""
    return _content(settings, token, now)["to"]


def confirm_new_email(
    session: Session, settings: Settings, token: str, at: datetime, request_id: str
) -> User:
    """Give the account the address that a link confirms; the old one is told.

    Other sessions stay; links to choose a new password that went to the old address are used up.
    Raises NotFound for a link that is none, out of date, was used or is older than the password:
    who takes an account back by a new password also ends what a thief has begun. Conflict where
    somebody has the address meanwhile.
    """
    content = _content(settings, token, at)
    user = get_user(session, int(content["user"]))
    # Under the lock: of two uses of a link at the same moment one finds it used.
    session.refresh(user, with_for_update=True)
    begun_with = (user.email, digest(user.password_hash.encode()), user.address_link_sha256)
    nonce = digest(content["nonce"].encode())
    if (content["from"], content["password"], nonce) != begun_with or not user.active:
        raise NotFound(_GONE)
    user.address_link_sha256 = None
    actor = Actor(user.id, user.name, at, request_id)
    use_up_resets(session, user, at)
    before = change_email(session, actor, user, content["to"])
    what = "Your account has another e-mail address now"
    mail = changed_mail(settings, user, what, at, recipient=before)
    queue_mail(session, settings.secret(), mail, at)
    return user


def _content(settings: Settings, token: str, now: datetime) -> dict[str, str]:
    try:
        sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        content: dict[str, str] = json.loads(unseal(settings.secret(), _NEW_ADDRESS, sealed))
    except (SealBroken, Base64Error, ValueError):
        raise NotFound(_GONE) from None
    if datetime.fromisoformat(content["until"]) <= now:
        raise NotFound(_GONE)
    return content
