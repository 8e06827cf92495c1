"""Commands that people give by an annotation: read, obeyed at most once, never trusted blindly.

The annotation is taken away only after the status says that it was consumed, and the status keeps
its digest until it is gone: whatever write a crash falls between, a command is carried out once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any

from faceblur_operator.api.reasons import Reason
from faceblur_operator.core import lifecycle
from faceblur_operator.core.beginning import anew, release_of
from faceblur_operator.core.decision import Note
from faceblur_operator.core.state import ACTIVE, Grant, Previous, Stage, State
from faceblur_operator.core.view import View

ANNOTATION = "faceblur.dev/command"
SOMEBODY = "a user"
LONGEST = 1024
LONGEST_NAME = 64


class Verb(StrEnum):
    """What a person may ask for."""

    PROMOTE = "promote"
    PROMOTE_FULL = "promote-full"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    RETRY = "retry"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Command:
    """One command as given.

    Attributes:
        digest: of the whole text; tells two commands apart.
        verb: None when there is no such verb.
        said: the verb as written, for the answer.
        by, at: who gave it and when, as far as it says.
        revision: of the history, for undo.
    """

    digest: str
    verb: Verb | None
    said: str
    by: str = SOMEBODY
    at: str = ""
    revision: str = ""


def read(text: str) -> Command:
    """Return the command that an annotation gives: a bare verb, `undo=<revision>` or JSON."""
    digest = sha256(text.encode()).hexdigest()[:12]
    if text.lstrip().startswith("{") and len(text) <= LONGEST:
        try:
            given = json.loads(text)
        except ValueError:
            return Command(digest, None, _shown(text))
        said, revision = str(given.get("verb", "")), str(given.get("revision") or "")
        by, at = _shown(str(given.get("by") or SOMEBODY)), _shown(str(given.get("at") or ""))
        return Command(digest, _verb(said), _shown(said), by, at, revision)
    said, _, revision = text.strip().partition("=")
    verb = _verb(said) if not revision or said == Verb.UNDO else None
    return Command(digest, verb, _shown(text), revision=revision)


def hear(state: State, view: View, stored_status: Mapping[str, Any]) -> tuple[State, Note | None]:
    """Return the state after the command on the resource, and what to note about it.

    What was consumed is not obeyed again; what is gone from the resource is forgotten, so that
    the same words mean a new command.
    """
    text = view.snapshot.annotations.get(ANNOTATION)
    if text is None:
        return (replace(state, command="") if state.command else state), None
    command = read(text)
    if command.digest == state.command:
        return state, None
    outcome = _obey(state, view, command, stored_status)
    when = f" at {command.at}" if command.at else ""
    if isinstance(outcome, str):
        note = Note(command.said, Reason.COMMAND_REFUSED, outcome, command.by)
        return replace(state, command=command.digest), note
    told = f"{command.said} by {command.by}{when}"
    note = Note(command.said, Reason.COMMANDED, told, command.by)
    return replace(outcome, command=command.digest), note


def leftover(state: State, annotations: Mapping[str, str]) -> str | None:
    """Return the text of a command that was consumed and is still on the resource."""
    text = annotations.get(ANNOTATION)
    return text if text is not None and read(text).digest == state.command else None


def _obey(
    state: State, view: View, command: Command, stored_status: Mapping[str, Any]
) -> State | str:
    """Return the state that a command leads to, or a sentence why it makes no sense now."""
    is_frozen = view.plan.suspended and command.verb is not Verb.ABORT
    if command.verb is not None and is_frozen:
        return f"{command.said}: spec.suspend is true; set it to false first (abort works)"
    match command.verb:
        case None:
            return f"{command.said} is no command; use one of {', '.join(Verb)}"
        case Verb.PROMOTE | Verb.PROMOTE_FULL:
            return _promote(state, view, command.verb)
        case Verb.PAUSE:
            return _pause(state, command)
        case Verb.RESUME:
            return replace(state, paused_by="") if state.paused_by else "resume: it is not paused"
        case Verb.ABORT:
            return _abort(state, view, command)
        case Verb.RETRY:
            return _retry(state, view, command)
        case Verb.UNDO:
            return _undo(state, view, command, stored_status)


def _promote(state: State, view: View, verb: Verb) -> State | str:
    if state.stage is Stage.STALLED and view.problem is None:
        return lifecycle.promote(state, view)
    if state.stage is not Stage.STEPPING:
        return f"{verb}: no step to go on from ({_where(state)})"
    if verb is Verb.PROMOTE and state.weighted_since is None:
        return "promote: gray has no traffic yet, so there is nothing to skip"
    grant = Grant.FULL if verb is Verb.PROMOTE_FULL else Grant.STEP
    return replace(state, granted=grant, paused_by="")


def _pause(state: State, command: Command) -> State | str:
    if state.stage is not Stage.STEPPING:
        return f"pause: no step to stay at ({_where(state)})"
    if state.paused_by:
        return f"pause: {state.paused_by} has paused it already"
    return replace(state, paused_by=command.by, granted=Grant.NONE)


def _abort(state: State, view: View, command: Command) -> State | str:
    if state.stage not in ACTIVE:
        return f"{command.said}: nothing is being released ({_where(state)})"
    why = f"aborted by {command.by}; retry or another image releases again"
    return lifecycle.roll_back(state, view, Reason.ABORTED, why)


def _retry(state: State, view: View, command: Command) -> State | str:
    if state.stage not in (Stage.ROLLED_BACK, Stage.STALLED):
        return f"retry: nothing to try again ({_where(state)})"
    if view.problem is not None:
        return f"retry: {view.problem.message}"
    told = f"releasing {view.plan.image} again from 0 %, asked by {command.by}"
    return anew(state, view, Reason.RETRIED, told)


def _undo(
    state: State, view: View, command: Command, stored_status: Mapping[str, Any]
) -> State | str:
    if state.stage in ACTIVE and not command.revision:
        return _abort(state, view, command)
    if state.stage not in (Stage.PROMOTED, Stage.ROLLED_BACK):
        return f"undo: only what is over can be undone; abort first ({_where(state)})"
    if view.problem is not None:
        return f"undo: {view.problem.message}"
    if command.revision:
        back = _earlier(view, command.revision, stored_status)
    elif state.stage is Stage.PROMOTED and state.previous is not None:
        back = state.previous
    else:
        back = "undo: what stable ran before is not known; name a revision of status.history"
    if isinstance(back, str):
        return back
    changed = replace(
        state, previous=back, stable_image=back.image, undone=release_of(view.plan), slos=()
    )
    why = f"stable runs {back.image} again, asked by {command.by}; {view.plan.image} is undone"
    return lifecycle.roll_back(changed, view, Reason.UNDONE, why)


def _earlier(view: View, revision: str, stored_status: Mapping[str, Any]) -> Previous | str:
    """Return what stable ran under a revision of the history."""
    promoted = [
        one
        for one in stored_status.get("history") or []
        if one.get("outcome") == "Promoted" and one.get("image")
    ]
    known = [str(one.get("revision")) for one in promoted]
    if revision not in known:
        listed = ", ".join(known) or "none"
        return f"undo: {_shown(revision)} is no promoted revision of the history ({listed})"
    index = len(known) - 1 - known[::-1].index(revision)
    if any(one.get("env") is None for one in promoted[: index + 1]):
        return f"undo: the variables of {revision} were too long to be kept; release its image"
    # Variables that came later go away; those of earlier versions stay as they were then.
    env: dict[str, str | None] = dict.fromkeys(name for name, _ in view.plan.gray_env)
    for one in promoted[index + 1 :]:
        env |= dict.fromkeys(str(each["name"]) for each in one.get("env") or [])
    for one in promoted[: index + 1]:
        env |= {str(each["name"]): str(each.get("value") or "") for each in one["env"]}
    return Previous(str(promoted[index]["image"]), tuple(env.items()))


def _verb(said: str) -> Verb | None:
    return Verb(said) if said in set(Verb) else None


def _where(state: State) -> str:
    return f"it is {state.stage.value}"


def _shown(text: str) -> str:
    """Return what somebody wrote, fit for one line of a status."""
    line = "".join(char if char.isprintable() else " " for char in text)
    return line if len(line) <= LONGEST_NAME else f"{line[:LONGEST_NAME]}…"
