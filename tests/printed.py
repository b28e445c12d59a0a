"""What the worked cases print: every line, step and sentence, kept in `tests/cases/printed`.

The cases say what comes out; these files say how it is told, word by word, since a person checks an
invoice by its arithmetic. `python -m tests.printed` writes them anew after a change of words: read
the difference before it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from tests.paths import CASES

_FOLDER = CASES / "printed"
_HEADING = "## "


@cache
def printed(name: str) -> Mapping[str, str]:
    """What is kept, by the name of the case."""
    text = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    _, *parts = text.split(f"\n{_HEADING}")
    return dict(_headed(part) for part in parts)


def _headed(part: str) -> tuple[str, str]:
    heading, _, body = part.partition("\n")
    return heading, body.strip("\n")


def _write(name: str, found: Iterable[tuple[str, str]]) -> None:
    parts = ["What the worked cases print, written by `python -m tests.printed`.\n"]
    parts.extend(f"\n{_HEADING}{case}\n{text}\n" for case, text in found)
    (_FOLDER / f"{name}.txt").write_text("".join(parts), encoding="utf-8")


def told(answer: Mapping[str, Any], usual: Mapping[str, Any]) -> str:
    """The keys of an object with their values, but those that say the usual."""
    return "; ".join(
        f"{key} {_words(value)}"
        for key, value in answer.items()
        if key not in usual or usual[key] != value
    )


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"({', '.join(f'{key} {_words(one)}' for key, one in value.items())})"
    return ", ".join(map(_words, value)) if isinstance(value, list) else str(value)


def main() -> None:
    """Write both files anew."""
    from tests.billing.charges import test_printed as charges  # noqa: PLC0415 (they import this)
    from tests.sla.service_credits import test_printed as credits_of_misses  # noqa: PLC0415

    _write("charges", charges.all_told())
    _write("credits", credits_of_misses.all_told())


if __name__ == "__main__":
    main()
