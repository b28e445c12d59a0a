"""What permissions mean, in words for the people who hand them to a program."""

from __future__ import annotations

from typing import Final

from governance.access import Permission

PERMISSION: Final = {
    Permission.VIEW: "See engagements: terms, results, invoices",
    Permission.ADD_CONTRACT: "Add versions of the contract",
    Permission.ACCEPT_CONTRACT: "Accept versions of the contract",
    Permission.HAND_IN_EVIDENCE: "Hand in evidence",
    Permission.SETTLE_PERIOD: "Settle periods",
    Permission.SUBMIT_FIGURES: "Submit a period's figures to the client",
    Permission.REVIEW_FIGURES: "Agree to figures or contest them",
    Permission.DISCUSS_FIGURES: "Answer on contested figures and propose decisions",
    Permission.DECIDE_FIGURES: "Accept or refuse proposed decisions",
    Permission.ACCEPT_FIGURES: "Seal a period's figures",
    Permission.RESTATE_PERIOD: "Restate sealed periods",
    Permission.PROPOSE_RELIEF: "Claim relief",
    Permission.DECIDE_RELIEF: "Decide on claimed relief",
    Permission.UPDATE_TRENDS: "Bring trends and forecasts up to date",
    Permission.CLAIM_CREDIT: "Claim service credits",
    Permission.CHECK_INVOICE: "Check draft invoices",
    Permission.APPROVE_INVOICE: "Approve checked invoices",
    Permission.ISSUE_INVOICE: "Issue approved invoices",
    Permission.SEND_INVOICE: "Send invoices, credit notes and reminders",
    Permission.RUN_BILLING: "Start billing runs",
    Permission.DISPUTE_INVOICE: "Dispute lines of invoices",
    Permission.RESOLVE_DISPUTE: "Resolve disputed lines",
    Permission.PREPARE_CREDIT_NOTE: "Draw up credit notes",
    Permission.APPROVE_CREDIT_NOTE: "Approve and issue credit notes",
    Permission.RECORD_PAYMENT: "Record payments and match them",
    Permission.WRITE_OFF: "Propose write-offs",
    Permission.APPROVE_WRITE_OFF: "Approve write-offs",
    Permission.EXPORT_JOURNAL: "Export journals for accounting",
    Permission.CHECK_PROVIDER_INVOICE: "Hold the provider's own invoices to the contract",
    Permission.MANAGE_MEMBERS: "Say who belongs to an engagement",
    Permission.VIEW_DUTIES: "See who holds which duties",
    Permission.GRANT_EXCEPTION: "Grant exceptions to separated duties",
    Permission.REVIEW_ACCESS: "Review who has access",
    Permission.VIEW_AUDIT: "Read the audit log",
    Permission.EXPORT_AUDIT: "Export the audit log",
    Permission.MANAGE_USERS: "Manage user accounts",
    Permission.VIEW_OPERATION: "See how the installation is doing",
}
