"""Check an exported folder; nothing but the folder is needed.

What a folder can't show is that it is the same log that others were shown. For that, hand in
checkpoints that were received before, and the log's key as it was given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography.x509 import Certificate

from governance.audit.checkpoints import (
    Checkpoint,
    LogKeys,
    cosigners_of,
    log_part,
    open_checkpoint,
    parse_checkpoint,
)
from governance.audit.documents import INDEX, DocumentCheck
from governance.audit.entries import Personal
from governance.audit.export import (
    CHECKPOINT,
    CHECKPOINTS,
    GROWTH,
    HAND_OVERS,
    PERSONAL,
    POLICY,
    PROOFS,
    TIMESTAMPS,
)
from governance.audit.key_changes import check_hand_over, keys_from
from governance.audit.merkle import HASH_BYTES, Node
from governance.audit.notes import VerifierKey, parse_note, parse_verifier_key, strict_base64
from governance.audit.proofs import check_proof, parse_proof
from governance.audit.tiles import HEIGHT, decode_bundle, levels_of, tiles_of
from governance.audit.timestamps import check_token
from governance.audit.verification import (
    Claim,
    KeptValue,
    LogCheck,
    StampedCheckpoint,
    Verdict,
)
from governance.errors import InvalidNote, InvalidTimestamp, Problem


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
    with _named(POLICY):
        for line in _text(folder / POLICY).splitlines():
            match line.split():
                case ["log", key, *_]:
                    logs.append(parse_verifier_key(key))
                case ["witness", _, key, *_]:
                    witnesses.append(parse_verifier_key(key))
    if not logs:
        raise InvalidNote(f"{POLICY} names no log; hand in the log's key")
    return Policy(logs[0], tuple(witnesses))


@dataclass(frozen=True, slots=True)
class Held:
    """What the one who checks has from elsewhere."""

    notes: tuple[HeldNote, ...] = ()
    printed: tuple[Claim, ...] = ()
    """Sizes and roots as they stand on documents, unsigned."""
    authorities: tuple[Certificate, ...] = ()
    """Certificates of time-stamping authorities that are trusted."""


def check_folder(folder: Path, policy: Policy, held: Held = Held()) -> Verdict:
    """Recompute the exported log and name everything that doesn't hold.

    Raises InvalidNote where the folder's checkpoint itself is not signed by the log: there is
    nothing to hold the rest against then.
    """
    keys, handed_over, problems = _keys(folder, policy.log)
    with _named(CHECKPOINT):
        signed = open_checkpoint(_text(folder / CHECKPOINT), keys)
    claims, unsigned = _claims(folder, keys, held.notes)
    has_documents = (folder / INDEX).exists()
    check = LogCheck(
        [Claim(CHECKPOINT, signed), *claims, *handed_over, *held.printed],
        keeps_rows=has_documents,
    )
    check.problems += [*problems, *unsigned]
    cosigned = _cosigners(folder, check, policy) if policy.witnesses else {}
    stamps = tuple(_check_stamps(folder, check, keys, held.authorities))
    if (folder / "tile").exists():
        _Tiles(folder, signed.size, check).check()
        check.finish()
    else:
        check.only_proofs(signed, partial(_growth, folder))
    proofs = _check_proofs(folder, keys, check, signed)
    documents = _check_documents(folder, check) if has_documents else 0
    erased = check.check_personal(_kept_values(folder, check), PERSONAL)
    return Verdict(
        signed.size,
        signed.root,
        erased,
        tuple(check.problems),
        cosigned,
        proofs,
        stamps,
        len(keys.terms),
        documents,
    )


def _keys(folder: Path, trusted: VerifierKey) -> tuple[LogKeys, list[Claim], list[Problem]]:
    """The same, with the trees that were signed at hand-overs, and those that don't hold."""
    found, claims, check = [], [], LogCheck(())
    for path in sorted((folder / HAND_OVERS).glob("*")):
        where = f"{HAND_OVERS}/{path.name}"
        try:
            found.append(one := check_hand_over(_text(path)))
            claims.append(Claim(where, one.checkpoint))
        except InvalidNote as error:
            check.wrong(str(error), where)
    return keys_from(trusted, found), claims, check.problems


def log_keys(folder: Path, trusted: VerifierKey) -> LogKeys:
    """The log's keys that the folder's hand-overs connect with the one that is trusted."""
    return _keys(folder, trusted)[0]


def _growth(folder: Path, size: int) -> tuple[bytes, ...] | None:
    path = folder / GROWTH / str(size)
    if not path.exists():
        return None
    try:
        return tuple(strict_base64(line) for line in _text(path).splitlines())
    except InvalidNote:
        return (b"",)  # It proves nothing, and what it should prove is named.


def _check_stamps(
    folder: Path, check: LogCheck, keys: LogKeys, authorities: Sequence[Certificate]
) -> Iterator[StampedCheckpoint]:
    for path in sorted((folder / TIMESTAMPS).glob("*")):
        size = path.stem.partition("-")[0]
        try:
            note = log_part(_text(folder / CHECKPOINTS / size), keys.name)
            stamp = check_token(note, path.read_bytes(), authorities)
        except (InvalidNote, InvalidTimestamp) as error:
            check.wrong(str(error), f"{TIMESTAMPS}/{path.name}")
            continue
        yield StampedCheckpoint(int(size), stamp)


def _check_documents(folder: Path, check: LogCheck) -> int:
    documents = DocumentCheck(folder, check.row_digests())
    documents.check()
    check.problems += documents.problems
    return documents.held


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Say which file of the folder an error is about."""
    try:
        yield
    except InvalidNote as error:
        raise InvalidNote(f"{where}: {error}") from None


def _text(path: Path) -> str:
    """A file of the folder as text; InvalidNote, which the caller gives its name."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        raise InvalidNote("the file is missing; is this folder an export of a log?") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidNote(f"the file can't be read: {error}") from None


def _claims(
    folder: Path, log: LogKeys, held: Sequence[HeldNote]
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


def _cosigners(folder: Path, check: LogCheck, policy: Policy) -> dict[str, int]:
    """By witness, the largest tree that it has cosigned; each bad cosignature is named."""
    found: dict[str, int] = {}
    for path in [folder / CHECKPOINT, *(folder / CHECKPOINTS).glob("*")]:
        try:
            note = _text(path)
            size = parse_checkpoint(parse_note(note).text).size
            for name in cosigners_of(note, policy.witnesses):
                found[name] = max(found.get(name, 0), size)
        except InvalidNote as error:
            check.wrong(str(error), path.relative_to(folder).as_posix())
    return found


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


def _check_proofs(folder: Path, log: LogKeys, check: LogCheck, signed: Checkpoint) -> int:
    """Proof files, each with its entry; answers how many hold."""
    held = 0
    for path in sorted((folder / PROOFS).glob("*.tlog-proof")):
        where = f"{PROOFS}/{path.name}"
        try:
            proof = parse_proof(_text(path))
            found = check_proof(proof, proof.extra, log)
            check.note_entry(proof.index, proof.extra)
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
