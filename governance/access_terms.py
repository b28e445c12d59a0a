"""The words of the access policy: sides, roles, permissions and the states of what they are for."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """The two parties of an engagement."""

    CLIENT = "client"
    PROVIDER = "provider"


class Role(StrEnum):
    """What a person is to an engagement; `operator` is what one is to the installation."""

    PROVIDER_ACCOUNT_MANAGER = "provider_account_manager"
    PROVIDER_FINANCE = "provider_finance"
    CLIENT_COMMITTEE = "client_committee"
    COMMITTEE_CHAIR = "committee_chair"
    CLIENT_FINANCE = "client_finance"
    AUDITOR = "auditor"
    OPERATOR = "operator"

    @property
    def side(self) -> Side | None:
        """The party that the role acts for; None for auditor and operator."""
        return _SIDES.get(self)


_SIDES = {
    Role.PROVIDER_ACCOUNT_MANAGER: Side.PROVIDER,
    Role.PROVIDER_FINANCE: Side.PROVIDER,
    Role.CLIENT_COMMITTEE: Side.CLIENT,
    Role.COMMITTEE_CHAIR: Side.CLIENT,
    Role.CLIENT_FINANCE: Side.CLIENT,
}
LEADS = {Side.PROVIDER: Role.PROVIDER_ACCOUNT_MANAGER, Side.CLIENT: Role.COMMITTEE_CHAIR}
"""Who leads each side, and so says who else belongs to it."""
ENGAGEMENT_ROLES: tuple[Role, ...] = tuple(role for role in Role if role is not Role.OPERATOR)


class Permission(StrEnum):
    """One thing that a person may do, `subject:action`."""

    VIEW = "engagement:view"
    ADD_CONTRACT = "contract:add"
    ACCEPT_CONTRACT = "contract:accept"
    HAND_IN_EVIDENCE = "evidence:hand_in"
    SETTLE_PERIOD = "period:settle"
    SUBMIT_FIGURES = "figures:submit"
    """Hand a settled period over to the client, or take it back."""
    REVIEW_FIGURES = "figures:review"
    """Agree to single figures, or contest them."""
    DISCUSS_FIGURES = "figures:discuss"
    """Answer what the other side contests, and propose how to decide it."""
    DECIDE_FIGURES = "figures:decide"
    """Accept or refuse the decision that the other side proposes."""
    ACCEPT_FIGURES = "figures:accept"
    """Seal a period whose figures are all agreed."""
    RESTATE_PERIOD = "period:restate"
    """Compute a sealed period anew, beside its sealed figures."""
    PROPOSE_RELIEF = "relief:propose"
    """Claim that rows, time or whole service levels don't count, or take a claim back."""
    DECIDE_RELIEF = "relief:decide"
    """Grant such a claim, wholly or in part, or refuse it."""
    CLAIM_CREDIT = "credit:claim"
    """Claim a period's service credit for the client, before it lapses."""
    CHECK_INVOICE = "invoice:check"
    """Say that a draft has been looked over, or take that back."""
    APPROVE_INVOICE = "invoice:approve"
    """Approve a checked invoice, as another person and up to one's limit."""
    ISSUE_INVOICE = "invoice:issue"
    """Number an approved invoice and freeze it."""
    SEND_INVOICE = "invoice:send"
    """Send issued invoices, credit notes and reminders."""
    RUN_BILLING = "billing:run"
    """Start, pause and cancel billing runs."""
    DISPUTE_INVOICE = "invoice:dispute"
    """Dispute lines of an issued invoice for the client, or withdraw that."""
    RESOLVE_DISPUTE = "dispute:resolve"
    """Uphold a disputed line, or accept it by a credit note."""
    PREPARE_CREDIT_NOTE = "credit_note:prepare"
    """Draw up a credit note for lines of an issued invoice."""
    APPROVE_CREDIT_NOTE = "credit_note:approve"
    """Approve and issue a credit note, as another person and up to one's limit."""
    RECORD_PAYMENT = "payment:record"
    """Record or import payments and confirm what they pay."""
    WRITE_OFF = "payment:write_off"
    """Propose that what is open on an invoice be written off."""
    APPROVE_WRITE_OFF = "payment:approve_write_off"
    """Approve that, as another person."""
    EXPORT_JOURNAL = "journal:export"
    """Hand postings, accruals and reconciliations over to accounting."""
    CHECK_PROVIDER_INVOICE = "provider_invoice:check"
    """Hold an invoice of the provider's own system to contract and evidence, for the client."""
    MANAGE_MEMBERS = "members:manage"
    VIEW_DUTIES = "duties:view"
    GRANT_EXCEPTION = "exception:grant"
    REVIEW_ACCESS = "access:review"
    UPDATE_TRENDS = "trends:update"
    VIEW_AUDIT = "audit:view"
    EXPORT_AUDIT = "audit:export"
    MANAGE_USERS = "users:manage"
    VIEW_OPERATION = "operation:view"

    @property
    def words(self) -> str:
        """What it lets a person do: "approve checked invoices"."""
        return _DEEDS[self]


_DEEDS = {
    Permission.VIEW: "see engagements: terms, results, invoices",
    Permission.ADD_CONTRACT: "add versions of the contract",
    Permission.ACCEPT_CONTRACT: "accept versions of the contract",
    Permission.HAND_IN_EVIDENCE: "hand in evidence",
    Permission.SETTLE_PERIOD: "settle periods",
    Permission.SUBMIT_FIGURES: "submit a period's figures to the client",
    Permission.REVIEW_FIGURES: "agree to figures or contest them",
    Permission.DISCUSS_FIGURES: "answer on contested figures and propose decisions",
    Permission.DECIDE_FIGURES: "accept or refuse proposed decisions",
    Permission.ACCEPT_FIGURES: "seal a period's figures",
    Permission.RESTATE_PERIOD: "restate sealed periods",
    Permission.PROPOSE_RELIEF: "claim relief",
    Permission.DECIDE_RELIEF: "decide on claimed relief",
    Permission.UPDATE_TRENDS: "bring trends and forecasts up to date",
    Permission.CLAIM_CREDIT: "claim service credits",
    Permission.CHECK_INVOICE: "check draft invoices",
    Permission.APPROVE_INVOICE: "approve checked invoices",
    Permission.ISSUE_INVOICE: "issue approved invoices",
    Permission.SEND_INVOICE: "send invoices, credit notes and reminders",
    Permission.RUN_BILLING: "start billing runs",
    Permission.DISPUTE_INVOICE: "dispute lines of invoices",
    Permission.RESOLVE_DISPUTE: "resolve disputed lines",
    Permission.PREPARE_CREDIT_NOTE: "draw up credit notes",
    Permission.APPROVE_CREDIT_NOTE: "approve and issue credit notes",
    Permission.RECORD_PAYMENT: "record payments and match them",
    Permission.WRITE_OFF: "propose write-offs",
    Permission.APPROVE_WRITE_OFF: "approve write-offs",
    Permission.EXPORT_JOURNAL: "export journals for accounting",
    Permission.CHECK_PROVIDER_INVOICE: "hold the provider's own invoices to the contract",
    Permission.MANAGE_MEMBERS: "say who belongs to an engagement",
    Permission.VIEW_DUTIES: "see who holds which duties",
    Permission.GRANT_EXCEPTION: "grant exceptions to separated duties",
    Permission.REVIEW_ACCESS: "review who has access",
    Permission.VIEW_AUDIT: "read the audit log",
    Permission.EXPORT_AUDIT: "export the audit log",
    Permission.MANAGE_USERS: "manage user accounts",
    Permission.VIEW_OPERATION: "see how the installation is doing",
}


class State(StrEnum):
    """Where an object is on its way, as far as the policy asks."""

    OPEN = "open"
    """A period that nobody has settled."""
    SETTLED = "settled"
    """Its figures are computed: the provider's draft."""
    SUBMITTED = "submitted"
    """The provider has handed the figures over to the client."""
    UNDER_REVIEW = "under_review"
    """The client goes through them, item by item."""
    AGREED = "agreed"
    """Every item is agreed or decided, and nothing is sealed yet."""
    SEALED = "sealed"
    """Both sides' figures are frozen; a correction is a restatement."""
    ACCEPTED = "accepted"
    """The other side has accepted a version of the contract."""
    ISSUED = "issued"
    """The period's invoice is numbered and frozen."""
    PROPOSED = "proposed"
    """A version of the contract that one side has added."""
