"""What was observed of the cluster and of Prometheus, once, before one decision.

Adapters fill these in; the core only reads them. Kubernetes objects that must be copied
(templates, rules) stay plain JSON values.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, overload

Json = Mapping[str, Any]
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment: what it should be and how far it is.

    Attributes:
        template: the pod template, as JSON.
        selector: its matchLabels.
        pod_hash: `pod-template-hash` of the present template's ReplicaSet, None before it exists.
        settled: the controller has seen the present generation.
        owner_uid: uid of the controlling owner, None without one.
        labels: labels of the Deployment itself.
        failure: why its controller cannot make pods (a quota, an admission webhook), else empty.
    """

    name: str
    uid: str
    replicas: int
    ready: int
    updated: int
    available: int
    total: int
    settled: bool
    template: Json
    selector: Mapping[str, str]
    pod_hash: str | None = None
    owner_uid: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""

    @property
    def is_rolled_out(self) -> bool:
        """Every wanted pod runs the present template and is available, and no old one is left."""
        return (
            self.settled
            and self.updated == self.replicas == self.available
            and self.total == self.replicas
        )


@dataclass(frozen=True, slots=True)
class KubeObject:
    """A Service or an Ingress, as JSON, with what identifies it."""

    name: str
    uid: str
    owner_uid: str | None
    manifest: Json


class Series(NamedTuple):
    """One element of an instant vector: its labels (sorted pairs) and its value."""

    labels: Labels
    value: float


class Vector(Sequence[Series]):
    """An instant vector, the answer to one query, in columns: so that it is compared as a whole.

    Attributes:
        labels: of each series.
        values: of each, in the same order.
    """

    __slots__ = ("labels", "values")

    def __init__(self, labels: tuple[Labels, ...], values: tuple[float, ...]) -> None:
        """Take both columns."""
        if len(labels) != len(values):
            raise ValueError(f"{len(labels)} series have {len(values)} values")
        self.labels = labels
        self.values = values

    @classmethod
    def of(cls, series: Iterable[Series]) -> "Vector":
        """Return these series as columns."""
        rows = tuple(series)
        return cls(tuple(one.labels for one in rows), tuple(one.value for one in rows))

    @overload
    def __getitem__(self, index: int) -> Series: ...

    @overload
    def __getitem__(self, index: slice) -> "Vector": ...

    def __getitem__(self, index: int | slice) -> "Series | Vector":
        """Return one series, or some of them."""
        if isinstance(index, slice):
            return Vector(self.labels[index], self.values[index])
        return Series(self.labels[index], self.values[index])

    def __iter__(self) -> Iterator[Series]:
        """Return the series."""
        return map(Series, self.labels, self.values)

    def __len__(self) -> int:
        """Return how many series there are."""
        return len(self.labels)

    def __eq__(self, other: object) -> bool:
        """Whether both say the same, in the same order."""
        if not isinstance(other, Vector):
            return NotImplemented
        return self.labels == other.labels and self.values == other.values

    def __hash__(self) -> int:
        """Return the hash of what is said."""
        return hash((self.labels, self.values))

    def __repr__(self) -> str:
        """Return what is said, for people."""
        return f"Vector({list(self)!r})"


@dataclass(frozen=True, slots=True)
class Samples:
    """The answer to one batched query: for each query key the series it matched.

    The adapters give `Vector`s; what is counted is the same for any other sequence of series.

    Attributes:
        at: when it was asked.
        read_at: the moment it is about, by Prometheus' own clock; None when no series says it.
        past: what the same question was answered about the moment that was asked for besides.
    """

    at: datetime
    series: Mapping[str, Sequence[Series]]
    read_at: datetime | None = None
    past: "Samples | None" = None


@dataclass(frozen=True, slots=True)
class NoSamples:
    """Prometheus could not be asked, or its answer could not be read; says why."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Rival:
    """Another rollout in the namespace and the objects it claims, `kind/name`."""

    name: str
    created: datetime
    claims: frozenset[str]


@dataclass(frozen=True, slots=True)
class PodContainer:
    """How one container of a pod is.

    Attributes:
        image_id: digest the kubelet resolved the image to; empty before it did.
        waiting: why it is not started (`CrashLoopBackOff`, `ImagePullBackOff`...), else empty.
        ended: why it ended last (`OOMKilled`, `Error`, `Completed`...), else empty.
        exit_code: of that end, None without one.
        message: what the kubelet says about it.
        started: when it began to run, None while it does not.
        ended_at: when it ended last, None when it never did.
    """

    name: str
    image: str
    image_id: str
    is_ready: bool
    restarts: int
    waiting: str = ""
    ended: str = ""
    exit_code: int | None = None
    message: str = ""
    started: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod.

    Attributes:
        pod_hash: its `pod-template-hash`; tells the revision it runs.
        phase: `Pending`, `Running`, `Failed`, `Succeeded` or `Unknown`.
        reason: why the pod as a whole failed (`Evicted`...) or does not start (`Unschedulable`),
            else empty.
        is_ending: it is being deleted.
        unready_since: since when it is not ready, None while it is.
    """

    name: str
    uid: str
    created: datetime
    pod_hash: str
    phase: str
    reason: str
    message: str
    is_ready: bool
    is_ending: bool
    containers: tuple[PodContainer, ...] = ()
    unready_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scaler:
    """A HorizontalPodAutoscaler that targets a Deployment; it, not we, sets the replicas."""

    name: str
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Mount:
    """A ConfigMap or Secret the pod template uses; `digest` is None while it does not exist."""

    kind: str
    name: str
    digest: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything observed for one rollout. `None` means: does not exist.

    Attributes:
        gray_pods: pods of gray's present template only; those of earlier ones say nothing.
        stable_pods: pods of stable's present template, only at the end of a promotion.
        unreadable: kinds that the operator has no right to read; it works on without them.
    """

    uid: str
    generation: int
    created: datetime
    stable: Workload | None
    gray: Workload | None
    stable_service: KubeObject | None
    gray_service: KubeObject | None
    ingress: KubeObject | None
    gray_ingress: KubeObject | None
    samples: Samples | NoSamples | None
    rivals: tuple[Rival, ...] = ()
    ingress_siblings: tuple[str, ...] = ()
    gray_pods: tuple[Pod, ...] = ()
    stable_pods: tuple[Pod, ...] = ()
    stable_scaler: Scaler | None = None
    gray_scaler: Scaler | None = None
    mounts: tuple[Mount, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
