"""A cgroup with a pod's limits, half a core and 512 MiB; version 1 of cgroups, as root."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

QUOTA_US, PERIOD_US = 50_000, 100_000
BYTES = 512 * 1024 * 1024
_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Pod:
    """The limits, ready to be entered."""

    cpu: Path
    memory: Path

    @property
    def enter(self) -> tuple[str, ...]:
        """A command that runs the command after it inside of the limits."""
        joined = " && ".join(
            f"echo $$ > {folder}/cgroup.procs" for folder in (self.cpu, self.memory)
        )
        return ("sh", "-c", f'{joined} && exec "$@"', "sh")

    @property
    def kills(self) -> int:
        """How many processes were killed for lack of memory."""
        text = (self.memory / "memory.oom_control").read_text(encoding="ascii")
        return sum(int(line.split()[1]) for line in text.splitlines() if "oom_kill " in line)

    def leave(self, left: int) -> None:
        """Lower the limit of memory so that this much is left beside what is taken now."""
        taken = int((self.memory / "memory.usage_in_bytes").read_text(encoding="ascii"))
        (self.memory / "memory.limit_in_bytes").write_text(str(min(BYTES, taken + left)))

    @property
    def peak(self) -> int:
        """Bytes of memory at most so far."""
        return int((self.memory / "memory.max_usage_in_bytes").read_text(encoding="ascii"))


def why_not() -> str | None:
    """Return why there can be no such limits here, None when there can."""
    if os.geteuid() != 0:
        return "limits need root"
    if not (_ROOT / "cpu" / "cgroup.procs").exists():
        return "no version 1 cgroups here"
    return None


@contextlib.contextmanager
def limits(*, whole_cores: bool = False) -> Iterator[Pod]:
    """Make the limits, and remove them when the block ends and nobody is inside any more.

    Args:
        whole_cores: Limit the memory alone.
    """
    name = f"faceblur-bench-{os.getpid()}"
    pod = Pod(_ROOT / "cpu" / name, _ROOT / "memory" / name)
    for folder in (pod.cpu, pod.memory):
        folder.mkdir()
    try:
        (pod.cpu / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (pod.cpu / "cpu.cfs_quota_us").write_text(str(-1 if whole_cores else QUOTA_US))
        (pod.memory / "memory.limit_in_bytes").write_text(str(BYTES))
        yield pod
    finally:
        for folder in (pod.cpu, pod.memory):
            folder.rmdir()
