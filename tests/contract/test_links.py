"""Links between the documents lead somewhere, and both READMEs say the same."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("examples/**/*.md"),
    *ROOT.glob("tests/*/README.md"),
]
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).strip().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for path, anchor in _LINK.findall(page.read_text(encoding="utf-8")):
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(f"{path}#{anchor}")

    assert broken == []


def test_both_readmes_link_and_show_the_same() -> None:
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]
    links, blocks, rows = (
        [re.findall(pattern, text, re.MULTILINE) for text in texts]
        for pattern in (
            _LINK.pattern,
            r"^== .*$|^ +\d+:\d+ .*$|^(?:helm|kubectl|faceblur) .*$",
            r"^\|",
        )
    )

    # Each names the other.
    mine, theirs = ([one for one in some if not one[0].startswith("README")] for some in links)
    assert mine == theirs
    assert blocks[0] == blocks[1]
    assert len(rows[0]) == len(rows[1])
