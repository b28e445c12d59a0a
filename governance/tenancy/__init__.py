"""Tenancy: which engagements a session sees, and that it touches no others.

Whoever declares a table imports from here, so no table is used without its sessions' checks.
"""

from __future__ import annotations

from governance.tenancy.rules import TenancyError, no_tenant, own, through
from governance.tenancy.sessions import (
    EVERYTHING,
    NO_ENGAGEMENT,
    ForeignRow,
    Sees,
    Unbound,
    Unguarded,
    beyond_tenancy,
    bind,
    narrow,
    seeing,
    seen_by,
)

__all__ = [
    "EVERYTHING",
    "NO_ENGAGEMENT",
    "ForeignRow",
    "Sees",
    "TenancyError",
    "Unbound",
    "Unguarded",
    "beyond_tenancy",
    "bind",
    "narrow",
    "no_tenant",
    "own",
    "seeing",
    "seen_by",
    "through",
]
