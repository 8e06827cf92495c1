"""Who a browser is, where no login exists: a random id in a signed cookie."""

import logging
import re
import secrets

from itsdangerous import BadSignature, URLSafeSerializer

_log = logging.getLogger("faceblur.web")
_ID = re.compile(r"[0-9a-f]{32}")


class Identities:
    """Signs ids and checks signatures.

    Every pod of every version needs the same key, or a visitor would be somebody else in each.
    """

    def __init__(self, secret_key: str | None) -> None:
        """Take the key, or a random one when there is none."""
        if secret_key is None:
            _log.warning(
                "FACEBLUR_SECRET_KEY is not set: identities end with this process",
            )
            secret_key = secrets.token_hex(32)
        self._serializer = URLSafeSerializer(secret_key, salt="faceblur-identity-1")

    def new(self) -> str:
        """Return a new id."""
        return secrets.token_hex(16)

    def sign(self, user: str) -> str:
        """Return the cookie value for an id."""
        return str(self._serializer.dumps(user))

    def read(self, cookie: str | None) -> str | None:
        """Return the id in a cookie, None when it is missing, forged or of another key."""
        if not cookie:
            return None
        try:
            user = self._serializer.loads(cookie)
        except BadSignature:
            return None
        return user if isinstance(user, str) and _ID.fullmatch(user) else None
