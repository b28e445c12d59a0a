"""Figures go from the provider to the client, item by item, and are sealed.

What the client had accepted becomes submitted, agreed and sealed, by the same persons.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import rfc8785
import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_NEVER_CHANGED = ("review_remark", "figures_seal", "kpi_definition")
_ACTS = (
    *("submit", "recall", "begin", "agree", "contest", "withdraw", "reply", "propose"),
    *("accept", "refuse", "seal"),
)
_SUBMITTED = (
    "id, review_id, number, measured_period_id, prepared_by_id, submitted_at, submitted_by_id, note"
)
_SET_ONCE = ("begun_at", "begun_by_id", "recalled_at", "recalled_by_id", "replaced_at")


def upgrade() -> None:
    _kpi_definition()
    _period_review()
    _figures_submission()
    _review_item()
    _review_remark()
    _figures_seal()
    _seal_what_was_accepted()
    op.drop_table("figures_acceptance")
    for table in _NEVER_CHANGED:
        _refuse(table, "UPDATE")
        _refuse(table, "DELETE")
    _refuse("figures_submission", "UPDATE", f"OF {_SUBMITTED}")
    for column in _SET_ONCE:
        _refuse("figures_submission", "UPDATE", f"OF {column}", f"OLD.{column} IS NOT NULL", column)
    for table in ("figures_submission", "period_review", "review_item"):
        _refuse(table, "DELETE")
    _refuse("period_review", "UPDATE")
    _refuse_truncation()


def downgrade() -> None:
    """Seals can't be taken back: a backup from before the upgrade can be restored."""
    raise NotImplementedError("sealed figures can't be unsealed; restore a backup")


def _kpi_definition() -> None:
    op.create_table(
        "kpi_definition",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_kpi_definition"),
    )


def _period_review() -> None:
    op.create_table(
        "period_review",
        sa.Column("id", KEY, nullable=False),
        row_of("period_review", "engagement_id", "engagement"),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("restatement", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_period_review"),
        sa.UniqueConstraint(
            "engagement_id",
            "period_start",
            "period_end",
            "restatement",
            name="uq_period_review_period",
        ),
    )


def _figures_submission() -> None:
    op.create_table(
        "figures_submission",
        sa.Column("id", KEY, nullable=False),
        row_of("figures_submission", "review_id", "period_review"),
        sa.Column("number", sa.Integer(), nullable=False),
        row_of("figures_submission", "measured_period_id", "measured_period"),
        row_of("figures_submission", "prepared_by_id", "user_account"),
        sa.Column("submitted_at", MOMENT, nullable=False),
        row_of("figures_submission", "submitted_by_id", "user_account"),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=True),
        row_of("figures_submission", "begun_by_id", "user_account", nullable=True),
        sa.Column("recalled_at", MOMENT, nullable=True),
        row_of("figures_submission", "recalled_by_id", "user_account", nullable=True),
        sa.Column("replaced_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_figures_submission"),
        sa.UniqueConstraint("review_id", "number", name="uq_figures_submission_review_id_number"),
    )
    _indexes(
        "figures_submission",
        "begun_by_id",
        "measured_period_id",
        "prepared_by_id",
        "recalled_by_id",
        "submitted_by_id",
    )


def _review_item() -> None:
    op.create_table(
        "review_item",
        sa.Column("id", KEY, nullable=False),
        row_of("review_item", "review_id", "period_review"),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("earlier_figure", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("inputs_sha256", sa.String(64), nullable=False),
        sa.Column("changed", sa.Boolean(), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("agreed_at", MOMENT, nullable=True),
        row_of("review_item", "agreed_by_id", "user_account", nullable=True),
        sa.Column("proposal_id", KEY, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_review_item"),
        sa.UniqueConstraint("review_id", "kind", "key", name="uq_review_item_review_id_kind_key"),
        one_of("review_item", "kind", "service_level", "charge"),
        one_of("review_item", "state", "open", "agreed", "contested", "proposed", "decided"),
    )
    _indexes("review_item", "agreed_by_id")


def _review_remark() -> None:
    op.create_table(
        "review_remark",
        sa.Column("id", KEY, nullable=False),
        row_of("review_remark", "item_id", "review_item"),
        row_of("review_remark", "submission_id", "figures_submission"),
        sa.Column("act", sa.String(40), nullable=False),
        sa.Column("side", sa.String(40), nullable=False),
        row_of("review_remark", "made_by_id", "user_account"),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("ruling", sa.String(40), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_review_remark"),
        one_of("review_remark", "act", *_ACTS),
        one_of("review_remark", "side", "client", "provider"),
        one_of("review_remark", "ruling", "value", "excused", "upheld"),
    )
    _indexes("review_remark", "item_id", "made_by_id", "submission_id")


def _figures_seal() -> None:
    op.create_table(
        "figures_seal",
        sa.Column("id", KEY, nullable=False),
        row_of("figures_seal", "review_id", "period_review"),
        row_of("figures_seal", "submission_id", "figures_submission"),
        row_of("figures_seal", "measured_period_id", "measured_period"),
        row_of("figures_seal", "contract_version_id", "contract_version"),
        sa.Column("sealed_at", MOMENT, nullable=False),
        row_of("figures_seal", "sealed_by_id", "user_account"),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_figures_seal"),
        sa.UniqueConstraint("review_id", name="uq_figures_seal_review_id"),
        sa.UniqueConstraint("measured_period_id", name="uq_figures_seal_measured_period_id"),
    )
    _indexes("figures_seal", "contract_version_id", "sealed_by_id", "submission_id")


def _indexes(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])


_ACCEPTED = """
    SELECT settlement.id, settlement.engagement_id, settlement.period_start,
           settlement.period_end, settlement.measured_period_id, settlement.contract_version_id,
           settlement.settled_at, settlement.settled_by_id, settlement.superseded_at,
           figures_acceptance.accepted_at, figures_acceptance.accepted_by_id,
           contract_version.number AS version, contract_version.sha256 AS contract_sha256,
           contract_version.document AS contract, engagement.reference, engagement.title
    FROM figures_acceptance
    JOIN settlement ON settlement.id = figures_acceptance.settlement_id
    JOIN contract_version ON contract_version.id = settlement.contract_version_id
    JOIN engagement ON engagement.id = settlement.engagement_id
    ORDER BY settlement.id
"""


def _seal_what_was_accepted() -> None:
    """Settlements that others replaced since stay submissions; the current ones are sealed."""
    moments = dict.fromkeys(("settled_at", "accepted_at", "superseded_at"), MOMENT)
    days = {name: sa.Date() for name in ("period_start", "period_end")}
    found = op.get_bind().execute(sa.text(_ACCEPTED).columns(**moments, **days)).mappings().all()
    reviews: dict[tuple[Any, ...], tuple[int, int]] = {}
    for row in found:
        period = (row["engagement_id"], row["period_start"], row["period_end"])
        review, number = reviews.get(period) or (_review(row), 0)
        reviews[period] = (review, number + 1)
        submission = _submission(row, review, number + 1)
        if row["superseded_at"] is None:
            _seal(row, review, submission)


def _review(row: Any) -> int:
    return _insert(
        "period_review",
        engagement_id=row["engagement_id"],
        period_start=(row["period_start"], sa.Date()),
        period_end=(row["period_end"], sa.Date()),
        restatement=0,
    )


def _submission(row: Any, review: int, number: int) -> int:
    return _insert(
        "figures_submission",
        review_id=review,
        number=number,
        measured_period_id=row["measured_period_id"],
        prepared_by_id=row["settled_by_id"],
        submitted_at=(row["settled_at"], MOMENT),
        submitted_by_id=row["settled_by_id"],
        note="",
        begun_at=(row["accepted_at"], MOMENT),
        begun_by_id=row["accepted_by_id"],
        replaced_at=(row["superseded_at"], MOMENT),
    )


def _seal(row: Any, review: int, submission: int) -> None:
    documents = _documents(row["id"])
    items = list(_items(documents))
    for position, item in enumerate(items, start=1):
        _insert(
            "review_item",
            review_id=review,
            position=position,
            **item,
            changed=(False, sa.Boolean()),
            present=(True, sa.Boolean()),
            state="agreed",
            agreed_at=(row["accepted_at"], MOMENT),
            agreed_by_id=row["accepted_by_id"],
        )
    document = rfc8785.dumps(_sealed(row, documents, items))
    _insert(
        "figures_seal",
        review_id=review,
        submission_id=submission,
        measured_period_id=row["measured_period_id"],
        contract_version_id=row["contract_version_id"],
        sealed_at=(row["accepted_at"], MOMENT),
        sealed_by_id=row["accepted_by_id"],
        sha256=sha256(document).hexdigest(),
        document=(document, sa.LargeBinary()),
    )


def _insert(table: str, **values: Any) -> int:
    """The new row's id; a value may come with the type of its column."""
    typed = {
        name: value if isinstance(value, tuple) else (value, None) for name, value in values.items()
    }
    columns = [sa.column(name, type_) for name, (_, type_) in typed.items()]
    target = sa.table(table, sa.column("id", KEY), *columns)
    made = op.get_bind().execute(
        sa.insert(target)
        .values({name: value for name, (value, _) in typed.items()})
        .returning(target.c.id)
    )
    return int(made.scalar_one())


def _documents(settlement: int) -> dict[str, Any]:
    """The figures as they were settled, by the document's name."""
    rows = op.get_bind().execute(
        sa.text(
            "SELECT kind, data FROM settlement_document WHERE settlement_id = :settlement"
            " AND kind IN ('measurements.json', 'credits.json', 'invoice.json')"
        ).columns(data=sa.LargeBinary()),
        {"settlement": settlement},
    )
    return {row.kind.removesuffix(".json"): json.loads(row.data) for row in rows}


def _items(documents: dict[str, Any]) -> Iterator[dict[str, Any]]:
    currency = documents["invoice"]["currency"]
    for result in documents["measurements"]["results"]:
        text = "no data" if result["value"] is None else f"{result['value']} {result['unit']}"
        yield _item("service_level", result["service_level"], text, result)
    lines = documents["invoice"]["lines"]
    seen: Counter[str] = Counter()
    for line in lines:
        seen[line["charge"]] += 1
        number = seen[line["charge"]]
        key = line["charge"] if number == 1 else f"{line['charge']}/{number}"
        text = f"{line['quantity']} {line['unit']}, {currency} {line['amount']}"
        yield _item("charge", key, text, line) | {"label": line["title"]}


def _item(kind: str, key: str, text: str, stated: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": kind,
        "key": key,
        "label": key,
        "figure": text,
        "inputs_sha256": sha256(rfc8785.dumps(stated)).hexdigest(),
    }


def _sealed(row: Any, documents: dict[str, Any], items: list[dict[str, Any]]) -> dict[str, Any]:
    """What a seal states, as far as it was kept before there were any."""
    accepted = row["accepted_at"].strftime("%Y-%m-%dT%H:%M:%SZ")
    settled = row["settled_at"].strftime("%Y-%m-%dT%H:%M:%SZ")
    evidence = {
        (one["dataset"], one["sha256"])
        for result in documents["measurements"]["results"]
        for one in result["evidence"]
    } | {(one["dataset"], one["sha256"]) for one in documents["invoice"]["evidence"]}
    return {
        "plumbline_seal": 1,
        "engagement": {"reference": row["reference"], "title": row["title"]},
        "period": {
            "start": row["period_start"].isoformat(),
            "end": row["period_end"].isoformat(),
        },
        "restatement": 0,
        "contract": {
            "version": row["version"],
            "sha256": row["contract_sha256"],
            "document": bytes(row["contract"]).decode(),
        },
        "measurements": documents["measurements"],
        "credits": documents["credits"],
        "invoice": documents["invoice"],
        "evidence": [{"dataset": name, "sha256": sha} for name, sha in sorted(evidence)],
        "definitions": [],
        "calendars": None,
        "relief": None,
        "decisions": [],
        "items": [
            {**item, "agreed_by": row["accepted_by_id"], "agreed_at": accepted} for item in items
        ],
        "submitted": {
            "by": row["settled_by_id"],
            "at": settled,
            "prepared_by": row["settled_by_id"],
        },
        "sealed": {"by": row["accepted_by_id"], "at": accepted},
    }


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _refuse(table: str, operation: str, of: str = "", when: str = "", suffix: str = "") -> None:
    name = "_".join(part for part in (table, "no", operation.lower(), suffix) if part)
    condition = f"WHEN ({when})" if when else ""
    action = (
        "EXECUTE FUNCTION refuse_change()"
        if _on_postgresql()
        else "BEGIN SELECT RAISE(ABORT,"
        f" '{operation} of {table} is refused: rows are only ever added'); END"
    )
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {operation} {of} ON {table}"
        f" FOR EACH ROW {condition} {action}"
    )


def _refuse_truncation() -> None:
    """SQLite has no TRUNCATE; on PostgreSQL it would pass the triggers of single rows by."""
    if not _on_postgresql():
        return
    tables = (*_NEVER_CHANGED, "figures_submission", "period_review", "review_item")
    for table in tables:
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
