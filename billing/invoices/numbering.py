"""Invoice numbers: the contract's pattern, filled from a series without gaps."""

from __future__ import annotations

from datetime import date

from governance.contract.number_patterns import NUMBER_FIELD
from governance.errors import BadInput, Problem


def check_pattern(pattern: str) -> None:
    """Raise BadInput unless the pattern has {sequence}, and else only {year} or {month}."""
    fields = {match["name"] for match in NUMBER_FIELD.finditer(pattern)}
    rest = NUMBER_FIELD.sub("", pattern)
    if "sequence" not in fields or "{" in rest or "}" in rest:
        raise BadInput.one(
            Problem(
                "this is no pattern for invoice numbers",
                column="invoicing.number",
                found=pattern,
                allowed="text with {sequence}, and {year} and {month} at will, such as"
                ' "CW-{year}-{sequence:05}"',
            )
        )


def starts_anew_each_year(pattern: str) -> bool:
    """Whether the numbers of two years differ by themselves, so that counting may start at 1."""
    return any(match["name"] == "year" for match in NUMBER_FIELD.finditer(pattern))


def invoice_number(pattern: str, issued_on: date, sequence: int) -> str:
    """The number of an invoice issued on a day; BadInput as check_pattern.

    "CW-{year}-{sequence:05}" gives "CW-2026-00017". The series counts on over the months of a
    year also where the number names the month.
    """
    check_pattern(pattern)
    values = {"year": issued_on.year, "month": f"{issued_on.month:02}", "sequence": sequence}
    return NUMBER_FIELD.sub(
        lambda match: str(values[match["name"]]).zfill(int(match["width"] or 0)), pattern
    )
