"""What an amendment changes is said in fields and in words."""

from __future__ import annotations

import pytest

from governance.contract.diff import ChangeKind, diff_contracts
from governance.contract.document import Contract
from governance.contract.reading import read_contract
from tests.governance.contract.documents import FULL, edited


def _read(text: str) -> Contract:
    return read_contract(text.encode(), "contract.yaml")


def _sentences(replace: dict[str, str]) -> list[str]:
    changes = diff_contracts(_read(FULL), _read(edited(replace))).changes
    return [change.sentence for change in changes]


_CH_01 = FULL[FULL.index("  - id: CH-01") : FULL.index("  - id: CH-02")]
_CH_02 = FULL[FULL.index("  - id: CH-02") : FULL.index("  - id: CH-03")]
_TIERS = "Charge CH-02 'Invoices issued': pricing.tiers"
_COMMITMENT = 'minimum_commitment: {amount: "10000.00", per: month}\n'


@pytest.mark.parametrize(
    ("replace", "sentences"),
    [
        ({}, []),
        ({'"85.0"': "85"}, []),
        ({"    prorate: days\n": ""}, []),
        (
            {'"85.0"': '"87.5"'},
            ["Service level SL-01 'Collection effectiveness': expected goes from 85.0 to 87.5"],
        ),
        ({_CH_02: ""}, ["Charge CH-02 'Invoices issued' is removed"]),
        (
            {"id: CH-02": "id: CH-09"},
            [
                "Charge CH-02 'Invoices issued' is removed",
                "Charge CH-09 'Invoices issued' is added",
            ],
        ),
        ({_COMMITMENT: ""}, ["Minimum commitment is removed"]),
        (
            {"  notice_months: 3\n": "", "  ends: 2028-12-31": "  ends: 2030-12-31"},
            [
                "Engagement: ends goes from 2028-12-31 to 2030-12-31",
                "Engagement: notice_months is removed, it was 3",
            ],
        ),
        (
            {'{up_to: 1000, price: "0.50", flat: 5}': "{up_to: 900, price: 0.50, flat: 5}"},
            [f"{_TIERS}[1].up_to goes from 1000 to 900"],
        ),
        (
            {'        - {up_to: 1000, price: "0.50", flat: 5}\n': ""},
            [
                f"{_TIERS}[1].up_to is removed, it was 1000",
                f"{_TIERS}[1].price goes from 0.50 to 0.10",
                f"{_TIERS}[1].flat goes from 5 to 0",
                f"{_TIERS}[2] is removed, it was {{price: 0.10, flat: 0}}",
            ],
        ),
        (
            {"{collections: 50, cash: 50}": "{collections: 50, cash: 40, disputes: 10}"},
            [
                "Service credits: categories.cash goes from 50 to 40",
                "Service credits: categories.disputes is added: 10",
            ],
        ),
        (
            {"functions: [collections, cash_application]": "functions: [collections]"},
            ["Engagement: functions goes from [collections, cash_application] to [collections]"],
        ),
        (
            {"name: Steering committee": "name: Board"},
            ["Governance: committees[0].name goes from Steering committee to Board"],
        ),
    ],
)
def test_changes_in_words(replace: dict[str, str], sentences: list[str]) -> None:
    assert _sentences(replace) == sentences


def test_the_order_of_items_with_an_id_changes_nothing() -> None:
    swapped = FULL.replace(_CH_01 + _CH_02, _CH_02 + _CH_01)
    assert swapped != FULL
    assert diff_contracts(_read(FULL), _read(swapped)).changes == ()


def test_changes_in_fields() -> None:
    diff = diff_contracts(_read(FULL), _read(edited({"    minimum: 55.5\n": ""})))
    assert diff.as_json() == {
        "changed": True,
        "changes": [
            {
                "path": "service_levels[SL-02].minimum",
                "kind": "removed",
                "old": "55.5",
                "new": None,
                "sentence": "Service level SL-02 'Days sales outstanding': "
                "minimum is removed, it was 55.5",
            }
        ],
    }


def test_the_way_back_is_the_mirror_image() -> None:
    old, new = _read(FULL), _read(edited({_CH_02: "", '"85.0"': "90", _COMMITMENT: ""}))
    there, back = diff_contracts(old, new).changes, diff_contracts(new, old).changes
    swap = {
        ChangeKind.ADDED: ChangeKind.REMOVED,
        ChangeKind.REMOVED: ChangeKind.ADDED,
        ChangeKind.CHANGED: ChangeKind.CHANGED,
    }
    assert [(change.path, swap[change.kind], change.new, change.old) for change in there] == [
        (change.path, change.kind, change.old, change.new) for change in back
    ]


def test_an_added_section_is_one_change() -> None:
    bare = _read(FULL[: FULL.index("service_levels:")])
    sentences = [change.sentence for change in diff_contracts(bare, _read(FULL)).changes]
    assert sentences[:3] == [
        "Service level SL-01 'Collection effectiveness' is added",
        "Service level SL-02 'Days sales outstanding' is added",
        "Service credits are added",
    ]
