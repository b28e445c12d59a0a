"""Columns as the revisions write them down. Past revisions use this: it may grow, never change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def row_of(table: str, column: str, target: str, *, nullable: bool = False) -> sa.Column[int]:
    """A column that refers to a row of `target`, which can't be deleted while referred to."""
    name = f"fk_{table}_{column}_{target}"
    return sa.Column(
        column,
        KEY,
        sa.ForeignKey(f"{target}.id", name=name, ondelete="RESTRICT"),
        nullable=nullable,
    )


def one_of(table: str, column: str, *values: str) -> sa.CheckConstraint:
    """The constraint that a text column holds one of `values`."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}"))
