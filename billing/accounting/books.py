"""The accounts of each party's books, and how its amounts are shared over cost centres."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal, localcontext

from billing.accounting.values import Account, AccountType, Posting
from billing.invoices.fee_document import DocumentTax
from governance.access_terms import Side
from governance.contract.charges import TaxCategory
from governance.contract.invoicing import Accounts, CostCentre
from governance.values import EXACT, minor_digits, plain

SELF_ASSESSED = frozenset({TaxCategory.REVERSE_CHARGE, TaxCategory.INTRA_COMMUNITY})
"""Supplies whose tax the client declares, and deducts as input tax."""
_CLIENT = Accounts(
    receivable="liabilities:payable",
    revenue="expenses:services",
    service_credits="expenses:service credits",
    tax="assets:input tax",
    withholding="liabilities:withholding tax",
    bank="assets:bank",
    overpayments="assets:prepayments",
    late_payment="expenses:late payment",
    accrued="liabilities:accrued expenses",
)
"""What stands at the client where the provider has the account of that name. The contract names
the provider's accounts only: how the client calls its own is no term between the two."""
_OWN_TAX = "liabilities:tax on purchases"


@dataclass(frozen=True, slots=True)
class Books:
    """One party's accounts: every amount is posted as the provider's, the client's mirrored."""

    side: Side
    accounts: Accounts = field(default_factory=Accounts)
    """The provider's, as the contract names them."""
    cost_centres: tuple[CostCentre, ...] = ()
    own_tax_rate: Decimal | None = None
    """In %: what the client itself declares on supplies whose tax is due from the recipient;
    None where it isn't said, and then nothing is posted for it."""

    @property
    def is_provider(self) -> bool:
        """Whether these are the provider's."""
        return self.side is Side.PROVIDER

    @property
    def sign(self) -> int:
        """What the provider's amounts are multiplied by."""
        return 1 if self.is_provider else -1

    def open(self) -> Account:
        """What the client owes the provider."""
        return self._account("receivable", AccountType.ASSET, AccountType.LIABILITY)

    def fees(self, charge: str) -> Account:
        """Revenue of a charge; the client's expense."""
        own = self.accounts.by_charge.get(charge) if self.is_provider else None
        usual = self._account("revenue", AccountType.REVENUE, AccountType.EXPENSE)
        return Account(own, AccountType.REVENUE) if own else usual

    def service_credits(self) -> Account:
        """What service credits take off."""
        return self._account("service_credits", AccountType.REVENUE, AccountType.EXPENSE)

    def tax(self, tax: DocumentTax) -> Account:
        """Tax of one category and rate; a tax that isn't VAT can't be deducted by the client."""
        if tax.name is not None and not self.is_provider:
            return Account(f"expenses:{_tax_words(tax)}", AccountType.EXPENSE)
        found = self._account("tax", AccountType.LIABILITY, AccountType.ASSET)
        return Account(f"{found.name}:{_tax_words(tax)}", found.type)

    def own_tax(self, tax: DocumentTax) -> Account:
        """Tax that the client declares in the provider's place."""
        return Account(f"{_OWN_TAX}:{_tax_words(tax)}", AccountType.LIABILITY)

    def withholding(self) -> Account:
        """Tax that the client withholds."""
        return self._account("withholding", AccountType.ASSET, AccountType.LIABILITY)

    def bank(self) -> Account:
        """Where payments come in or leave."""
        return self._account("bank", AccountType.ASSET, AccountType.ASSET)

    def on_account(self) -> Account:
        """What was paid and pays no invoice yet."""
        return self._account("overpayments", AccountType.LIABILITY, AccountType.ASSET)

    def write_offs(self) -> Account:
        """What the provider gives up."""
        return Account(self.accounts.write_offs, AccountType.EXPENSE)

    def late_payment(self) -> Account:
        """Interest, lump sums and fees of reminders."""
        return self._account("late_payment", AccountType.REVENUE, AccountType.EXPENSE)

    def accrued(self) -> Account:
        """What is delivered and not billed yet."""
        return self._account("accrued", AccountType.ASSET, AccountType.LIABILITY)

    def _account(self, name: str, provider: AccountType, client: AccountType) -> Account:
        named = self.accounts if self.is_provider else _CLIENT
        return Account(getattr(named, name), provider if self.is_provider else client)

    def posting(self, account: Account, amount: Decimal, reference: str = "") -> Posting:
        """One amount of the provider's, on this side."""
        return Posting(account, self.sign * amount, reference=reference)

    def shared(
        self, account: Account, amount: Decimal, currency: str, reference: str = ""
    ) -> Iterator[Posting]:
        """The same over the cost centres, each with its own purchase order."""
        if not self.cost_centres:
            yield self.posting(account, amount, reference)
            return
        shares = [one.share_percent for one in self.cost_centres]
        parts = split(amount, shares, currency)
        for centre, part in zip(self.cost_centres, parts, strict=True):
            order = centre.purchase_order or ""
            yield Posting(account, self.sign * part, centre.id, order, reference)


def _tax_words(tax: DocumentTax) -> str:
    return f"{tax.name or tax.category.value.replace('_', ' ')} {plain(tax.rate)}%"


def split(amount: Decimal, shares: Sequence[Decimal], currency: str) -> tuple[Decimal, ...]:
    """An amount in parts of whole minor units that add up to it exactly (largest remainder).

    Every part is rounded towards zero first; what is left goes unit by unit to the largest
    remainders, the first among equals. `shares` are positive and need not come to 100. The amount
    itself has no more decimals than its currency.
    """
    places = minor_digits(currency)
    with localcontext(EXACT):
        units = abs(amount).scaleb(places)
        # One division, at the end: exact numerators are what remainders are compared by.
        whole = sum(shares, Decimal(0))
        floors = [(units * share / whole).to_integral_value(ROUND_FLOOR) for share in shares]
        rests = [units * share - floor * whole for share, floor in zip(shares, floors, strict=True)]
        left = int(units - sum(floors, Decimal(0)))
        favoured = sorted(range(len(shares)), key=lambda place: -rests[place])[:left]
        for place in favoured:
            floors[place] += 1
        parts = [part.scaleb(-places).quantize(Decimal(1).scaleb(-places)) for part in floors]
        return tuple(part.copy_negate() if amount < 0 and part else part for part in parts)
