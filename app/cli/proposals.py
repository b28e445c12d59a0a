"""A proposed import profile as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from governance.contract.messages import did_you_mean
from governance.errors import BadInput, Problem
from sla.evidence.proposal import Answers, Choice, Option, Proposal, profile_yaml, propose


def answered_proposal(file: Path, given: Sequence[str]) -> Proposal:
    """What is proposed for a file with answers written KEY=VALUE.

    Raises BadInput for an answer of another form, and to a question that the file doesn't pose.
    """
    pairs = [each.partition("=") for each in given]
    wrong = [key for key, mark, _ in pairs if not mark]
    if wrong:
        raise BadInput(Problem(f"'{each}' is no answer", allowed="KEY=VALUE") for each in wrong)
    answers = Answers({key.strip(): value for key, _, value in pairs})
    proposal = propose(file, answers, str(file))
    known = [choice.key for choice in proposal.choices]
    unknown = [key for key in answers.given if key not in known]
    if unknown:
        what = "the file doesn't pose the question"
        raise BadInput(
            Problem(f"{what} '{key}'{did_you_mean(key, known)}", allowed=", ".join(known))
            for key in unknown
        )
    return proposal


def proposal_json(proposal: Proposal) -> dict[str, Any]:
    """Stable keys for `--json`."""
    profile = proposal.profile
    return {
        "file": proposal.file,
        "rows": proposal.rows,
        "columns": [asdict(column) for column in proposal.columns],
        "choices": [{**asdict(choice), "open": choice.is_open} for choice in proposal.choices],
        "troubles": [asdict(trouble) for trouble in proposal.troubles],
        "missing": list(proposal.missing),
        "profile": profile_yaml(profile).decode() if profile is not None else None,
    }


def proposal_text(proposal: Proposal, written: Path | None) -> str:
    """What was found, what must be answered, and the profile where it is complete."""
    lines = [f"{proposal.file}: {proposal.rows:,} rows, {len(proposal.columns)} columns"]
    lines += [
        f"  {choice.key}: {choice.chosen or 'none'} ({choice.confidence}: {choice.reason})"
        for choice in proposal.choices
        if not choice.is_open
    ]
    lines += [f"trouble: {trouble.message}" for trouble in proposal.troubles]
    lines += [line for choice in proposal.questions for line in _question(choice)]
    lines += [f"missing: {each}" for each in proposal.missing]
    if proposal.profile is not None:
        if written is not None:
            lines.append(f"written to {written}")
        else:
            lines += ["", profile_yaml(proposal.profile).decode()]
    return "\n".join(lines)


def _question(choice: Choice) -> Iterator[str]:
    yield f"question: {choice.question} {choice.reason[:1].upper()}{choice.reason[1:]}."
    for option in choice.options:
        yield f"  --answer '{choice.key}={option.value}'  {option.label}{_shown(option)}"
    if not choice.options:
        yield f"  --answer '{choice.key}=…'"


def _shown(option: Option) -> str:
    pairs = ", ".join(f"{each.written} is {each.gives}" for each in option.preview)
    return f": {pairs}" if pairs else ""
