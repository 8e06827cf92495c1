"""Generated files say what the types say."""

import yaml
from tests.contract.generate import ROOT, files, stale

from faceblur_operator.api.crd import crd


def test_generated_files_are_fresh() -> None:
    """Run `make generate` when this fails, and read the diff."""
    assert stale() == []


def test_crd_file_reads_back_as_the_crd() -> None:
    written = (ROOT / "crds" / "faceblur.dev_faceblurrollouts.yaml").read_text(encoding="utf-8")

    assert yaml.safe_load(written) == crd()


def test_the_chart_has_the_same_crd() -> None:
    texts = [text for path, text in files().items() if path.parent.name == "crds"]

    assert len(texts) == 2
    assert len(set(texts)) == 1
