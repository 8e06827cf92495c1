"""Settings of gunicorn that keep a promise."""

import importlib

import pytest
from tests.unit.blurservice.web.test_drain import Master

from faceblur_service.web import drain, gunicorn_conf


def test_one_worker_with_a_thread_for_every_place_and_for_the_probes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FACEBLUR_SLOTS", "3")
    monkeypatch.setenv("FACEBLUR_QUEUE", "5")

    conf = importlib.reload(gunicorn_conf)

    found = (conf.workers, conf.worker_class, conf.threads, conf.preload_app, conf.accesslog)
    assert found == (1, "faceblur_service.web.worker.PacedWorker", 32, False, None)


def test_the_proxy_is_always_first_to_close_an_idle_connection() -> None:
    assert gunicorn_conf.keepalive > 90


def test_the_master_drains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEBLUR_DRAIN_SECONDS", "0")
    conf, master = importlib.reload(gunicorn_conf), Master()

    conf.when_ready(master)
    master.handle_term()
    drain.set_draining(on=False)

    assert master.told == [("stopped", True)]


def test_a_bad_setting_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FACEBLUR_SLOTS", "none")

    with pytest.raises(SystemExit):
        importlib.reload(gunicorn_conf)

    assert "FACEBLUR_SLOTS must be a whole number of at least 1" in capsys.readouterr().err


@pytest.mark.parametrize(("stable", "works"), [("http://stable:5000", False), ("", True)])
def test_who_hands_pictures_to_another_process_keeps_no_memory_for_them(
    monkeypatch: pytest.MonkeyPatch, stable: str, works: bool
) -> None:
    monkeypatch.setenv("FACEBLUR_TRACK", "gray")
    monkeypatch.setenv("FACEBLUR_FALLBACK_URL", stable)
    conf = importlib.reload(gunicorn_conf)
    told: list[bool] = []
    monkeypatch.setattr(
        conf.allocator, "give_back_large_blocks", lambda *, works: told.append(works)
    )

    conf.post_fork(None, None)

    assert told == [works]
