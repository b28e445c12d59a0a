"""Lets mutmut write the changed calculators into `mutants/`, without trying any of them.

It is run as a program, in the project's folder: mutmut reads its configuration there.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from mutmut.__main__ import create_mutants
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, setup_source_paths


def main() -> None:
    """Copy the project and change the calculators; what stands there unchanged is kept."""
    set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir(exist_ok=True)
    with redirect_stdout(StringIO()):
        copy_src_dir()
        copy_also_copy_files()
        setup_source_paths()
        create_mutants(int(sys.argv[1]))


if __name__ == "__main__":
    main()
