"""Tables of organisations, their users, and who belongs to which engagement."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Boolean, Date, String, Text, UniqueConstraint
from sqlmodel import Field

from governance.access import Role
from governance.tables import Sha256, Table, UtcDateTime, row_key, row_of, text_of
from governance.tenancy import no_tenant


class OrganisationKind(StrEnum):
    """Which side of engagements an organisation stands on."""

    CLIENT = "client"
    PROVIDER = "provider"
    OPERATOR = "operator"


class Organisation(Table, table=True):
    """A client, a provider, or whoever runs the installation."""

    __tablename__ = "organisation"
    __tenancy__ = no_tenant("a company takes part in many engagements")
    __table_args__ = (UniqueConstraint("name_key", "country"),)

    id: int = row_key()
    kind: OrganisationKind = Field(sa_type=text_of(OrganisationKind, "kind"))
    name: str = Field(sa_type=Text)
    name_key: str = Field(sa_type=Text)
    """The name case-folded and with single spaces, by which contracts find it again."""
    country: str = Field(sa_type=String(2))
    created_at: datetime = Field(sa_type=UtcDateTime)


class User(Table, table=True):
    """A person who signs in."""

    __tablename__ = "user_account"
    __tenancy__ = no_tenant("a person belongs to an organisation; memberships say where to")

    id: int = row_key()
    email: str = Field(sa_type=Text)
    """As the person writes it."""
    email_key: str = Field(sa_type=Text, unique=True)
    """Case-folded, by which the person signs in."""
    name: str = Field(sa_type=Text)
    password_hash: str = Field(sa_type=Text)
    organisation_id: int = row_of("organisation.id")
    address_link_sha256: str | None = Field(default=None, sa_type=Sha256)
    """Of the newest link that confirms another e-mail address; None once it is used."""
    active: bool = Field(default=True, sa_type=Boolean)
    created_at: datetime = Field(sa_type=UtcDateTime)


class Membership(Table, table=True):
    """One role of one person in one engagement, possibly for a time."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("user_id", "engagement_id", "role"),)

    id: int = row_key()
    user_id: int = row_of("user_account.id", index=False)
    engagement_id: int = row_of("engagement.id")
    role: Role = Field(sa_type=text_of(Role, "role"))
    starts_on: date | None = Field(default=None, sa_type=Date)
    """First day of the role; None is since ever."""
    ends_on: date | None = Field(default=None, sa_type=Date)
    """Last day of the role; None is until further notice."""


class OperatorTerm(Table, table=True):
    """A person who runs the installation, possibly for a time; it opens no engagement."""

    __tablename__ = "operator_term"
    __tenancy__ = no_tenant("a role in the installation opens no engagement")

    id: int = row_key()
    user_id: int = row_of("user_account.id")
    starts_on: date | None = Field(default=None, sa_type=Date)
    """First day; None is since ever."""
    ends_on: date | None = Field(default=None, sa_type=Date)
    """Last day; None is until further notice."""
    granted_at: datetime = Field(sa_type=UtcDateTime)
