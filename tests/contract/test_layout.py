"""The house itself: what must be there, what must not, and what the documents promise."""

import operator
import re
import subprocess
import sys
from pathlib import Path

import pytest

from faceblur_operator.api.reasons import Reason

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL = {
    "operator",
    "blurservice",
    "crds",
    "charts",
    "tests",
    "docs",
    "examples",
    "requirements",
}


@pytest.mark.parametrize("folder", ["operator", "blurservice"])
def test_plain_folders_hold_no_module(folder: str) -> None:
    """`operator/__init__.py` would hide Python's own module `operator` and break half of it."""
    assert sorted(path.name for path in (ROOT / folder).glob("*.py")) == []


def test_pythons_own_operator_is_not_hidden() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "import operator; print(operator.itemgetter(0)('ab'))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert (shown.stdout.strip(), operator.itemgetter(0)("ab")) == ("a", "a")


def test_the_top_level_is_as_promised() -> None:
    listed = subprocess.run(
        ["git", "ls-tree", "-d", "--name-only", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert set(listed.stdout.split()) == TOP_LEVEL | {".ci"}


def test_every_reason_is_explained_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "reasons.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([A-Za-z]+)`", page, flags=re.MULTILINE))

    assert explained == {reason.value for reason in Reason}


@pytest.mark.parametrize("name", ["operator", "blurservice", "test", "build"])
def test_locked_requirements_have_hashes_and_name_no_host(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^[a-z0-9][\w.-]*(?:\[[\w,-]+\])?==", text, flags=re.MULTILINE)

    assert text.count("--hash=sha256:") >= len(pinned) > 0
    assert "://" not in text


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_first_screen_has_the_two_commands(page: str) -> None:
    first = "\n".join((ROOT / page).read_text(encoding="utf-8").splitlines()[:40])

    assert "make demo" in first
    assert "make test" in first
