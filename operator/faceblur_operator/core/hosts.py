"""Which hosts a rollout may make the operator call.

The operator stands inside the cluster, with rights and neighbours its users may not have: an
address written by a user must not turn it into their hand (SSRF).
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from faceblur_operator.core.errands import Form

# Services of the rollout's own namespace: whoever may write a rollout there may use them anyway.
OWN_SERVICES = ("*.{{namespace}}.svc", "*.{{namespace}}.svc.cluster.local")
# Chats answer at these hosts only, and nothing of a cluster does; a purge is for the service.
ALWAYS = {
    Form.PURGE: OWN_SERVICES,
    Form.SLACK: ("hooks.slack.com", "hooks.slack-gov.com"),
    Form.DING_TALK: ("oapi.dingtalk.com",),
    Form.FEISHU: ("open.feishu.cn", "open.larksuite.com"),
}


def is_allowed(url: str, patterns: Sequence[str], *, namespace: str) -> bool:
    """Whether the host of an address matches one of these patterns."""
    host = host_of(url)
    filled = (one.replace("{{namespace}}", namespace) for one in patterns)
    return bool(host) and any(fnmatchcase(host, pattern.lower()) for pattern in filled)


def host_of(url: str) -> str:
    """Return the host of an address in lower case without a last dot, empty when it has none."""
    try:
        return (urlsplit(url).hostname or "").removesuffix(".")
    except ValueError:
        return ""


def allowed_for(form: Form, patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the patterns that hold for a message of this form."""
    return (*ALWAYS.get(form, ()), *patterns)
