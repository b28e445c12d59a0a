"""What the application's own role on PostgreSQL needs, and not a grant more.

The tables belong to another role, which migrates. So the application can neither drop the
triggers that guard recorded rows nor change what the audit log holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.database import METADATA
from governance.errors import BadInput, Problem

_LOG_GRANTS = {
    "audit_entry": ("SELECT", "INSERT", "UPDATE (leaf_index)"),
    "audit_head": ("SELECT", "UPDATE (size, root)"),
    "audit_personal_value": ("SELECT", "INSERT", "DELETE"),
}
"""The log's tables where adding isn't all: an entry is given its place, the head moves on, a
personal value can be erased."""
_LOG = ("SELECT", "INSERT")
_OTHERS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_SCHEMA = "alembic_version"
_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def grants(role: str) -> str:
    """SQL that gives an existing role what the application needs; may be run again.

    To be run by the tables' owner after each migration. Raises BadInput for a name that would
    need quoting.
    """
    if not _ROLE.fullmatch(role):
        allowed = "small letters, digits and _, not beginning with a digit"
        raise BadInput.one(Problem("this is no plain role name", found=role, allowed=allowed))
    return "".join(f"{statement};\n" for statement in _statements(role))


def _statements(role: str) -> Iterator[str]:
    yield "BEGIN"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"
    yield f"GRANT SELECT ON {_SCHEMA} TO {role}"
    for table in sorted(METADATA.tables):
        yield f"GRANT {', '.join(_privileges(table))} ON {table} TO {role}"
    yield "COMMIT"


def _privileges(table: str) -> tuple[str, ...]:
    return _LOG_GRANTS.get(table, _LOG if table.startswith("audit_") else _OTHERS)
