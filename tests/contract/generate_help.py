"""The help texts of the command line, as `docs/reference/cli.md` shows them."""

import argparse
import os
import re
from pathlib import Path

from faceblur_service.cli.main import parser

COLUMNS = "90"
_BLOCK = re.compile(r"(<!-- help: begin -->\n).*?(<!-- help: end -->)", re.DOTALL)


def with_help(page: Path) -> str:
    """Return the page with the present help texts between its marks."""
    blocks = "\n".join(f"```text\n{text}```\n" for text in _texts())
    text = page.read_text(encoding="utf-8")
    return _BLOCK.sub(lambda found: f"{found[1]}\n{blocks}\n{found[2]}", text)


def _texts() -> list[str]:
    before = os.environ.get("COLUMNS")
    # What argparse wraps lines by.
    os.environ["COLUMNS"] = COLUMNS
    try:
        whole = parser()
        (verbs,) = (a for a in whole._actions if isinstance(a, argparse._SubParsersAction))
        return [whole.format_help(), *(verb.format_help() for verb in verbs.choices.values())]
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before
