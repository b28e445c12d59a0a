"""Check an exported folder; nothing but the folder is needed.

What a folder can't show is that it is the same log that others were shown. For that, hand in
checkpoints that were received before, and the log's key as it was given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from governance.audit.checkpoints import Checkpoint, cosigners_of, open_checkpoint
from governance.audit.entries import Personal
from governance.audit.export import CHECKPOINT, CHECKPOINTS, PERSONAL, POLICY, PROOFS
from governance.audit.merkle import HASH_BYTES, Node
from governance.audit.notes import VerifierKey, parse_verifier_key
from governance.audit.proofs import check_proof, parse_proof
from governance.audit.tiles import HEIGHT, decode_bundle, levels_of, tiles_of
from governance.audit.verification import Claim, KeptValue, LogCheck, Verdict
from governance.errors import InvalidNote, Problem


@dataclass(frozen=True, slots=True)
class Policy:
    """Whose signatures count (c2sp.org/tlog-policy, without groups)."""

    log: VerifierKey
    witnesses: tuple[VerifierKey, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldNote:
    """A checkpoint that someone has kept, and where."""

    where: str
    note: str


def read_policy(folder: Path) -> Policy:
    """The policy in the folder; InvalidNote where it names no log."""
    logs, witnesses = [], []
    for line in _text(folder / POLICY).splitlines():
        match line.split():
            case ["log", key, *_]:
                logs.append(parse_verifier_key(key))
            case ["witness", _, key, *_]:
                witnesses.append(parse_verifier_key(key))
    if not logs:
        raise InvalidNote(f"{POLICY} names no log; hand in the log's key")
    return Policy(logs[0], tuple(witnesses))


def check_folder(folder: Path, policy: Policy, held: Sequence[HeldNote] = ()) -> Verdict:
    """Recompute the exported log and name everything that doesn't hold.

    Raises InvalidNote where the folder's checkpoint itself is not signed by the log: there is
    nothing to hold the rest against then.
    """
    note = _text(folder / CHECKPOINT)
    signed = open_checkpoint(note, policy.log)
    claims, unsigned = _claims(folder, policy.log, held)
    check = LogCheck([Claim(CHECKPOINT, signed), *claims])
    check.problems += unsigned
    cosigners = _cosigners(check, note, policy)
    if (folder / "tile").exists():
        _Tiles(folder, signed.size, check).check()
        check.finish()
    else:
        check.only_proofs(signed)
    proofs = _check_proofs(folder, policy.log, check, signed)
    erased = check.check_personal(_kept_values(folder, check), PERSONAL)
    return Verdict(signed.size, signed.root, erased, tuple(check.problems), cosigners, proofs)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidNote(f"{path.name} can't be read: {error}") from None


def _claims(
    folder: Path, log: VerifierKey, held: Sequence[HeldNote]
) -> tuple[list[Claim], list[Problem]]:
    kept = sorted((folder / CHECKPOINTS).glob("*"), key=lambda path: (len(path.name), path.name))
    notes = [*held, *(HeldNote(f"{CHECKPOINTS}/{path.name}", _text(path)) for path in kept)]
    claims, check = [], LogCheck(())
    for one in notes:
        try:
            claims.append(Claim(one.where, open_checkpoint(one.note, log)))
        except InvalidNote as error:
            check.wrong(str(error), one.where)
    return claims, check.problems


def _cosigners(check: LogCheck, note: str, policy: Policy) -> tuple[str, ...]:
    try:
        return cosigners_of(note, policy.witnesses)
    except InvalidNote as error:
        check.wrong(str(error), CHECKPOINT)
        return ()


class _Tiles:
    """Holds bundles and tiles against each other."""

    def __init__(self, folder: Path, size: int, check: LogCheck) -> None:
        self._folder, self._size, self._check = folder, size, check
        self._levels = {level: bytearray() for level in levels_of(size)}

    def check(self) -> None:
        """Every bundle, every tile, and that there are no other files."""
        for tile in tiles_of(-1, self._size):
            for data in self._bundle(tile.path, tile.width):
                _, nodes = self._check.add(data, tile.path)
                self._keep(nodes)
        for level in self._levels:
            self._check_level(level)
        self._check_files()

    def _bundle(self, path: str, width: int) -> list[bytes]:
        try:
            entries = decode_bundle((self._folder / path).read_bytes())
        except (OSError, ValueError) as error:
            self._check.wrong(f"the bundle can't be read: {error}", path)
            return []
        if len(entries) != width:
            self._check.wrong(f"the bundle has {len(entries)} entries instead of {width}", path)
        return entries

    def _keep(self, nodes: list[Node]) -> None:
        for level, _, digest in nodes:
            if level % HEIGHT == 0 and level // HEIGHT in self._levels:
                self._levels[level // HEIGHT] += digest

    def _check_level(self, level: int) -> None:
        computed = memoryview(self._levels[level])
        for tile in tiles_of(level, self._size):
            start = tile.start * HASH_BYTES
            expected = computed[start : start + tile.width * HASH_BYTES]
            try:
                stored = (self._folder / tile.path).read_bytes()
            except OSError:
                self._check.wrong("the tile is missing", tile.path)
                continue
            if stored != expected:
                self._check.wrong(_difference(stored, expected, tile.start, level), tile.path)

    def _check_files(self) -> None:
        expected = {
            tile.path for level in (-1, *self._levels) for tile in tiles_of(level, self._size)
        }
        for path in sorted((self._folder / "tile").rglob("*")):
            name = path.relative_to(self._folder).as_posix()
            if path.is_file() and name not in expected:
                self._check.wrong("no such file belongs to a log of this size", name)


def _difference(stored: bytes, expected: memoryview, start: int, level: int) -> str:
    for index in range(0, min(len(stored), len(expected)), HASH_BYTES):
        if stored[index : index + HASH_BYTES] != expected[index : index + HASH_BYTES]:
            position = start + index // HASH_BYTES
            what = f"entry {position}" if level == 0 else f"position {position}"
            return f"the hash of {what} is not the entries'"
    return f"the tile has {len(stored) // HASH_BYTES} hashes, its entries give another number"


def _check_proofs(folder: Path, log: VerifierKey, check: LogCheck, signed: Checkpoint) -> int:
    """Proof files, each with its entry; answers how many hold."""
    held = 0
    for path in sorted((folder / PROOFS).glob("*.tlog-proof")):
        where = f"{PROOFS}/{path.name}"
        try:
            proof = parse_proof(_text(path))
            found = check_proof(proof, proof.extra, log)
            check.note_entry(proof.extra)
        except (InvalidNote, ValueError, KeyError, TypeError) as error:
            check.wrong(str(error), where)
            continue
        if found.size == signed.size and found.root != signed.root:
            check.wrong("the proof is under another checkpoint of this size", where)
            continue
        held += 1
    return held


def _kept_values(folder: Path, check: LogCheck) -> Iterator[KeptValue]:
    path = folder / PERSONAL
    lines = _text(path).split("\n") if path.exists() else [""]
    if lines.pop():
        check.wrong("the last line has no end", PERSONAL)
    for number, line in enumerate(lines, 1):
        try:
            fields = json.loads(line)
            personal = Personal(fields["value"], fields["person"])
            yield KeptValue(fields["ref"], bytes.fromhex(fields["key"]), personal)
        except (ValueError, KeyError, TypeError) as error:
            check.wrong(f"this is no personal value: {error}", PERSONAL, f"line {number}")
