"""What is asked of, and told to, others outside the cluster."""

from typing import Protocol

from faceblur_operator.core.errands import Letter, Question, Receipt, Reply


class Outside(Protocol):
    """Asks gates and delivers letters; never raises for what the other side does."""

    async def ask(self, question: Question) -> Reply:
        """Return what the gate says; whatever is no clear agreement or refusal is no answer."""
        ...

    async def deliver(self, letter: Letter) -> Receipt:
        """Return what came of telling it; unknown when it may have arrived all the same."""
        ...


class SecretSource(Protocol):
    """Reads one key of a Secret, by name."""

    async def secret(self, namespace: str, name: str, key: str) -> str | None:
        """Return the text, None when there is no such Secret or key.

        Raises:
            ClusterError: it could not be read.
        """
        ...
