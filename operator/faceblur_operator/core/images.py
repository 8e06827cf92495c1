"""Which image pods really run: a tag can be moved while it is analysed, or before stable gets it.

Runtimes tell a digest in two forms, that of a registry and, for an image that was loaded by hand,
that of the image itself. Only digests of one form can be compared.
"""

from collections.abc import Iterable

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core.plan import Plan
from faceblur_operator.core.refusal import Refusal
from faceblur_operator.core.revision import container_of
from faceblur_operator.core.snapshot import Pod, Snapshot, Workload

MARK = "sha256:"
SHOWN = len(MARK) + 12


def moved(plan: Plan, snapshot: Snapshot) -> Refusal | None:
    """Return why nothing may rise: gray's pods do not all run one image; None when they do.

    Pods whose image is not resolved yet, or whose runtime tells no digest, say nothing.
    """
    for found in _digests(plan, snapshot.gray, snapshot.gray_pods):
        if len(found) > 1:
            why = (
                f"the tag of {plan.image} was moved: gray's pods run different images "
                f"({_named(found)}); release a digest or another tag"
            )
            return Refusal(Reason.IMAGE_MOVED, why)
    return None


def strange(plan: Plan, snapshot: Snapshot) -> Refusal | None:
    """Return why stable must not keep its new template: its pods run what was not analysed."""
    grays = _digests(plan, snapshot.gray, snapshot.gray_pods)
    stables = _digests(plan, snapshot.stable, snapshot.stable_pods)
    for analysed, found in zip(grays, stables, strict=True):
        if analysed and found - analysed:
            why = (
                f"the tag of {plan.image} was moved: stable's pods run {_named(found - analysed)}, "
                f"{_named(analysed)} was analysed; stable runs the old version again and gray "
                "keeps all traffic. Release a digest or another tag"
            )
            return Refusal(Reason.IMAGE_MOVED, why)
    return None


def _digests(plan: Plan, workload: Workload | None, pods: Iterable[Pod]) -> tuple[set[str], ...]:
    """Return the digests of the released container in the two forms: of registries, of images."""
    name = container_of(workload.template, plan.container) if workload is not None else None
    ids = [
        one.image_id
        for pod in pods
        if not pod.is_ending
        for one in pod.containers
        if one.name == name and MARK in one.image_id
    ]
    forms = [one for one in ids if "@" in one], [one for one in ids if "@" not in one]
    return tuple({text[text.index(MARK) :] for text in form} for form in forms)


def _named(digests: Iterable[str]) -> str:
    return ", ".join(sorted(one[:SHOWN] for one in digests))
