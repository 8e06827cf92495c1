"""The reference names every setting and every metric, and none that does not exist."""

import re
from pathlib import Path

from tests.support.detectors import FakeDetector

from faceblur_operator.adapters.prometheus_meter import PrometheusMeter
from faceblur_operator.core.commands import Verb
from faceblur_operator.wiring.settings import PREFIX, Settings
from faceblur_service.gray import SqlitePool
from faceblur_service.probe import Tallies, prometheus_text
from faceblur_service.settings import Settings as ServiceSettings
from faceblur_service.web.app import build
from faceblur_service.web.services import KEY

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"^\| `([A-Za-z_]+)`", PAGE, flags=re.MULTILINE))


def test_every_setting_of_the_operator_is_named() -> None:
    variables = {
        field.upper() if field.startswith("pod_") else f"{PREFIX}{field.upper()}"
        for field in Settings.model_fields
    }

    assert {name for name in NAMED if name.startswith((PREFIX, "POD_"))} == variables


def test_every_setting_of_the_service_is_named() -> None:
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "blurservice" / "faceblur_service").rglob("*.py")
    )
    read = set(re.findall(r'"((?:FACEBLUR_[A-Z_]+|REDIS_URL|ENABLE_GRAY_FEATURE))"', source))
    # Where a developer's models are kept; the image sets FACEBLUR_MODELS_DIR instead.
    read -= {"FACEBLUR_CACHE"}
    listed = {name for name in NAMED if name.isupper() and not name.startswith((PREFIX, "POD_"))}

    assert listed == read


def test_every_command_is_explained() -> None:
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")

    assert [verb for verb in Verb if f"`{verb}`" not in page] == []


def test_every_metric_is_named_and_exists(tmp_path: Path) -> None:
    app = build(ServiceSettings(), FakeDetector(), SqlitePool(tmp_path / "gray.sqlite"))
    text = PrometheusMeter().text() + app.extensions[KEY].metrics.text()
    text += prometheus_text(Tallies()).encode()
    families = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text.decode(), flags=re.MULTILINE))
    # The client adds the time of creation of its own accord.
    made = {name for name in families if not name.endswith("_created")}

    assert {name for name in NAMED if name.startswith("faceblur_")} == made
