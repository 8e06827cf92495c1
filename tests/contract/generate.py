"""Writes the generated files: the CRD, its copy in the chart, and the reference pages.

Run by `make generate` as `python -m tests.contract.generate`; `--check` writes nothing and ends
with 1 when a file is out of date.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from tests.contract.generate_help import with_help
from tests.contract.generate_values import page

from faceblur_operator.api.crd import COLUMNS, GROUP, KIND, VERSION, crd, schema

ROOT = Path(__file__).resolve().parents[2]
HEADER = "Generated from operator/faceblur_operator/api by `make generate`; do not edit."
VALUES_HEADER = "Generated from charts/*/values.yaml by `make generate`; do not edit."
FILE = "faceblur.dev_faceblurrollouts.yaml"


def files() -> dict[Path, str]:
    """Return every generated file and what it has to say."""
    text = f"# {HEADER}\n{yaml.safe_dump(crd(), sort_keys=False, width=100, allow_unicode=True)}"
    return {
        ROOT / "crds" / FILE: text,
        ROOT / "charts" / "faceblur-operator" / "crds" / FILE: text,
        ROOT / "docs" / "reference" / "rollout.md": reference(),
        ROOT / "docs" / "reference" / "charts.md": page(ROOT / "charts", VALUES_HEADER),
        ROOT / "docs" / "reference" / "cli.md": with_help(ROOT / "docs" / "reference" / "cli.md"),
    }


def reference() -> str:
    """Return the page that explains every field."""
    whole = schema()["properties"]
    wide = [name.upper() for name, _, _, is_wide in COLUMNS if is_wide]
    narrow = [name.upper() for name, _, _, is_wide in COLUMNS if not is_wide]
    lines = [
        f"<!-- {HEADER} -->",
        f"# {KIND}",
        "",
        f"`apiVersion: {GROUP}/{VERSION}`, short names `fbr` and `rollout`, one namespace.",
        f"`kubectl get rollout` shows {', '.join(narrow)}; `-o wide` adds {', '.join(wide)}.",
        "",
    ]
    for part, title in (("spec", "What you write"), ("status", "What the operator reports")):
        lines += [f"## {title}: `{part}`", "", "| field | type | default | meaning |"]
        lines += ["|---|---|---|---|"]
        lines += [_row(*one) for one in _fields(whole[part], part)]
        lines += [""]
    lines += ["## Rules", "", "The API server refuses what breaks one of these.", ""]
    lines += [f"* `{where}`: {message}." for where, message in _rules(schema(), "")]
    return "\n".join(lines) + "\n"


def _fields(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    for name, one in node.get("properties", {}).items():
        inner = one.get("items", one)
        where = f"{path}.{name}" + ("[]" if "items" in one else "")
        yield where, one, name in node.get("required", [])
        yield from _fields(inner, where)


def _row(path: str, node: Mapping[str, Any], is_required: bool) -> str:
    shown = "required" if is_required else _shown(node.get("default"))
    meaning = str(node.get("description", "")).replace("|", "\\|").replace("<", "&lt;")
    return f"| `{path}` | {_type(node)} | {shown} | {meaning} |"


def _shown(default: object) -> str:
    if default in (None, "") or isinstance(default, dict):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, list):
        return f"`{yaml.safe_dump(default, default_flow_style=True, width=1000).strip()}`"
    return f"`{default}`"


def _type(node: Mapping[str, Any]) -> str:
    if "enum" in node:
        return " or ".join(f"`{one}`" for one in node["enum"])
    if "x-kubernetes-int-or-string" in node:
        return "number or percentage"
    if "items" in node:
        return f"list of {_type(node['items'])}"
    if node.get("format") == "date-time":
        return "time"
    return {"object": "object", "string": "text"}.get(node["type"], str(node["type"]))


def _rules(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for one in node.get("x-kubernetes-validations", []):
        yield path or "FaceBlurRollout", one["message"]
    for name, one in node.get("properties", {}).items():
        inner = one.get("items", one)
        where = f"{path}.{name}" if path else name
        yield from _rules(inner, where + ("[]" if "items" in one else ""))


def stale() -> list[Path]:
    """Return the files that do not say what they have to."""
    return [
        path
        for path, text in files().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Write, or with --check compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    is_check = parser.parse_args().check
    for path in stale():
        word = "out of date" if is_check else "written"
        sys.stdout.write(f"{word}: {path.relative_to(ROOT)}\n")
        if not is_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files()[path], encoding="utf-8")
    return 1 if stale() else 0


if __name__ == "__main__":
    sys.exit(main())
