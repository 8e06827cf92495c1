"""The contract of reader, writer, events and Lease on a real API server."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from kubernetes.aio import client
from kubernetes.aio import config as kube_config
from tests.cluster import Cluster
from tests.support.cluster_contract import SPACE, Bench, ClusterContract
from tests.support.operation import install_crd

from faceblur_operator.adapters.kube_api import KubeApi, NotFoundError, path_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

T = TypeVar("T")
EMPTIED = (
    "FaceBlurRollout",
    "Deployment",
    "ReplicaSet",
    "Pod",
    "HorizontalPodAutoscaler",
    "Service",
    "ConfigMap",
    "Secret",
    "Ingress",
    "Event",
    "Lease",
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.start("contract", nodes=False) as started:
        install_crd(started)
        started.kubectl("create", "namespace", SPACE)
        account = ("serviceaccount/default", f"--namespace={SPACE}")
        started.kubectl("wait", "--for=create", *account, "--timeout=30s")
        yield started


class TestRealCluster(ClusterContract):
    """One namespace, emptied before each test."""

    @pytest.fixture(autouse=True)
    def _connect(self, cluster: Cluster) -> None:
        self.kubeconfig = cluster.kubeconfig

    def run(self, story: Callable[[Bench], Coroutine[Any, Any, T]]) -> T:
        async def go() -> T:
            configuration = client.Configuration()
            load: Any = kube_config.load_kube_config
            await load(config_file=str(self.kubeconfig), client_configuration=configuration)
            api = KubeApi(configuration)
            try:
                for kind in EMPTIED:
                    for item in (await api.get(path_of(kind, SPACE)))["items"]:
                        path = path_of(kind, SPACE, item["metadata"]["name"])
                        # What a controller made may go with its owner before its turn comes.
                        with contextlib.suppress(NotFoundError):
                            await api.request("DELETE", path, body={})
                return await story(Bench(api))
            finally:
                await api.close()

        return asyncio.run(go())
