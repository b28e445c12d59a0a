"""Mails as messages: headers, text and HTML, and the documents that they carry."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256
from typing import Final

from app.mail.outbox import Claimed
from app.settings import Settings
from billing.deliveries.enclosing import Addressed
from billing.deliveries.recipients import is_address

_SENDER_NAME: Final = "Plumbline"


def compose(settings: Settings, mail: Claimed, parcel: Addressed, now: datetime) -> EmailMessage:
    """The message as it goes out; ValueError or MessageError for an unusable address.

    What is sent on behalf of a provider says so, and answers go to the provider. They don't where
    its contract states something else than one address, which must stop no mail.
    """
    host = settings.public_host
    message = EmailMessage(policy=SMTP)
    name = f"{mail.sender} ({_SENDER_NAME})" if mail.sender else _SENDER_NAME
    message["From"] = Address(name, addr_spec=settings.mail_from or f"plumbline@{host}")
    if is_address(mail.reply_to):
        message["Reply-To"] = Address(mail.sender, addr_spec=mail.reply_to)
    message["To"] = [Address(addr_spec=one) for one in parcel.to]
    if parcel.cc:
        message["Cc"] = [Address(addr_spec=one) for one in parcel.cc]
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{sha256(mail.key.encode()).hexdigest()[:40]}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    for one in parcel.attachments:
        kind, _, subtype = one.media_type.partition("/")
        message.add_attachment(one.data, maintype=kind, subtype=subtype, filename=one.file_name)
    return message
