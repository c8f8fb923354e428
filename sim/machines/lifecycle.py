"""A machine's states and what may follow what, as Fly's Machines have them. Pure.

    created ──start──▶ starting ──ready──▶ started ──stop──▶ stopping ──exited──▶ stopped
                          │                 │   │ ▲                                 ▲
                          │                 │   └─┴──restart──▶ restarting ──ready   │
                          │                 └──exited: it died ──────────────────────┘
                          └──start_failed──▶ failed   (restarting and updating can fail like this)

    started ──suspend──▶ suspending ──suspended──▶ suspended ──start──▶ starting ──ready──▶ started
    started ──update──▶ updating ──ready──▶ started        what is down stays down when updated

A created, stopped, suspended or failed machine can be started, or destroyed (destroying,
destroyed). A verb changes the state before it waits for anything, so the state is also the lock:
of verbs that conflict the first one wins, and the others find a state in which they are refused.
"""

from __future__ import annotations

from enum import StrEnum

from sim.errors import InputError


class State(StrEnum):
    """The state of a machine: what is so, not what anybody believes."""

    CREATED = "created"
    STARTING = "starting"
    STARTED = "started"
    STOPPING = "stopping"
    STOPPED = "stopped"
    RESTARTING = "restarting"
    UPDATING = "updating"
    SUSPENDING = "suspending"
    SUSPENDED = "suspended"
    FAILED = "failed"
    DESTROYING = "destroying"
    DESTROYED = "destroyed"


class Action(StrEnum):
    """What is done to a machine, or happens to it.

    These happen: ready, exited, start_failed, suspended, destroyed.
    """

    START = "start"
    READY = "ready"
    START_FAILED = "start_failed"
    STOP = "stop"
    RESTART = "restart"
    UPDATE = "update"
    SUSPEND = "suspend"
    SUSPENDED = "suspended"
    EXITED = "exited"
    DESTROY = "destroy"
    DESTROYED = "destroyed"


TRANSITIONS: dict[tuple[State, Action], State] = {
    (State.CREATED, Action.START): State.STARTING,
    (State.STOPPED, Action.START): State.STARTING,
    (State.FAILED, Action.START): State.STARTING,
    (State.SUSPENDED, Action.START): State.STARTING,
    (State.STARTING, Action.READY): State.STARTED,
    (State.STARTING, Action.START_FAILED): State.FAILED,
    (State.STARTING, Action.EXITED): State.STOPPED,  # what was suspended dies as it wakes
    (State.STARTED, Action.STOP): State.STOPPING,
    (State.STARTED, Action.EXITED): State.STOPPED,
    (State.STARTED, Action.RESTART): State.RESTARTING,
    (State.RESTARTING, Action.READY): State.STARTED,
    (State.RESTARTING, Action.START_FAILED): State.FAILED,
    (State.STARTED, Action.UPDATE): State.UPDATING,
    (State.UPDATING, Action.READY): State.STARTED,
    (State.UPDATING, Action.START_FAILED): State.FAILED,
    (State.CREATED, Action.UPDATE): State.CREATED,
    (State.STOPPED, Action.UPDATE): State.STOPPED,
    (State.FAILED, Action.UPDATE): State.FAILED,
    (State.STARTED, Action.SUSPEND): State.SUSPENDING,
    (State.SUSPENDING, Action.SUSPENDED): State.SUSPENDED,
    (State.SUSPENDING, Action.READY): State.STARTED,  # it could not be suspended
    (State.SUSPENDING, Action.EXITED): State.STOPPED,
    (State.SUSPENDED, Action.STOP): State.STOPPING,
    (State.SUSPENDED, Action.EXITED): State.STOPPED,
    (State.STOPPING, Action.EXITED): State.STOPPED,
    (State.CREATED, Action.DESTROY): State.DESTROYING,
    (State.STOPPED, Action.DESTROY): State.DESTROYING,
    (State.FAILED, Action.DESTROY): State.DESTROYING,
    (State.DESTROYING, Action.DESTROYED): State.DESTROYED,
}

# What a person can ask for; the other actions happen by themselves.
_VERBS = (
    *(Action.START, Action.STOP, Action.RESTART),
    *(Action.SUSPEND, Action.UPDATE, Action.DESTROY),
)


class IllegalTransitionError(InputError):
    """The machine is in no state for what was asked of it."""


def allowed(state: State) -> tuple[Action, ...]:
    """What can be asked of a machine in that state."""
    return tuple(verb for verb in _VERBS if (state, verb) in TRANSITIONS)


def after(state: State, action: Action, machine: str = "the machine") -> State:
    """The state that follows. Raises IllegalTransitionError, which says what is allowed."""
    try:
        return TRANSITIONS[state, action]
    except KeyError:
        verbs = ", ".join(allowed(state)) or "nothing, until that is over"
        raise IllegalTransitionError(
            f"cannot {action} {machine}: it is {state}; possible now: {verbs}"
        ) from None
