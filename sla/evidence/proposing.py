"""Propose a profile with a single value, as `governance.bounded` calls it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sla.evidence.limits import DEFAULT, Limits, limited
from sla.evidence.proposal import Answers, Proposal, propose


@dataclass(frozen=True, slots=True)
class Proposing:
    """The file, and what was answered so far."""

    source: Path
    answers: Answers
    limits: Limits = DEFAULT


def propose_for(given: Proposing) -> Proposal:
    """`propose`; raises what it raises."""
    with limited(given.limits):
        return propose(given.source, given.answers)
