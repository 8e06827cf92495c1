"""What a starter, its supervisor and the node inside the namespaces agree upon."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

NODE = "node1"
NODE_ADDRESS = "10.99.0.10"
API_PORT = 6443
SERVICES = "10.96.0.0/16"
PODS = "10.244.0.0/24"
DNS_ADDRESS = "10.96.0.10"
# Where the state directory appears inside the node: socket paths must stay short.
INSIDE = Path("/run/faceblur")


@dataclass(frozen=True)
class Layout:
    """The settings of one cluster, written to its state directory before it starts."""

    name: str
    state: str
    kubenode: str
    debs: str
    images: tuple[str, ...]
    cgroup: str
    nodes: bool
    port: int

    @property
    def folder(self) -> Path:
        """Return the state directory as the machine sees it."""
        return Path(self.state)

    def save(self) -> None:
        """Write the settings where `load` finds them."""
        (self.folder / "layout.json").write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, folder: Path) -> "Layout":
        """Read the settings of the cluster in `folder`."""
        fields = json.loads((folder / "layout.json").read_text())
        return cls(**{**fields, "images": tuple(fields["images"])})


def replace_text(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file so that a reader sees either nothing or all of it."""
    unfinished = path.with_name(path.name + ".part")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    unfinished.rename(path)
