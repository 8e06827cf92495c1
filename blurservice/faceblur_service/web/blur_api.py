"""POST /api/v1/blur: a picture in, the same picture with hidden faces out."""

import time

from flask import Blueprint, Response, g, request

from faceblur_service.metrics import outcome_of
from faceblur_service.web import choices, uploads
from faceblur_service.web.services import is_hop, opted_in, services, tags
from faceblur_service.web.work import Hidden

blueprint = Blueprint("blur", __name__)


@blueprint.post("/api/v1/blur")
def blur() -> Response:
    """Answer with the hidden picture, its faces counted in a header."""
    own = services()
    hop, marks = is_hop(), tags()
    with own.admission.place(overflow=own.work.can_forward(hop=hop)) as works:
        data = uploads.picture()
        options = choices.options(own.settings.sensitivity)
        named = choices.named_sensitivity()
        if works:
            hidden = own.work.hide(data, options, marks, hop=hop)
        else:
            hidden = own.work.forward(data, options, marks, "queue-full")
    answer = answer_of(hidden)
    if not hop:
        # Once the answer is on its way: comparing must not delay it.
        answer.call_on_close(lambda: own.work.offer(hidden, data, options, marks, named=named))
    return answer


def answer_of(hidden: Hidden) -> Response:
    """Return the HTTP answer that carries a hidden picture."""
    g.faces, g.degraded = hidden.faces, hidden.degraded
    answer = Response(hidden.data, hidden.status, content_type=hidden.media_type)
    if hidden.status == 200:
        answer.headers["X-Face-Blur-Faces"] = str(hidden.faces)
        answer.headers["X-Face-Blur-Hidden-Again"] = str(hidden.hidden_again)
    answer.headers.update(hidden.served_by)
    if hidden.degraded is not None:
        answer.headers["X-Face-Blur-Degraded"] = hidden.degraded
    stages = hidden.stage_seconds.items()
    if stages:
        answer.headers["Server-Timing"] = ", ".join(f"{k};dur={v * 1000:.1f}" for k, v in stages)
    return answer


def count(answer: Response) -> None:
    """Count a finished blur request, whatever became of it."""
    if request.blueprint != blueprint.name or request.method != "POST":
        return
    seconds = time.perf_counter() - g.started
    outcome = outcome_of(answer.status_code, degraded=g.get("degraded") is not None)
    services().metrics.answered(outcome, opted_in=opted_in(), seconds=seconds)
