"""kopf glue: watches turned into calls of the wiring; nothing here decides anything."""

from faceblur_operator.handlers.watches import KopfWatch

__all__ = ["KopfWatch"]
