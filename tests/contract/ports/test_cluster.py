"""The contract of reader, writer, events and Lease on the API server in memory."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tests.support.cluster_contract import Bench, ClusterContract
from tests.support.fakes.kube_api import FakeKubeApi
from tests.support.virtual_time import run_virtually

T = TypeVar("T")


class TestFakeCluster(ClusterContract):
    """In virtual time: the Lease tests take no longer than the others."""

    def run(self, story: Callable[[Bench], Coroutine[Any, Any, T]]) -> T:
        async def go() -> T:
            return await story(Bench(FakeKubeApi()))

        return run_virtually(go())
