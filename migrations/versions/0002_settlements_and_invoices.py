"""The tables of measurements, service credits, settlements and fee invoices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import KEY, MOMENT, one_of, row_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _measured_period()
    _measurement()
    _service_credit_total()
    _service_credit()
    _settlement()
    _settlement_document()
    _settlement_evidence()
    _invoice_series()
    _fee_invoice()
    _fee_invoice_line()


def _measured_period() -> None:
    op.create_table(
        "measured_period",
        sa.Column("id", KEY, nullable=False),
        row_of("measured_period", "engagement_id", "engagement"),
        row_of("measured_period", "contract_version_id", "contract_version"),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("warnings_json", sa.Text(), nullable=False),
        sa.Column("measured_at", MOMENT, nullable=False),
        row_of("measured_period", "measured_by_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_measured_period"),
    )
    op.create_index(
        "ix_measured_period_contract_version_id", "measured_period", ["contract_version_id"]
    )
    op.create_index(
        "ix_measured_period_engagement_id_period_start",
        "measured_period",
        ["engagement_id", "period_start"],
    )
    op.create_index("ix_measured_period_measured_by_id", "measured_period", ["measured_by_id"])


def _measurement() -> None:
    op.create_table(
        "measurement",
        sa.Column("id", KEY, nullable=False),
        row_of("measurement", "measured_period_id", "measured_period"),
        sa.Column("service_level", sa.Text(), nullable=False),
        sa.Column("kpi", sa.Text(), nullable=False),
        sa.Column("parameters_json", sa.Text(), nullable=False),
        sa.Column("window_start", sa.Date(), nullable=False),
        sa.Column("window_end", sa.Date(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("direction", sa.String(40), nullable=False),
        sa.Column("unrounded", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("minimum", sa.Text(), nullable=True),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("consequential", sa.Boolean(), nullable=False),
        sa.Column("numerator", sa.Text(), nullable=True),
        sa.Column("denominator", sa.Text(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("evidence_json", sa.Text(), nullable=False),
        sa.Column("definition_sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_measurement"),
        one_of("measurement", "direction", "higher_is_better", "lower_is_better"),
        one_of(
            "measurement", "status", "met", "below_expected", "below_minimum", "no_data", "excused"
        ),
        sa.UniqueConstraint(
            "measured_period_id",
            "service_level",
            name="uq_measurement_measured_period_id_service_level",
        ),
    )


def _service_credit_total() -> None:
    op.create_table(
        "service_credit_total",
        sa.Column("id", KEY, nullable=False),
        row_of("service_credit_total", "measured_period_id", "measured_period"),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("base_minor", sa.BigInteger(), nullable=False),
        sa.Column("cap_minor", sa.BigInteger(), nullable=True),
        sa.Column("before_cap_minor", sa.BigInteger(), nullable=False),
        sa.Column("credit_minor", sa.BigInteger(), nullable=False),
        sa.Column("earned_back_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_service_credit_total"),
    )
    op.create_index(
        "ix_service_credit_total_measured_period_id", "service_credit_total", ["measured_period_id"]
    )


def _service_credit() -> None:
    op.create_table(
        "service_credit",
        sa.Column("id", KEY, nullable=False),
        row_of("service_credit", "total_id", "service_credit_total"),
        sa.Column("service_level", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("before_cap_minor", sa.BigInteger(), nullable=False),
        sa.Column("credit_minor", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.Text(), nullable=True),
        sa.Column("multiplier", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_service_credit"),
        one_of(
            "service_credit",
            "status",
            "met",
            "below_expected",
            "below_minimum",
            "no_data",
            "excused",
        ),
        sa.UniqueConstraint(
            "total_id", "service_level", name="uq_service_credit_total_id_service_level"
        ),
    )


def _settlement() -> None:
    op.create_table(
        "settlement",
        sa.Column("id", KEY, nullable=False),
        row_of("settlement", "engagement_id", "engagement"),
        row_of("settlement", "contract_version_id", "contract_version"),
        row_of("settlement", "measured_period_id", "measured_period"),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("settled_at", MOMENT, nullable=False),
        row_of("settlement", "settled_by_id", "user_account"),
        sa.Column("superseded_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_settlement"),
    )
    op.create_index("ix_settlement_contract_version_id", "settlement", ["contract_version_id"])
    op.create_index("ix_settlement_measured_period_id", "settlement", ["measured_period_id"])
    op.create_index("ix_settlement_settled_by_id", "settlement", ["settled_by_id"])
    op.create_index(
        "uq_settlement_current",
        "settlement",
        ["engagement_id", "period_start", "period_end"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )


def _settlement_document() -> None:
    op.create_table(
        "settlement_document",
        sa.Column("id", KEY, nullable=False),
        row_of("settlement_document", "settlement_id", "settlement"),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_settlement_document"),
        one_of(
            "settlement_document",
            "kind",
            "measurements.json",
            "credits.json",
            "invoice.json",
            "invoice.pdf",
            "pack.pdf",
        ),
        sa.UniqueConstraint(
            "settlement_id", "kind", name="uq_settlement_document_settlement_id_kind"
        ),
    )


def _settlement_evidence() -> None:
    op.create_table(
        "settlement_evidence",
        sa.Column("id", KEY, nullable=False),
        row_of("settlement_evidence", "settlement_id", "settlement"),
        row_of("settlement_evidence", "evidence_table_id", "evidence_table"),
        sa.PrimaryKeyConstraint("id", name="pk_settlement_evidence"),
        sa.UniqueConstraint(
            "settlement_id",
            "evidence_table_id",
            name="uq_settlement_evidence_settlement_id_evidence_table_id",
        ),
    )
    op.create_index(
        "ix_settlement_evidence_evidence_table_id", "settlement_evidence", ["evidence_table_id"]
    )


def _invoice_series() -> None:
    op.create_table(
        "invoice_series",
        sa.Column("id", KEY, nullable=False),
        row_of("invoice_series", "provider_id", "organisation"),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invoice_series"),
        sa.UniqueConstraint(
            "provider_id", "pattern", "year", name="uq_invoice_series_provider_id_pattern_year"
        ),
    )


def _fee_invoice() -> None:
    op.create_table(
        "fee_invoice",
        sa.Column("id", KEY, nullable=False),
        row_of("fee_invoice", "engagement_id", "engagement"),
        row_of("fee_invoice", "provider_id", "organisation"),
        row_of("fee_invoice", "settlement_id", "settlement"),
        sa.Column("state", sa.String(40), nullable=False),
        row_of("fee_invoice", "series_id", "invoice_series", nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("purchase_order", sa.Text(), nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=False),
        sa.Column("service_credit_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("withholding_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("payable_minor", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("issued_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_fee_invoice"),
        sa.CheckConstraint(
            "state <> 'issued' OR (number IS NOT NULL AND sequence IS NOT NULL"
            " AND issued_on IS NOT NULL AND due_on IS NOT NULL)",
            name=op.f("ck_fee_invoice_issued_is_numbered"),
        ),
        sa.CheckConstraint(
            "payable_minor = total_minor - withholding_minor",
            name=op.f("ck_fee_invoice_payable_adds_up"),
        ),
        one_of("fee_invoice", "state", "draft", "issued", "superseded"),
        sa.CheckConstraint(
            "total_minor = subtotal_minor - service_credit_minor + tax_minor",
            name=op.f("ck_fee_invoice_total_adds_up"),
        ),
        sa.UniqueConstraint("provider_id", "number", name="uq_fee_invoice_provider_id_number"),
        sa.UniqueConstraint("series_id", "sequence", name="uq_fee_invoice_series_id_sequence"),
    )
    op.create_index("ix_fee_invoice_engagement_id", "fee_invoice", ["engagement_id"])
    op.create_index("ix_fee_invoice_settlement_id", "fee_invoice", ["settlement_id"])


def _fee_invoice_line() -> None:
    op.create_table(
        "fee_invoice_line",
        sa.Column("id", KEY, nullable=False),
        row_of("fee_invoice_line", "invoice_id", "fee_invoice"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("charge", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_category", sa.Text(), nullable=False),
        sa.Column("tax_rate", sa.Text(), nullable=False),
        sa.Column("steps_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fee_invoice_line"),
        sa.UniqueConstraint(
            "invoice_id", "position", name="uq_fee_invoice_line_invoice_id_position"
        ),
    )
