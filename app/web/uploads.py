"""Uploaded files on their way to a service, which reads them from a folder of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body

from governance.errors import BadInput, Problem

_LONGEST_NAME = 150
"""Bytes, in UTF-8."""


MultipartForm = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]
"""A form with files as it came in; `text_field` and `chosen_files` read it."""


def text_field(form: Mapping[str, Any], name: str) -> str:
    """A text of the form; empty where it is absent or no single text."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def chosen_files(form: Mapping[str, Any], name: str) -> list[UploadFile]:
    """The files of a field; browsers send an empty text where none was chosen."""
    value = form.get(name)
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, UploadFile)]


def file_name(upload: UploadFile) -> str:
    """The bare name of an upload: no folder, no control characters, not too long."""
    bare = upload.filename.replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(char for char in bare if char.isprintable() and char not in '<>:"|?*')
    # File systems count bytes; what is cut off a letter's first ones goes.
    return printable.strip(" .").encode()[-_LONGEST_NAME:].decode(errors="ignore")


@contextmanager
def on_disk(uploads: Sequence[UploadFile], scratch: Path) -> Iterator[tuple[Path, str]]:
    """The uploads in a new folder under `scratch`, and a name for them all; gone afterwards.

    One upload comes as its file, several as their folder. Raises BadInput where none was
    chosen or two have the same name.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch) as folder:
        yield to_folder(uploads, Path(folder))


def to_folder(uploads: Sequence[UploadFile], folder: Path) -> tuple[Path, str]:
    """Write the uploads to a folder, which is empty; answers as `on_disk` does."""
    names = [file_name(one) for one in uploads]
    _check_names(names)
    for upload, name in zip(uploads, names, strict=True):
        with (folder / name).open("wb") as file:
            shutil.copyfileobj(upload.file, file)
    return folder / names[0] if len(names) == 1 else folder, ", ".join(names)


def _check_names(names: Sequence[str]) -> None:
    if not names or not all(names):
        raise BadInput.one(Problem("no file was chosen", allowed="choose at least one file"))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput([Problem("two files have the same name", file=name) for name in twice])
