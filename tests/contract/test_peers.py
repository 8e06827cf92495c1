"""What the page about other controllers promises is shown by tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "design" / "peers.md"
NAMED = re.findall(r"`(tests/[\w/.]+)::(\w+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_line_names_a_test() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]

    told = [line for line in lines if "what happens" not in line]

    assert len(told) == len(NAMED)


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_named_test_exists(path: str, name: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")

    assert f"def {name}(" in text
