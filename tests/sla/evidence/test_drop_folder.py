"""What lies in the drop folder is handed in once, put away, or told what is wrong with it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from app.database import actor_scope, session_scope
from app.running import Worker
from governance.access import Actor, Role
from governance.engagements.models import Engagement
from governance.errors import Conflict
from governance.runs.kinds import RunKind
from governance.runs.models import Run
from governance.runs.queries import items_of
from governance.runs.service import NewRun, start_run
from governance.runs.values import ItemState
from governance.tenancy import EVERYTHING
from sla.evidence.drop_folder import DropFolder, copy_all
from sla.evidence.drop_runs import IMPORTS, import_kinds
from sla.evidence.intake import IN_PROCESS
from sla.evidence.models import EvidenceHandIn
from sla.evidence.service import Upload, hand_in
from sla.evidence.store import EvidenceStore
from tests.factories import (
    JANUARY,
    actor_of,
    agree,
    make_contract,
    make_role,
    make_user,
    write_evidence_folder,
)
from tests.governance.runs.pools import InProcess

_REFERENCES = ("A/1", "B-2")


@dataclass
class Dropping:
    """Two engagements of a provider, each with a folder."""

    engine: Engine
    drop: DropFolder
    store: EvidenceStore
    kinds: Mapping[str, RunKind]
    actor: Actor
    engagements: tuple[Engagement, ...]

    def place(self, at: int) -> Path:
        """The folder of an engagement."""
        return self.drop.place(_REFERENCES[at])

    def lay(self, at: int, **files: str) -> None:
        """Put files into it; without any, sound evidence."""
        self.place(at).mkdir(parents=True, exist_ok=True)
        write_evidence_folder(self.place(at), **files)

    def correct(self, at: int) -> None:
        """Have a person hand in the same invoices anew, in another order."""
        lines = (self.place(at) / "invoices.csv").read_text("utf-8").splitlines()
        with tempfile.TemporaryDirectory() as folder:
            corrected = Path(folder) / "invoices.csv"
            corrected.write_text("\n".join([lines[0], *reversed(lines[1:])]), "utf-8")
            upload = Upload(corrected, "corrected")
            with actor_scope(self.engine, self.actor) as session:
                hand_in(session, self.actor, self.engagements[at], upload, self.store)

    def hand_ins(self) -> int:
        """How many there are."""
        with session_scope(self.engine, sees=EVERYTHING, read_only=True) as session:
            return session.scalars(select(func.count()).select_from(EvidenceHandIn)).one()

    def run(self) -> dict[tuple[str, str], tuple[ItemState, str]]:
        """A run over both; what became of each step."""
        new = NewRun(
            self.kinds[IMPORTS], self.engagements[0].provider_id, JANUARY, self.engagements
        )
        with actor_scope(self.engine, self.actor) as session:
            run_id = start_run(session, self.actor, new).id
        worker = Worker(self.engine, self.kinds, InProcess(1), now=lambda: self.actor.at)
        assert worker.work_waiting()
        names = {one.id: one.reference for one in self.engagements}
        with actor_scope(self.engine, self.actor, read_only=True) as session:
            items = items_of(session, session.get_one(Run, run_id), *ItemState)
        return {(names[one.engagement_id], one.step): (one.state, one.text) for one in items}


@pytest.fixture
def dropping(fresh_engine: Engine, tmp_path: Path) -> Dropping:
    """Both engagements, on each database in turn."""
    drop = DropFolder(tmp_path / "drop")
    made = []
    with session_scope(fresh_engine, sees=EVERYTHING) as session:
        lead, starter = make_user(session), make_user(session)
        for reference in _REFERENCES:
            engagement = make_contract(session, actor_of(lead), reference).engagement
            agree(session, engagement)
            make_role(session, engagement, starter, Role.PROVIDER_ACCOUNT_MANAGER)
            made.append(engagement)
    store = EvidenceStore.at(tmp_path / "evidence")
    kinds = import_kinds(drop, store, IN_PROCESS)
    return Dropping(fresh_engine, drop, store, kinds, actor_of(starter), tuple(made))


def test_files_are_handed_in_once_and_put_away(dropping: Dropping) -> None:
    dropping.lay(0)
    names = sorted(path.name for path in dropping.place(0).iterdir())
    done = dropping.run()
    assert done["A/1", "hand_in"][0] is ItemState.DONE
    assert done["A/1", "put_away"] == (ItemState.DONE, f"{len(names)} files put away")
    assert done["B-2", "hand_in"] == (ItemState.SKIPPED, "nothing new lies in its folder")
    assert sorted(path.name for path in (dropping.place(0) / "done").iterdir()) == names
    dropping.lay(0)
    again = dropping.run()
    assert again["A/1", "hand_in"][0] is ItemState.SKIPPED, "the same files aren't read again"
    assert again["A/1", "put_away"][0] is ItemState.DONE
    assert dropping.hand_ins() == 1
    assert [path.name for path in dropping.place(0).iterdir()] == ["done"]


def test_what_was_corrected_since_is_put_away(dropping: Dropping) -> None:
    dropping.lay(0)
    (dropping.place(0) / "done").write_text("in the way", "ascii")
    stuck = dropping.run()
    assert stuck["A/1", "hand_in"][0] is ItemState.DONE
    assert stuck["A/1", "put_away"][0] is ItemState.SET_ASIDE
    (dropping.place(0) / "done").unlink()
    dropping.correct(0)
    assert dropping.run()["A/1", "hand_in"][0] is ItemState.SKIPPED
    assert dropping.hand_ins() == 2
    assert [path.name for path in dropping.place(0).iterdir()] == ["done"]


def test_what_is_refused_stays_and_says_why(dropping: Dropping) -> None:
    dropping.lay(0)
    wrong = dropping.place(0) / "invoices.csv"
    sound = wrong.read_text("utf-8")
    wrong.write_text(sound.replace("2026", "soon", 1), "utf-8")
    done = dropping.run()
    assert done["A/1", "hand_in"][0] is ItemState.SET_ASIDE
    assert "rejected" in done["A/1", "hand_in"][1]
    assert done["A/1", "put_away"][0] is ItemState.SKIPPED
    told = wrong.with_name("invoices.csv.problems.txt").read_text("utf-8")
    assert "invoices.csv, line 2, row 1" in told
    others = [
        path for path in dropping.place(0).glob("*.problems.txt") if "invoices" not in path.name
    ]
    assert "waits for the others" in others[0].read_text("utf-8")
    wrong.write_text(sound, "utf-8")
    assert dropping.run()["A/1", "hand_in"][0] is ItemState.DONE
    assert [path.name for path in dropping.place(0).iterdir()] == ["done"]
    assert dropping.hand_ins() == 1


def test_what_nobody_can_read_says_why(dropping: Dropping) -> None:
    dropping.place(1).mkdir(parents=True)
    (dropping.place(1) / "notes.csv").write_text("what,why\n1,2\n", "utf-8")
    state, why = dropping.run()["B-2", "hand_in"]
    assert state is ItemState.SET_ASIDE
    assert why.endswith("the text files beside them say all")
    assert (dropping.place(1) / "notes.csv.problems.txt").read_text("utf-8")


def test_only_finished_files_of_its_own_are_taken(tmp_path: Path) -> None:
    drop = DropFolder(tmp_path)
    place = drop.place("A/../B")
    assert place.parent == tmp_path, "no reference leads out of the folder"
    place.mkdir()
    for name in (".hidden.csv", "half.csv.part", "bad.csv.problems.txt"):
        (place / name).write_text("x", "ascii")
    (place / "elsewhere.csv").symlink_to("/etc/passwd")
    assert drop.files("A/../B") == ()
    drop.place("linked").symlink_to(place)
    (place / "invoices.csv").write_text("x", "ascii")
    assert drop.files("linked") == ()
    (file,) = drop.files("A/../B")
    file.path.write_text("longer", "ascii")
    with pytest.raises(Conflict, match="still being written"):
        copy_all([file], tmp_path)
    assert drop.move_done("A/../B", [file]) == 0, "what changed meanwhile stays"


def test_nothing_goes_through_a_link(tmp_path: Path) -> None:
    drop, outside = DropFolder(tmp_path / "drop"), tmp_path / "outside"
    outside.mkdir()
    secret = outside / "secret"
    place = drop.place("E")
    place.mkdir(parents=True)
    dropped = place / "invoices.csv"
    dropped.write_text("sound", "ascii")
    secret.write_text("kept!", "ascii")
    (place / "invoices.csv.problems.txt").symlink_to(secret)
    drop.write_problems({dropped: ["wrong"]})
    assert secret.read_text("ascii") == "kept!"
    assert (place / "invoices.csv.problems.txt").read_text("ascii") == "wrong\n"
    (file,) = drop.files("E")
    (place / "done").symlink_to(outside)
    with pytest.raises(Conflict, match="folder of its own"):
        drop.move_done("E", [file])
    assert [path.name for path in outside.iterdir()] == ["secret"]
    os.utime(secret, ns=(file.stamp[1], file.stamp[1]))
    dropped.unlink()
    dropped.symlink_to(secret)
    with pytest.raises(Conflict, match="can't be opened"):
        copy_all([file], tmp_path)
    assert not list(tmp_path.glob("*.csv"))


def test_two_files_of_one_name_are_both_kept(tmp_path: Path) -> None:
    drop = DropFolder(tmp_path)
    drop.place("E").mkdir()
    for text in ("first", "second"):
        (drop.place("E") / "invoices.csv").write_text(text, "ascii")
        assert drop.move_done("E", drop.files("E")) == 1
    kept = sorted((drop.place("E") / "done").iterdir())
    assert [path.read_text("ascii") for path in kept] == ["second", "first"]
