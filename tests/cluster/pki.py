"""The certificates of one cluster that is thrown away after its run: EC keys, 30 days."""

import base64
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_CLIENT, _SERVER = "clientAuth", "serverAuth"
_SERVICE_NAMES = (
    "DNS:localhost",
    "DNS:kubernetes",
    "DNS:kubernetes.default",
    "DNS:kubernetes.default.svc",
    "DNS:kubernetes.default.svc.cluster.local",
    "IP:127.0.0.1",
    "IP:10.96.0.1",
)
USERS = {
    "admin": "/O=system:masters/CN=admin",
    "kube-controller-manager": "/CN=system:kube-controller-manager",
    "kube-scheduler": "/CN=system:kube-scheduler",
    "kube-proxy": "/CN=system:kube-proxy",
}


@dataclass(frozen=True)
class Pki:
    """A folder of keys and certificates, named as kubeadm names them."""

    folder: Path
    env: Mapping[str, str]

    def create(self, address: str, node: str) -> None:
        """Make every key and certificate of a cluster whose API answers on `address`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for authority in ("ca", "front-proxy-ca"):
            self._certificate(authority, f"/CN={authority}", _AUTHORITY)
        self._leaf("apiserver", "/CN=kube-apiserver", _SERVER, [*_SERVICE_NAMES, f"IP:{address}"])
        self._leaf("kubelet-server", f"/CN={node}", _SERVER, [f"DNS:{node}", f"IP:{address}"])
        masters = "/O=kubeadm:cluster-admins/O=system:masters/CN=kube-apiserver-kubelet-client"
        self._leaf("apiserver-kubelet-client", masters, _CLIENT)
        self._leaf("front-proxy-client", "/CN=front-proxy-client", _CLIENT, ca="front-proxy-ca")
        self._leaf("kubelet", f"/O=system:nodes/CN=system:node:{node}", _CLIENT)
        for user, subject in USERS.items():
            self._leaf(user, subject, _CLIENT)
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sa.key")
        self._openssl("ec", "-in", "sa.key", "-pubout", "-out", "sa.pub")

    def kubeconfig(self, user: str, server: str) -> str:
        """Return a kubeconfig for `user` that carries its certificate inside."""
        authority, certificate, key = (
            base64.b64encode((self.folder / name).read_bytes()).decode()
            for name in ("ca.crt", f"{user}.crt", f"{user}.key")
        )
        return f"""\
apiVersion: v1
kind: Config
current-context: faceblur
clusters:
- name: faceblur
  cluster: {{server: "{server}", certificate-authority-data: {authority}}}
contexts:
- name: faceblur
  context: {{cluster: faceblur, user: {user}}}
users:
- name: {user}
  user: {{client-certificate-data: {certificate}, client-key-data: {key}}}
"""

    def _leaf(
        self, name: str, subject: str, usage: str, names: Sequence[str] = (), *, ca: str = "ca"
    ) -> None:
        extensions = [
            "basicConstraints=CA:FALSE",
            "keyUsage=critical,digitalSignature,keyEncipherment",
            f"extendedKeyUsage={usage}",
        ]
        if names:
            extensions.append("subjectAltName=" + ",".join(dict.fromkeys(names)))
        self._certificate(name, subject, extensions, "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key")

    def _certificate(
        self, name: str, subject: str, extensions: Sequence[str], *signer: str
    ) -> None:
        # A configuration of our own: the machine's one would add extensions.
        lines = ["[req]", "distinguished_name=dn", "x509_extensions=ext", "[dn]", "[ext]"]
        (self.folder / f"{name}.cnf").write_text("\n".join([*lines, *extensions, ""]))
        self._openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-sha256", "-days", "30", "-config", f"{name}.cnf", "-subj", subject),
            *("-keyout", f"{name}.key", "-out", f"{name}.crt", *signer),
        )

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(
            ["openssl", *arguments],
            cwd=self.folder,
            env=dict(self.env),
            check=True,
            capture_output=True,
        )


_AUTHORITY = (
    "basicConstraints=critical,CA:TRUE",
    "keyUsage=critical,keyCertSign,cRLSign,digitalSignature",
)
