"""Observe, decide, apply: runs the pure decisions against the ports, for many rollouts at once."""

from faceblur_operator.engine.brain import Brain, core_brain
from faceblur_operator.engine.reconciler import Answer, Ask, Outcome, Reconciler
from faceblur_operator.engine.scheduler import Scheduler
from faceblur_operator.engine.writing import Doors

__all__ = [
    "Answer",
    "Ask",
    "Brain",
    "Doors",
    "Outcome",
    "Reconciler",
    "Scheduler",
    "core_brain",
]
