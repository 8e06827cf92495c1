"""A real single-node Kubernetes for the tests and the demo, built from source.

`Cluster` starts one (or wraps the cluster of the user's kubeconfig), `tools` gives the programs
that go with it, `images` builds what runs in it.  Nothing here may change the machine's own
network, cgroups or services beyond directories that it takes away again.
"""

from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError

__all__ = ["Cluster", "ClusterError"]
