"""What the engine needs from the world, as small Protocols."""

from faceblur_operator.ports.clock import Clock
from faceblur_operator.ports.cluster import ClusterReader, ClusterWriter, EventSink
from faceblur_operator.ports.fence import Fence
from faceblur_operator.ports.meter import Meter
from faceblur_operator.ports.metrics import MetricsSource
from faceblur_operator.ports.outside import Outside, SecretSource

__all__ = [
    "Clock",
    "ClusterReader",
    "ClusterWriter",
    "EventSink",
    "Fence",
    "Meter",
    "MetricsSource",
    "Outside",
    "SecretSource",
]
