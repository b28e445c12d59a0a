"""Tables without their criterion are found in the text of a statement."""

from __future__ import annotations

import pytest

from governance.tenancy.statements import unguarded

_WORDS = {"OWN": "engagement.id IN (SEEN)", "SEEN": "__[POSTCOMPILE_sees_1]"}
"""What stands for a criterion below."""


@pytest.mark.parametrize(
    ("sql", "bare"),
    [
        ("SELECT engagement.id FROM engagement WHERE OWN", ""),
        ("SELECT engagement.id FROM engagement", "engagement"),
        ('SELECT 1 FROM "Engagement"', "engagement"),
        ("SELECT 1 FROM public.engagement", "engagement"),
        ("SELECT 1 FROM engagement e WHERE e.id IN (1)", "engagement"),
        ("SELECT 1 FROM engagement AS e WHERE e.id IN (SEEN)", ""),
        ("SELECT 1 FROM engagement AS e WHERE OWN", "engagement"),
        ("SELECT 1 FROM engagement AS e, engagement WHERE OWN", "engagement"),
        ("SELECT 1 FROM engagement WHERE OWN UNION SELECT 1 FROM engagement", "engagement"),
        ("SELECT 1 FROM engagement UNION SELECT 1 FROM engagement WHERE OWN", "engagement"),
        ("SELECT 1 FROM engagement WHERE id IN (SELECT 1 FROM engagement WHERE OWN)", "engagement"),
        ("SELECT (SELECT 1 FROM engagement) FROM engagement WHERE OWN", "engagement"),
        ("SELECT 1 FROM engagement WHERE EXISTS (SELECT 1 WHERE OWN)", ""),
        ("SELECT 1 FROM a FULL OUTER JOIN engagement ON OWN", "engagement"),
        ("SELECT 1 FROM engagement WHERE engagement.id IN (__[POSTCOMPILE_id_1])", "engagement"),
        ("SELECT 1 FROM engagement WHERE engagement.client_id IN (SEEN)", "engagement"),
        ("SELECT 1 FROM membership WHERE membership.id IN (SEEN)", "membership"),
        ("INSERT INTO engagement (id) VALUES (1)", "engagement"),
        ("UPDATE engagement SET id = 1 WHERE OWN", ""),
        ("DELETE FROM engagement", "engagement"),
        ("SELECT engagement_id FROM organisation", ""),
    ],
)
def test_statements_are_read(sql: str, bare: str) -> None:
    for short, full in _WORDS.items():
        sql = sql.replace(short, full)
    assert unguarded(sql, writes_checked_rows=False) == ({bare} if bare else set())


@pytest.mark.parametrize(
    ("sql", "bare"),
    [
        ("INSERT INTO engagement (id) VALUES (1)", ""),
        ("UPDATE engagement SET id = 1 WHERE engagement.id = 1", ""),
        ("DELETE FROM engagement WHERE engagement.id = 1", ""),
        ("SELECT 1 FROM engagement", "engagement"),
        ("INSERT INTO organisation SELECT * FROM engagement", "engagement"),
        ("UPDATE engagement SET id = (SELECT 1 FROM engagement)", "engagement"),
    ],
)
def test_only_the_table_written_by_a_flush_needs_no_criterion(sql: str, bare: str) -> None:
    assert unguarded(sql, writes_checked_rows=True) == ({bare} if bare else set())
