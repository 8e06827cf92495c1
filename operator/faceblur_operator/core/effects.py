"""What a decision may write to the cluster."""

from dataclasses import dataclass

from faceblur_operator.core.snapshot import Json


@dataclass(frozen=True, slots=True)
class Apply:
    """A server-side apply of one object; `manifest` holds only the fields we own."""

    manifest: Json

    @property
    def kind(self) -> str:
        """Kind of the object."""
        return str(self.manifest["kind"])


@dataclass(frozen=True, slots=True)
class Delete:
    """Deletes one object if it still has this uid."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class PatchTemplate:
    """A strategic merge patch of a Deployment we do not own (stable), guarded by its uid."""

    name: str
    uid: str
    patch: Json


@dataclass(frozen=True, slots=True)
class ClearCommand:
    """Takes the command annotation off the rollout if it still has this text."""

    text: str


Effect = Apply | Delete | PatchTemplate | ClearCommand
