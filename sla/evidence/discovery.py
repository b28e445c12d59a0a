"""Which files of a hand-in hold which datasets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from governance.contract.messages import did_you_mean
from governance.errors import BadInput, Problem
from sla.evidence.datasets import DATASETS, Dataset
from sla.evidence.profiles import Profile, read_profile, shipped_profiles
from sla.evidence.sources import SUFFIXES, Opening, heading_of, suffix_of
from sla.evidence.values import Finding

PROFILE_FILE = "profile.yaml"
_DOWNLOADED = re.compile(r"-[0-9a-f]{8,64}$")
"""Stored evidence is downloaded as "invoices-30c2f4b62f6b.parquet", by dataset and digest."""


@dataclass(frozen=True, slots=True)
class Handed:
    """One file of a hand-in and how it is read: as a dataset, or through a profile."""

    path: Path
    how: Dataset | Profile
    file: str
    """What messages call it."""

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the datasets that the file yields."""
        return (self.how.name,) if isinstance(self.how, Dataset) else tuple(self.how.tables)


@dataclass(frozen=True, slots=True)
class Found:
    """The files that are read, and what was noticed about the others."""

    files: tuple[Handed, ...]
    findings: tuple[Finding, ...] = ()


def find_sources(
    source: Path, profile: Profile | None = None, file: str = "", saved: Sequence[Profile] = ()
) -> Found:
    """The files of a folder, or the single file, each with its dataset or profile.

    Where a profile is given, or the folder has one, no other reads foreign files; else one of
    `saved` does, or a shipped one, whichever knows the columns first. Messages call a single file
    `file`, or by its own name, and the files of a folder by theirs.

    Raises BadInput where nothing is there, no file is known, or two yield the same dataset.
    """
    if source.is_file():
        how = profile or _known(source, saved)
        if how is None:
            raise BadInput.one(_unknown_file(source, file))
        return Found(tuple(_handed(source, _ways(how), file or source.name)))
    if not source.is_dir():
        raise BadInput.one(Problem(f"there is no file or folder '{source}'"))
    paths = sorted(path for path in source.iterdir() if path.is_file())
    profile = profile or _profile_in(source)
    found = _in_folder(paths, profile, saved)
    _require_distinct(found.files)
    if not found.files:
        nothing = Problem(f"no evidence in folder '{source.name}'", allowed=_names())
        raise BadInput([nothing, *map(_unknown_file, paths)])
    return found


def _profile_in(folder: Path) -> Profile | None:
    path = folder / PROFILE_FILE
    return read_profile(path.read_bytes(), path.name) if path.is_file() else None


def _in_folder(paths: Iterable[Path], profile: Profile | None, saved: Sequence[Profile]) -> Found:
    files, findings = [], []
    for path in paths:
        if path.name == PROFILE_FILE or path.name.startswith("."):
            continue
        if profile is not None and (parts := profile.parts_for(path.name)):
            files += _handed(path, parts, path.name)
        elif (how := _known(path, saved, recognise=profile is None)) is not None:
            files += _handed(path, _ways(how), path.name)
        else:
            findings.append(Finding("file_ignored", str(_unknown_file(path, profile=profile))))
    if profile is not None:
        _require_sources(profile, files)
    return Found(tuple(files), tuple(findings))


def _handed(path: Path, ways: Sequence[Dataset | Profile], file: str) -> list[Handed]:
    """The file once for each way of reading it; several sheets are told apart by their names."""
    if len(ways) == 1:
        return [Handed(path, ways[0], file)]
    sheets = [how.source.sheet if isinstance(how, Profile) else None for how in ways]
    return [
        Handed(path, how, f"{file}#{sheet}" if sheet else file)
        for how, sheet in zip(ways, sheets, strict=True)
    ]


def _ways(how: Dataset | Profile) -> tuple[Dataset | Profile, ...]:
    """The dataset, or the parts of the profile that come from the file it is recognised by."""
    if isinstance(how, Dataset):
        return (how,)
    return tuple(part for part in how.parts() if part.source.file == how.source.file)


def _require_sources(profile: Profile, files: Sequence[Handed]) -> None:
    """Every source of a profile must be among the files."""
    here = {part.source.file for part in profile.parts()}
    found = {each.how.source.file for each in files if isinstance(each.how, Profile)}
    what = f"no file is named as profile {profile.name} says"
    missing = [Problem(what, allowed=pattern) for pattern in sorted(here - found)]
    if missing:
        raise BadInput(missing)


def _known(
    path: Path, saved: Sequence[Profile], *, recognise: bool = True
) -> Dataset | Profile | None:
    """The dataset that a file is named after, or the profile that knows its columns.

    Profiles are asked only where `recognise` says so, the saved ones first.
    """
    suffix = suffix_of(path)
    if not suffix:
        return None
    stem = _DOWNLOADED.sub("", path.name[: -len(suffix)].lower())
    return DATASETS.get(stem) or (_recognised(path, saved) if recognise else None)


def _recognised(path: Path, saved: Sequence[Profile]) -> Profile | None:
    for profile in (*saved, *shipped_profiles()):
        rule = profile.source
        opening = Opening(
            rule.encoding, rule.delimiter, rule.sheet, frozenset(rule.columns), rule.heading_line
        )
        if set(rule.columns) <= set(heading_of(path, opening)):
            return profile
    return None


def _unknown_file(path: Path, file: str = "", profile: Profile | None = None) -> Problem:
    suffix, file = suffix_of(path), file or path.name
    if not suffix:
        return Problem("is of a format that isn't read", file, allowed=", ".join(SUFFIXES))
    stem = path.name[: -len(suffix)]
    near = did_you_mean(stem, DATASETS)
    foreign = f"profile {profile.name} reads another" if profile else "no profile knows its columns"
    what = f"{_NO_DATASET}{near}, and {foreign}"
    return Problem(what, file, allowed="" if profile else _names())


_NO_DATASET = "is named after no dataset"


def is_unknown(problem: Problem) -> bool:
    """Whether a file could be read, but nobody has said how yet."""
    return problem.what.startswith(_NO_DATASET)


def _names() -> str:
    return ", ".join(DATASETS) + f" as {', '.join(SUFFIXES)}"


def _require_distinct(files: Iterable[Handed]) -> None:
    holders: dict[str, list[str]] = {}
    for handed in files:
        for name in handed.datasets:
            holders.setdefault(name, []).append(handed.path.name)
    problems = [
        Problem(f"several files hold {name}", found=", ".join(names), allowed="one file a dataset")
        for name, names in holders.items()
        if len(names) > 1
    ]
    if problems:
        raise BadInput(problems)
