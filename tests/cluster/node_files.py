"""The configuration files of containerd, CNI, the kubelet and kube-proxy.  Pure texts."""

import json

from tests.cluster.layout import DNS_ADDRESS, INSIDE, NODE, NODE_ADDRESS, PODS

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
PAUSE_IMAGE = "docker.io/library/pause:1"

# The kubelet wants these for the whole machine.  Files over /proc/sys inside the node's own mount
# namespace show it what it wants and leave the machine's settings as they are.
KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


def cni() -> str:
    """Return the network of the pods: one bridge, host ports by portmap."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": PODS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": "/run/cni",
    }
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": addresses,
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "0.4.0", "name": "faceblur", "plugins": [bridge, ports]})


def containerd(debs: str) -> str:
    """Return containerd's settings; its programs come from the folder `debs`."""
    unused = ", ".join(
        f'"io.containerd.{plugin}"'
        for plugin in (
            "snapshotter.v1.aufs",
            "snapshotter.v1.btrfs",
            "snapshotter.v1.devmapper",
            "snapshotter.v1.zfs",
            "internal.v1.opt",
            "tracing.processor.v1.otlp",
        )
    )
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""\
version = 2
root = "{INSIDE}/containerd"
state = "/run/containerd"
disabled_plugins = [{unused}]
[grpc]
  address = "{CONTAINERD_SOCKET}"
[{cri}]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"
  tolerate_missing_hugetlb_controller = true
  disable_hugetlb_controller = true
[{cri}.containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"
[{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[{cri}.containerd.runtimes.runc.options]
  BinaryName = "{debs}/usr/sbin/runc"
  SystemdCgroup = false
[{cri}.cni]
  bin_dir = "{debs}/usr/lib/cni"
  conf_dir = "{INSIDE}/cni"
"""


def kubelet(cgroup: str) -> str:
    """Return the kubelet's settings; its pods live below `cgroup`."""
    pki = f"{INSIDE}/controlplane/pki"
    return f"""\
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: {NODE_ADDRESS}
authentication:
  anonymous: {{enabled: false}}
  webhook: {{enabled: true}}
  x509: {{clientCAFile: {pki}/ca.crt}}
authorization: {{mode: Webhook}}
tlsCertFile: {pki}/kubelet-server.crt
tlsPrivateKeyFile: {pki}/kubelet-server.key
containerRuntimeEndpoint: unix://{CONTAINERD_SOCKET}
cgroupDriver: cgroupfs
cgroupRoot: /{cgroup}
failSwapOn: false
protectKernelDefaults: true
clusterDNS: [{DNS_ADDRESS}]
clusterDomain: cluster.local
resolvConf: {INSIDE}/resolv.conf
rotateCertificates: false
healthzBindAddress: 127.0.0.1
# Images are imported, never pulled: one that was collected could not come back.
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {{memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}}
nodeStatusUpdateFrequency: 5s
maxPods: 110
"""


def kubelet_flags() -> list[str]:
    """Return the flags beside the kubelet's settings."""
    return [
        f"--config={INSIDE}/kubelet.yaml",
        f"--kubeconfig={INSIDE}/controlplane/kubelet.kubeconfig",
        f"--root-dir={INSIDE}/kubelet",
        f"--cert-dir={INSIDE}/kubelet-pki",
        f"--hostname-override={NODE}",
        f"--node-ip={NODE_ADDRESS}",
        "--housekeeping-interval=5s",
    ]


def kube_proxy() -> str:
    """Return kube-proxy's settings."""
    return f"""\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clientConnection: {{kubeconfig: {INSIDE}/controlplane/kube-proxy.kubeconfig}}
clusterCIDR: 10.244.0.0/16
hostnameOverride: {NODE}
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
conntrack: {{maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}}
"""
