"""The progress bar."""

import io

import pytest

from faceblur_service.cli.progress import Progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_how_many_are_done_and_how_long_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = _Terminal()
    monkeypatch.setattr("sys.stderr", shown)

    with Progress(3, quiet=False) as progress:
        progress.step()
        progress.say("bad.jpg: broken")
        progress.step()
        progress.step()

    # "done/all [passed<left, pictures a second]"
    first, *_, last = shown.getvalue().strip().split("\r")
    assert "0/3 [00:00<?, ?pic/s]" in first
    assert "100%" in last
    assert "3/3 [00:00<00:00, " in last
    assert "bad.jpg: broken\n" in shown.getvalue()


@pytest.mark.parametrize(
    ("stream", "total", "quiet"),
    [
        pytest.param(_Terminal(), 3, True, id="who wants quiet"),
        pytest.param(_Terminal(), 1, False, id="a single picture"),
        pytest.param(io.StringIO(), 3, False, id="a file or pipe"),
    ],
)
def test_no_bar_where_nobody_wants_one(
    stream: io.StringIO, total: int, *, quiet: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", stream)

    with Progress(total, quiet=quiet) as progress:
        progress.step()
        progress.say("bad.jpg: broken")

    assert stream.getvalue() == "bad.jpg: broken\n"
