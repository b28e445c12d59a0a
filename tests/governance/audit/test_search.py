"""Searching the log: the right entries on both databases, by an index each."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.database import session_scope
from governance.access import Actor
from governance.audit.erasure import erase_values
from governance.audit.exports import record_export
from governance.audit.models import Action, AuditEntry
from governance.audit.search import (
    Search,
    count_entries,
    entry_in,
    exports_by_person,
    find_entries,
    history_of,
    people_in,
)
from governance.audit.service import Change, read_entries, record
from governance.errors import NotFound
from governance.tenancy import EVERYTHING
from tests.factories import NOW, actor_of, make_engagement, make_user


class Scene:
    """Two engagements; ada and bob act in the first."""

    def __init__(self, session: Session) -> None:
        self.ada, self.bob = make_user(session), make_user(session)
        self.first = make_engagement(session, actor_of(self.ada)).id
        self.second = make_engagement(session, actor_of(self.bob), "ENG-2").id


@pytest.fixture
def scene(session: Session) -> Scene:
    """The two, with what happened to them when they were opened."""
    return Scene(session)


def _add(
    session: Session, scene: Scene, label: str, *, minutes: int = 0, about: int | None = None
) -> AuditEntry:
    actor = Actor(scene.ada.id, "Ada", NOW + timedelta(minutes=minutes), "r-1")
    change = Change(
        Action.EVIDENCE_REJECTED,
        "evidence_hand_in",
        label,
        label,
        scene.first,
        person_id=about,
    )
    return record(session, actor, change)


def _labels(session: Session, search: Search) -> list[str | None]:
    return [one.subject_label for one in find_entries(session, search)]


def test_newest_come_first_whatever_their_numbers(session: Session, scene: Scene) -> None:
    for label, minutes in (("b", 2), ("a", 1), ("c", 3)):
        _add(session, scene, label, minutes=minutes)
    search = Search(scene.first, kind="evidence_hand_in")
    assert _labels(session, search) == ["c", "b", "a"]
    last = find_entries(session, search, limit=1)[0]
    older = find_entries(session, search, before=last)
    assert [one.subject_label for one in older] == ["b", "a"]


def test_entries_of_the_same_moment_are_paged_without_gaps(session: Session, scene: Scene) -> None:
    for number in range(7):
        _add(session, scene, f"n{number}")
    search = Search(scene.first, kind="evidence_hand_in")
    seen: list[AuditEntry] = []
    while page := find_entries(session, search, before=seen[-1] if seen else None, limit=3):
        seen += page
    assert [one.subject_label for one in seen] == [f"n{n}" for n in reversed(range(7))]
    assert all((a.at, a.id) > (b.at, b.id) for a, b in pairwise(seen))


@pytest.mark.parametrize(
    ("label", "found"),
    [("CW-1", 2), ("CW-10", 1), ("cw", 0), ("CW%", 0), ("_", 0), ("Ü", 1), ("' OR 1=1", 0)],
)
def test_labels_are_found_by_how_they_begin(
    session: Session, scene: Scene, label: str, found: int
) -> None:
    for one in ("CW-1", "CW-10", "CW-2", "Übersicht"):
        _add(session, scene, one)
    search = Search(scene.first, label=label)
    assert (len(find_entries(session, search)), count_entries(session, search)) == (found, found)


def test_a_person_acts_or_is_concerned_and_counts_once(session: Session, scene: Scene) -> None:
    before = count_entries(session, Search(scene.first, person_id=scene.ada.id))
    _add(session, scene, "own", about=scene.ada.id)
    _add(session, scene, "of bob", about=scene.bob.id)
    assert count_entries(session, Search(scene.first, person_id=scene.ada.id)) == before + 2
    assert _labels(session, Search(scene.first, person_id=scene.bob.id)) == ["of bob"]
    assert [one.id for one in people_in(session, scene.first)] == sorted(
        [scene.ada.id, scene.bob.id]
    )


def test_results_are_counted_as_far_as_it_matters(session: Session, scene: Scene) -> None:
    for number in range(5):
        _add(session, scene, str(number))
    search = Search(scene.first, kind="evidence_hand_in")
    assert [count_entries(session, search, most) for most in (3, 4, 5, 9)] == [4, 5, 5, 5]


def test_times_are_from_and_before(session: Session, scene: Scene) -> None:
    for minutes in range(4):
        _add(session, scene, str(minutes), minutes=minutes)
    since, until = (NOW + timedelta(minutes=n) for n in (1, 3))
    search = Search(scene.first, kind="evidence_hand_in", since=since, until=until)
    assert _labels(session, search) == ["2", "1"]


def test_other_engagements_are_not_there(session: Session, scene: Scene) -> None:
    entry = _add(session, scene, "x")
    for other in (scene.second, None):
        with pytest.raises(NotFound):
            entry_in(session, other, entry.uid)
    with pytest.raises(NotFound):
        history_of(session, scene.second, "evidence_hand_in", "x")
    assert [one.uid for one in history_of(session, scene.first, "evidence_hand_in", "x")] == [
        entry.uid
    ]


def test_exports_are_summed_up_by_person(session: Session, scene: Scene) -> None:
    for user, sha256 in ((scene.ada, "a"), (scene.ada, "a"), (scene.ada, "b"), (scene.bob, "a")):
        actor = actor_of(user)
        record_export(session, actor, scene.first, "f", sha256=sha256 * 64, size=1)
    found = exports_by_person(session, Search(scene.first))
    assert [(one.person_id, one.exports, one.files) for one in found] == [
        (scene.ada.id, 3, 2),
        (scene.bob.id, 1, 1),
    ]
    only = exports_by_person(session, Search(scene.first, person_id=scene.bob.id))
    assert [one.exports for one in only] == [1]


def test_a_reason_is_erased_with_the_person_it_names(session: Session, scene: Scene) -> None:
    texts = ("Ada is ill", f"asked by {scene.ada.email.upper()} today", "nothing of the kind")
    entries = [
        record(
            session,
            actor_of(scene.bob),
            Change(Action.MEMBER_REMOVED, "membership", n, "x", reason=text, person_id=person),
        )
        for n, (text, person) in enumerate(zip(texts, (scene.ada.id, None, None), strict=True))
    ]
    assert [one.reason for one in read_entries(session, entries)] == list(texts)
    assert not any(text.encode() in one.data for text, one in zip(texts, entries, strict=True))
    erase_values(session, scene.ada.id, {scene.ada.email, scene.ada.name})
    reasons = [one.reason for one in read_entries(session, entries)]
    assert reasons == ["[erased]", "[erased]", texts[2]]


def test_each_question_has_its_index(sqlite_engine: Engine) -> None:
    questions = [
        ("engagement_id = 1", "by_time"),
        ("engagement_id = 1 AND actor_id = 1", "by_actor"),
        ("engagement_id = 1 AND person_id = 1", "by_person"),
        ("engagement_id = 1 AND action = 'x'", "by_action"),
        ("engagement_id = 1 AND subject_label >= 'a' AND subject_label < 'b'", "by_label"),
        ("engagement_id IS NULL AND action = 'x'", "by_action"),
        ("engagement_id = 1 AND subject_kind = 'x' AND subject_id = '1'", "by_object"),
        ("engagement_id = 1 AND request_id = 'r'", "by_request"),
    ]
    with session_scope(sqlite_engine, sees=EVERYTHING, read_only=True) as session:
        for where, index in questions:
            order = "" if index == "by_label" else " ORDER BY at DESC, id DESC"
            plan = session.execute(
                text(f"EXPLAIN QUERY PLAN SELECT * FROM audit_entry WHERE {where}{order} LIMIT 9")  # noqa: S608 (our own text)
            )
            words = " ".join(str(row) for row in plan)
            assert f"ix_audit_entry_{index}" in words, where
            assert "TEMP B-TREE" not in words, where
