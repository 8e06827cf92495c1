"""The only thing a cluster makes outside of its namespaces: cgroup directories."""

import contextlib
import os
import time
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_CONTROLLERS = (
    *("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids"),
    *("systemd", "unified", "net_cls", "net_prio", "perf_event", "hugetlb"),
)

# The machine shares its processors out among its processes and this cgroup: without a weight, all
# of a node's processes together would count as one, and starve on a machine that does much else.
_WEIGHT = 16


def directories(name: str) -> list[Path]:
    """Return the directories of the cgroup `name`, on cgroup v1 one for each controller."""
    if (_ROOT / "cgroup.controllers").exists():
        return [_ROOT / name]
    return [_ROOT / each / name for each in _CONTROLLERS if (_ROOT / each).is_dir()]


def create(name: str) -> None:
    """Make the cgroup `name`."""
    for folder in directories(name):
        folder.mkdir(exist_ok=True)
        for file, standard in (("cpu.shares", 1024), ("cpu.weight", 100)):  # cgroup v1, v2
            if (folder / file).exists():
                (folder / file).write_text(str(standard * _WEIGHT))
        if folder.parent.name == "cpuset":
            for file in ("cpuset.cpus", "cpuset.mems"):
                (folder / file).write_text((folder.parent / file).read_text())


def remove(name: str, seconds: float = 10) -> list[Path]:
    """Remove the cgroup `name` and all below it; return what could not be removed in time.

    A process that was just killed leaves its cgroup a moment later, hence the patience.
    """
    end = time.monotonic() + seconds
    while True:
        left = [folder for folder in directories(name) if not _remove_tree(folder)]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.05)


def _remove_tree(folder: Path) -> bool:
    for place, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            Path(place).rmdir()
    return not folder.exists()
