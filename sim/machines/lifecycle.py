"""A machine's states and what may follow what, as Fly's Machines have them. Pure.

    created ──start──▶ starting ──ready──▶ started ──stop──▶ stopping ──exited──▶ stopped
                          │                 │   │ ▲                                 ▲
                          │                 │   └─┴──restart──▶ restarting ──ready   │
                          │                 └──exited: it died ──────────────────────┘
                          └──start_failed──▶ failed       (restarting can fail like this too)

A created, stopped or failed machine can be started, or destroyed (destroying, destroyed).
Suspension, leases and versions are not simulated.
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
    FAILED = "failed"
    DESTROYING = "destroying"
    DESTROYED = "destroyed"


class Action(StrEnum):
    """What is done to a machine, or happens to it (ready, exited, start_failed, destroyed)."""

    START = "start"
    READY = "ready"
    START_FAILED = "start_failed"
    STOP = "stop"
    RESTART = "restart"
    EXITED = "exited"
    DESTROY = "destroy"
    DESTROYED = "destroyed"


TRANSITIONS: dict[tuple[State, Action], State] = {
    (State.CREATED, Action.START): State.STARTING,
    (State.STOPPED, Action.START): State.STARTING,
    (State.FAILED, Action.START): State.STARTING,
    (State.STARTING, Action.READY): State.STARTED,
    (State.STARTING, Action.START_FAILED): State.FAILED,
    (State.STARTED, Action.STOP): State.STOPPING,
    (State.STARTED, Action.EXITED): State.STOPPED,
    (State.STARTED, Action.RESTART): State.RESTARTING,
    (State.RESTARTING, Action.READY): State.STARTED,
    (State.RESTARTING, Action.START_FAILED): State.FAILED,
    (State.STOPPING, Action.EXITED): State.STOPPED,
    (State.CREATED, Action.DESTROY): State.DESTROYING,
    (State.STOPPED, Action.DESTROY): State.DESTROYING,
    (State.FAILED, Action.DESTROY): State.DESTROYING,
    (State.DESTROYING, Action.DESTROYED): State.DESTROYED,
}

# What a person can ask for; the other actions happen by themselves.
_VERBS = (Action.START, Action.STOP, Action.RESTART, Action.DESTROY)


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
