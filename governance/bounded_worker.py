"""The process in which `governance.bounded` has its work done: one request, one answer."""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from governance.errors import BadInput

_MEGABYTE = 1024 * 1024
_PROCESSORS = os.cpu_count() or 1


def main() -> None:
    """Load the modules named on the command line, then wait for the request and answer it.

    Without a request, when the parent is gone, it ends.
    """
    answer = os.dup(sys.stdout.fileno())
    # What libraries print must not get into the answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for module in sys.argv[1:]:
        import_module(module)
    request = sys.stdin.buffer.read()
    if not request:
        return
    said = json.dumps(_answered(json.loads(request))).encode()
    with os.fdopen(answer, "wb") as stream:
        stream.write(said)


def _answered(request: dict[str, Any]) -> dict[str, Any]:
    work = getattr(import_module(request["module"]), request["function"])
    hints = get_type_hints(work)
    (name,) = hints.keys() - {"return"}
    given = TypeAdapter(hints[name]).validate_json(request["given"])
    tempfile.tempdir = request["folder"]
    _limit(request)
    try:
        result = work(given)
        return {"result": TypeAdapter(hints["return"]).dump_json(result).decode()}
    except BadInput as error:
        return {"problems": [problem.as_json() for problem in error.problems]}
    except MemoryError:
        return {"too_large": True}
    except Exception:  # noqa: BLE001 (the parent decides what an unforeseen error means)
        return {"failed": traceback.format_exc()}


def _limit(request: dict[str, Any]) -> None:
    """Set the limits, which nothing in this process can raise again."""
    space = _address_space() + request["memory_mb"] * _MEGABYTE
    limits = {
        resource.RLIMIT_AS: space,
        resource.RLIMIT_FSIZE: request["file_mb"] * _MEGABYTE,
        resource.RLIMIT_CPU: request["seconds"] * _PROCESSORS + 1,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in limits.items():
        resource.setrlimit(kind, (value, value))


def _address_space() -> int:
    """Bytes that the program itself has mapped."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
