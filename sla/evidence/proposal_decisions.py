"""How a choice is decided: by the answer, by what the file holds, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from governance.contract.messages import did_you_mean
from governance.errors import BadInput, Problem
from sla.evidence.proposal_values import Answers, Choice, Confidence, Option


@dataclass(frozen=True, slots=True)
class Found:
    """What the file says about a choice."""

    value: str | None
    confidence: Confidence
    reason: str


@dataclass(slots=True)
class Decisions:
    """The choices of one proposal as they are made."""

    answers: Answers
    choices: list[Choice] = field(default_factory=list)

    def decide(
        self,
        key: str,
        question: str,
        options: Sequence[Option],
        found: Found,
        *,
        group: str = "file",
        needed: bool = True,
        free: bool = False,
    ) -> str | None:
        """Note the choice and return what is chosen; `free` allows other texts than the options.

        Raises BadInput for an answer that isn't allowed.
        """
        allowed = {option.value for option in options}
        answer = self.answers.get(key)
        if answer or (answer is not None and answer in allowed):
            if not free and answer not in allowed:
                raise BadInput.one(_not_allowed(key, answer, options))
            found = Found(answer or None, Confidence.CERTAIN, "answered")
        choice = Choice(
            key,
            question,
            tuple(options),
            found.value,
            found.confidence,
            found.reason,
            group,
            needed,
        )
        self.choices.append(choice)
        return choice.chosen


def _not_allowed(key: str, answer: str, options: Sequence[Option]) -> Problem:
    values = [option.value or "(nothing)" for option in options]
    return Problem(
        f"'{answer}' is no answer to the question '{key}'{did_you_mean(answer, values)}",
        column=key,
        found=answer,
        allowed=", ".join(values),
    )
