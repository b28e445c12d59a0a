"""Service credits as JSON, with the keys that the contract language fixes."""

from __future__ import annotations

from typing import Any

from governance.values import money_text, plain
from sla.service_credits.values import LevelCredit, ServiceCredits
from sla.service_credits.wording import number_words


def service_credits_json(given: ServiceCredits) -> dict[str, Any]:
    """Stable keys for `--json`; amounts with the currency's decimals, all numbers as text.

    A value has the decimals that it was rounded to or, unrounded, was written with. `points` and
    `multiplier` stand where the method has them; `cap` is null where none is agreed.
    """
    return {
        "period": given.period.label,
        "currency": given.currency,
        "base": money_text(given.base, given.currency),
        "cap": None if given.cap is None else money_text(given.cap, given.currency),
        "service_levels": [_level_json(level, given.currency) for level in given.service_levels],
        "before_cap": money_text(given.before_cap, given.currency),
        "credit": money_text(given.credit, given.currency),
        "earned_back": money_text(given.earned_back, given.currency),
        "net": money_text(given.net, given.currency),
    }


def _level_json(level: LevelCredit, currency: str) -> dict[str, Any]:
    counted = {"points": level.points, "multiplier": level.multiplier}
    return {
        "id": level.id,
        "value": None if level.value is None else number_words(level.value),
        "status": level.status.value,
        **{key: plain(number) for key, number in counted.items() if number is not None},
        "credit": money_text(level.credit, currency),
        "why": level.why,
    }
