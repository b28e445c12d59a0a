"""What the access policy answers to who may not do something, or not now."""

from __future__ import annotations

from governance.access_terms import Permission, State

OWN = {
    Permission.ACCEPT_CONTRACT: "you added this version; another person has to accept it",
    Permission.REVIEW_FIGURES: "these figures are your own; another person has to review them",
    Permission.DECIDE_FIGURES: "you proposed this; a person of the other side has to answer",
    Permission.ACCEPT_FIGURES: "these figures are your own; another person has to seal them",
    Permission.DECIDE_RELIEF: "you proposed this relief; a person of the client has to decide",
    Permission.APPROVE_INVOICE: (
        "you settled this period or checked its invoice; another person has to approve it"
    ),
    Permission.ISSUE_INVOICE: "you settled this period; another person has to issue its invoice",
    Permission.APPROVE_WRITE_OFF: "you proposed this write-off; another person has to approve it",
    Permission.APPROVE_CREDIT_NOTE: (
        "you drew up this credit note; another person has to approve it"
    ),
    Permission.GRANT_EXCEPTION: "nobody grants an exception to themselves; another chair has to",
}
"""By approval, what who prepared it is told."""
_DISCUSSED = (
    Permission.SUBMIT_FIGURES,
    Permission.REVIEW_FIGURES,
    Permission.DISCUSS_FIGURES,
    Permission.DECIDE_FIGURES,
    Permission.ACCEPT_FIGURES,
)
NOT_NOW = (
    {
        (permission, state): why
        for permission in _DISCUSSED
        for state, why in (
            (State.SEALED, "the period's figures are sealed already"),
            (State.ISSUED, "the period's invoice is issued already"),
        )
    }
    | {
        (Permission.DECIDE_RELIEF, State.OPEN): "the provider has taken it back",
        (Permission.DECIDE_RELIEF, State.AGREED): "it is decided already",
        (Permission.SETTLE_PERIOD, State.ISSUED): "the period's invoice is issued and can't change",
        (Permission.SETTLE_PERIOD, State.SEALED): (
            "the period's figures are sealed; corrected evidence makes a restatement"
        ),
        (Permission.SUBMIT_FIGURES, State.OPEN): "the period isn't settled yet",
        (
            Permission.SUBMIT_FIGURES,
            State.UNDER_REVIEW,
        ): "the client is reviewing the figures already",
        (Permission.SUBMIT_FIGURES, State.AGREED): "the client has agreed to the figures already",
        (Permission.REVIEW_FIGURES, State.OPEN): "the period isn't settled yet",
        (Permission.REVIEW_FIGURES, State.SETTLED): "the provider hasn't submitted the figures yet",
        (Permission.ACCEPT_FIGURES, State.OPEN): "the period isn't settled yet",
        (Permission.ACCEPT_FIGURES, State.SETTLED): "the provider hasn't submitted the figures yet",
        (Permission.ACCEPT_FIGURES, State.SUBMITTED): "no figure is agreed yet",
        (Permission.ACCEPT_FIGURES, State.UNDER_REVIEW): "not every figure is agreed yet",
        (Permission.ACCEPT_CONTRACT, State.ACCEPTED): "this version is accepted already",
    }
    | {
        (permission, state): why
        for permission in (Permission.APPROVE_INVOICE, Permission.ISSUE_INVOICE)
        for state, why in (
            (State.OPEN, "the period isn't settled yet"),
            (State.SETTLED, "the provider hasn't submitted the figures yet"),
            (State.SUBMITTED, "the client hasn't agreed to the figures yet"),
            (State.UNDER_REVIEW, "the client is still reviewing the figures"),
            (State.AGREED, "the client hasn't sealed the figures yet"),
            (State.PROPOSED, "the other side hasn't accepted this version of the contract yet"),
            (State.ISSUED, "the invoice is issued already"),
        )
    }
)
"""By permission and state, why it can't be done as things stand."""
