"""camt.053 messages as banks send them, put together from their parts."""

from __future__ import annotations

from dataclasses import dataclass

OLD = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"
NEW = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
IBAN = "DE89370400440532013000"


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction of an entry."""

    text: str = ""
    amount: str = ""
    reference: str = ""
    end_to_end: str = ""
    debtor: str = "Nordlicht Handel GmbH"
    iban: str = "DE02120300000000202051"
    more: str = ""


def statement(*entries: str, namespace: str = NEW, account: str = IBAN) -> bytes:
    """A message with one statement of an account."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{namespace}"><BkToCstmrStmt>'
        "<GrpHdr><MsgId>M-1</MsgId></GrpHdr><Stmt><Id>S-1</Id>"
        f"<Acct><Id><IBAN>{account}</IBAN></Id></Acct>{''.join(entries)}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def entry(
    amount: str,
    *transactions: Tx,
    servicer: str = "",
    debit: bool = False,
    reversal: bool = False,
    status: str = "BOOK",
    new: bool = True,
    currency: str = "EUR",
    day: str = "2026-03-02",
) -> str:
    """An entry of a statement, in version 08 or, with new=False, in version 02."""
    status_xml = f"<Sts><Cd>{status}</Cd></Sts>" if new else f"<Sts>{status}</Sts>"
    details = "".join(_details(one, currency, new=new) for one in transactions)
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt>'
        f"<CdtDbtInd>{'DBIT' if debit else 'CRDT'}</CdtDbtInd>"
        + ("<RvslInd>true</RvslInd>" if reversal else "")
        + status_xml
        + f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><DtTm>{day}T00:00:00</DtTm></ValDt>"
        + (f"<AcctSvcrRef>{servicer}</AcctSvcrRef>" if servicer else "")
        + f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def _details(one: Tx, currency: str, *, new: bool) -> str:
    name = f"<Nm>{one.debtor}</Nm>"
    party = f"<Pty>{name}</Pty>" if new else name
    amount = f'<Amt Ccy="{currency}">{one.amount}</Amt>'
    old = f"<AmtDtls><TxAmt>{amount}</TxAmt></AmtDtls>"
    reference = f"<Strd><CdtrRefInf><Ref>{one.reference}</Ref></CdtrRefInf></Strd>"
    return (
        f"<TxDtls><Refs><EndToEndId>{one.end_to_end or 'NOTPROVIDED'}</EndToEndId></Refs>"
        + ((amount if new else old) if one.amount else "")
        + f"<RltdPties><Dbtr>{party}</Dbtr>"
        f"<DbtrAcct><Id><IBAN>{one.iban}</IBAN></Id></DbtrAcct></RltdPties>"
        f"<RmtInf><Ustrd>{one.text}</Ustrd>{reference if one.reference else ''}</RmtInf>"
        f"{one.more}</TxDtls>"
    )
