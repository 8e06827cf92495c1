"""What the engine may expect of a `MetricsSource`; the fake and the real adapter both keep it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.fakes.http_prometheus import Reply, http_prometheus, keys_of, said, vector
from tests.support.fakes.ports import FakeMeter, FakePrometheus

from faceblur_operator.adapters.prometheus import (
    KEPT_LABELS,
    PrometheusSource,
    grouped,
    moment_of,
)
from faceblur_operator.adapters.system_clock import SystemClock
from faceblur_operator.core.snapshot import Labels, NoSamples, Samples, Series, Vector
from faceblur_operator.ports import MetricsSource

QUERIES = {"success:gray:bad": 'bad{pod="a"}', "success:gray:total": 'total{pod="a"}'}
NO_SERIES = Vector((), ())
PATIENT = timedelta(seconds=5)
# label of the pod, value as Prometheus writes it; None: silence until the timeout.
Script = Mapping[str, list[tuple[str, str]]] | None


def _fake(script: Script) -> MetricsSource:
    series = {
        key: tuple(Series((("pod", pod),), float(value)) for pod, value in found)
        for key, found in (script or {}).items()
    }
    latency = timedelta(hours=1) if script is None else timedelta(0)
    return FakePrometheus(SystemClock(), lambda _: series, latency)


def _reply(query: str, script: Script) -> Reply:
    if script is None:
        return Reply(stall_s=3)
    found = [
        ({"pod": pod, "faceblur_query": key}, value)
        for key in keys_of(query)
        for pod, value in script.get(key, [])
    ]
    return vector(*found)


@pytest.fixture(params=["fake", "real"])
def ask(request: pytest.FixtureRequest) -> Callable[..., Samples | NoSamples]:
    """Return a way to ask a source that answers by a script."""

    def run(script: Script, timeout: timedelta = PATIENT) -> Samples | NoSamples:
        if request.param == "fake":
            return asyncio.run(_fake(script).query("http://p:9090", QUERIES, timeout=timeout))
        with http_prometheus(lambda query: _reply(query, script)) as server:
            source = PrometheusSource(SystemClock(), FakeMeter())
            try:
                return asyncio.run(source.query(server.url, QUERIES, timeout=timeout))
            finally:
                source.close()

    return run


def test_series_come_back_under_their_keys(ask: Callable[..., Samples | NoSamples]) -> None:
    script = {"success:gray:bad": [("a", "3")], "success:gray:total": [("a", "10"), ("b", "7")]}

    found = ask(script)

    assert isinstance(found, Samples)
    assert found.series == {
        "success:gray:bad": Vector(((("pod", "a"),),), (3.0,)),
        "success:gray:total": Vector(((("pod", "a"),), (("pod", "b"),)), (10.0, 7.0)),
    }


def test_query_without_series_has_its_key_all_the_same(
    ask: Callable[..., Samples | NoSamples],
) -> None:
    found = ask({"success:gray:total": [("a", "10")]})

    assert isinstance(found, Samples)
    assert found.series["success:gray:bad"] == NO_SERIES


def test_nan_and_infinity_come_through_as_numbers(
    ask: Callable[..., Samples | NoSamples],
) -> None:
    found = ask({"success:gray:bad": [("a", "NaN"), ("b", "+Inf")]})

    assert isinstance(found, Samples)
    values = [one.value for one in found.series["success:gray:bad"]]
    assert str(values) == "[nan, inf]"


def test_silence_ends_at_the_timeout_with_a_sentence(
    ask: Callable[..., Samples | NoSamples],
) -> None:
    found = ask(None, timedelta(seconds=0.3))

    assert isinstance(found, NoSamples)
    assert found.why.endswith("no answer within 0.3 s")


@pytest.fixture(params=["fake", "real"])
def remembering(request: pytest.FixtureRequest) -> Iterator[Callable[..., Samples | NoSamples]]:
    """Return a way to ask a source whose counter grows by one with each question about now."""
    told: dict[str, str] = {}
    count = 0

    def counted() -> str:
        nonlocal count
        count += 1
        return str(count)

    def reply(_: str) -> Reply:
        asked = server.times[-1]
        at = asked or f"{1767225600 + len(told) / 8:.3f}"
        if asked is None:
            told[at] = counted()
        metric = {"pod": "a", "faceblur_query": "success:gray:total"}
        return vector(*([(metric, told[at])] if at in told else []), at=float(at))

    def answer(_: Mapping[str, str]) -> Mapping[str, tuple[Series, ...]]:
        return {"success:gray:total": (Series((("pod", "a"),), float(counted())),)}

    fake = FakePrometheus(SystemClock(), answer)
    real = PrometheusSource(SystemClock(), FakeMeter())
    with http_prometheus(reply) as server:
        source: MetricsSource = fake if request.param == "fake" else real

        def run(at: datetime | None = None) -> Samples | NoSamples:
            return asyncio.run(source.query(server.url, QUERIES, timeout=PATIENT, at=at))

        yield run
    real.close()


def test_what_was_said_about_a_moment_is_said_again(
    remembering: Callable[..., Samples | NoSamples],
) -> None:
    first, second = remembering(), remembering()
    assert isinstance(first, Samples)
    assert isinstance(second, Samples)
    assert first.read_at is not None

    again = remembering(first.read_at)

    assert isinstance(again, Samples)
    assert (again.series, again.read_at) == (first.series, first.read_at)
    assert second.series != first.series
    assert second.read_at != first.read_at


def test_a_moment_that_nothing_is_known_about_has_no_series(
    remembering: Callable[..., Samples | NoSamples],
) -> None:
    remembering()

    found = remembering(datetime(2020, 1, 1, tzinfo=UTC))

    assert isinstance(found, Samples)
    assert (set(found.series.values()), found.read_at) == ({NO_SERIES}, None)


def test_a_moment_is_asked_in_milliseconds() -> None:
    at = datetime(2026, 1, 1, microsecond=123_000, tzinfo=UTC)
    source = PrometheusSource(SystemClock(), FakeMeter())

    with http_prometheus(vector()) as server:
        for moment in (None, at):
            asyncio.run(source.query(server.url, QUERIES, timeout=PATIENT, at=moment))
        source.close()

    assert server.times == [None, "1767225600.123"]


@pytest.mark.parametrize(
    ("value", "want"),
    [
        pytest.param([1767225600.123, "1"], datetime(2026, 1, 1, 0, 0, 0, 123_000, UTC), id="good"),
        pytest.param([1767225600, "1"], datetime(2026, 1, 1, tzinfo=UTC), id="a whole second"),
        pytest.param(["now", "1"], None, id="a word"),
        pytest.param([float("nan"), "1"], None, id="no number"),
        pytest.param([1e300, "1"], None, id="beyond all calendars"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_the_moment_of_an_answer_is_that_of_its_series(
    value: list[object], want: datetime | None
) -> None:
    assert moment_of([{"metric": {}, "value": value}]) == want


NOTHING: tuple[object, ...] = ([], None, {"a": 1})


def test_an_answer_without_series_tells_no_moment() -> None:
    assert [moment_of(answer) for answer in NOTHING] == [None, None, None]


# What only a real server can do wrong; the fake says any of these as a text.
NONSENSE = [
    pytest.param(Reply(b"<html>busy</html>"), "the answer is not JSON", id="no JSON"),
    pytest.param(Reply(b""), "the answer is not JSON", id="nothing"),
    pytest.param(
        said({"status": "error", "error": "parse error at char 7"}, 400),
        "parse error at char 7",
        id="a query it cannot parse",
    ),
    pytest.param(Reply(b"overloaded", 503), "HTTP Status Code 503", id="an overload"),
    pytest.param(Reply(b"broken", 500), "HTTP Status Code 500", id="an internal error"),
    pytest.param(
        Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}),
        "HTTP Status Code 302",
        id="a redirect, which is not followed",
    ),
    pytest.param(said({"status": "success"}), "the answer has no result", id="no data"),
    pytest.param(
        said({"status": "success", "data": {"resultType": "vector"}}),
        "the answer has no result",
        id="no result",
    ),
    pytest.param(said([1, 2]), "the answer has no result", id="a list"),
    pytest.param(
        said({"data": {"resultType": "scalar", "result": [1.0, "2"]}}),
        "not an instant vector",
        id="a scalar",
    ),
    pytest.param(
        said({"data": {"resultType": "matrix", "result": [{"metric": {}, "values": []}]}}),
        "not an instant vector",
        id="a matrix",
    ),
    pytest.param(
        said({"data": {"resultType": "string", "result": "x"}}), "is not a list", id="a string"
    ),
    pytest.param(
        vector(({"faceblur_query": "success:gray:bad"}, "many")),
        "not an instant vector of numbers",
        id="a value that is no number",
    ),
    pytest.param(vector(({"pod": "a"}, "1")), "not an instant vector", id="a series without mark"),
    pytest.param(
        vector(({"faceblur_query": "other"}, "1")), "unknown query 'other'", id="a foreign mark"
    ),
    pytest.param(
        vector(({"faceblur_query": "success:gray:bad"}, "1"), warnings=["a shard is missing"]),
        "a shard is missing",
        id="a warning: series may lack",
    ),
    pytest.param(
        said({"status": "error", "error": "a shard did not answer", "data": {"result": []}}),
        "a shard did not answer",
        id="an error beside data: series may lack",
    ),
    pytest.param(
        Reply(b" " * (4 * 1024 * 1024 + 1)), "larger than 4 MiB", id="more than we want to read"
    ),
    pytest.param(Reply(b"{" * 1000, cut=True), "not reachable", id="an answer that breaks off"),
    pytest.param(
        Reply(b"{" * 1000, drip_s=0.02), "no answer within 1 s", id="an answer that never ends"
    ),
]


@pytest.mark.parametrize(("reply", "want_why"), NONSENSE)
def test_answer_that_cannot_be_read_says_why(reply: Reply, want_why: str) -> None:
    meter = FakeMeter()
    source = PrometheusSource(SystemClock(), meter)

    with http_prometheus(reply) as server:
        found = asyncio.run(source.query(server.url, QUERIES, timeout=timedelta(seconds=1)))
        source.close()

    assert isinstance(found, NoSamples)
    assert want_why in found.why
    assert meter.queries == [False]


def test_server_that_is_down_says_so_and_answers_again_later() -> None:
    source = PrometheusSource(SystemClock(), FakeMeter())
    with http_prometheus(vector()) as server:
        url = server.url

    down = asyncio.run(source.query(url, QUERIES, timeout=timedelta(seconds=1)))
    with http_prometheus(vector()) as server:
        up = asyncio.run(source.query(server.url, QUERIES, timeout=timedelta(seconds=5)))
    source.close()

    assert isinstance(down, NoSamples)
    assert "not reachable" in down.why
    assert isinstance(up, Samples)


def test_server_that_hangs_does_not_hold_up_another() -> None:
    async def story(hanging: str, good: str) -> list[Samples | NoSamples]:
        source = PrometheusSource(SystemClock(), FakeMeter())
        second = timedelta(seconds=1)
        stuck = [
            asyncio.create_task(source.query(hanging, QUERIES, timeout=second)) for _ in range(40)
        ]
        await asyncio.sleep(0)
        found = [await source.query(good, QUERIES, timeout=second)]
        found += await asyncio.gather(*stuck)
        source.close()
        return found

    with http_prometheus(Reply(stall_s=1.5)) as hanging, http_prometheus(vector()) as good:
        first, *others = asyncio.run(story(hanging.url, good.url))

    assert isinstance(first, Samples)
    assert all(isinstance(one, NoSamples) for one in others)


def test_all_queries_go_in_one_request() -> None:
    source = PrometheusSource(SystemClock(), FakeMeter())

    with http_prometheus(vector()) as server:
        asyncio.run(source.query(server.url, QUERIES, timeout=PATIENT))
        source.close()

    assert server.queries == [
        'label_replace(bad{pod="a"}, "faceblur_query", "success:gray:bad", "", "") or '
        'label_replace(total{pod="a"}, "faceblur_query", "success:gray:total", "", "")'
    ]


def test_the_same_labels_are_the_same_object_at_the_next_look() -> None:
    """A look compares thousands of label sets with those of the last one."""
    answer = vector(({"pod": "a", "faceblur_query": "success:gray:bad"}, "1"))
    source = PrometheusSource(SystemClock(), FakeMeter())

    with http_prometheus(answer) as server:
        looks = [asyncio.run(source.query(server.url, QUERIES, timeout=PATIENT)) for _ in range(2)]
        source.close()

    first, second = (
        look.series["success:gray:bad"][0].labels for look in looks if isinstance(look, Samples)
    )
    assert first is second


def test_label_sets_that_nobody_sees_any_more_are_forgotten() -> None:
    """Pods come and go for months."""
    sets: list[Labels] = [(("pod", str(index)),) for index in range(KEPT_LABELS)]
    known = {one: one for one in sets}
    answer = [{"metric": {"pod": "new", "faceblur_query": "a"}, "value": [0, "1"]}]

    found = grouped(answer, {"a": "up"}, known)

    assert (found, known) == ({"a": Vector(((("pod", "new"),),), (1.0,))}, {})
