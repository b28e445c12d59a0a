"""Whether the evidence holds the rows that relief names."""

from __future__ import annotations

from sla.evidence.ledger import Ledger
from sla.evidence.sql import listed
from sla.relief.claims import require_known
from sla.relief.shadowing import ROW_KEYS
from sla.relief.values import Relief


def require_rows(ledger: Ledger, relief: Relief) -> None:
    """BadInput naming the keys that the ledger's evidence doesn't hold."""
    for dataset, keys in relief.rows.items():
        key, wanted = ROW_KEYS[dataset], listed(sorted(keys)) or "NULL"
        # Names are those of ROW_KEYS, which a claim is read against; keys pass as literals.
        query = f"SELECT DISTINCT {key} FROM {dataset} WHERE {key} IN ({wanted})"  # noqa: S608 (see above)
        known = frozenset(str(found) for (found,) in ledger.execute(query, {}).rows)
        require_known(dataset, keys, known)
