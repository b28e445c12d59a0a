"""What permissions mean, in words for the people who hand them to a program."""

from __future__ import annotations

from typing import Final

from app.documents.formatting import sentence
from governance.access import Permission

PERMISSION: Final = {one: sentence(one.words) for one in Permission}
