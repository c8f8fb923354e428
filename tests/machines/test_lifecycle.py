from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.machines.lifecycle import (
    TRANSITIONS,
    Action,
    IllegalTransitionError,
    State,
    after,
    allowed,
)


@pytest.mark.parametrize(
    ("state", "actions", "end"),
    [
        (State.CREATED, "start ready", State.STARTED),
        (State.CREATED, "start start_failed", State.FAILED),
        (State.FAILED, "start ready stop exited", State.STOPPED),
        (State.STARTED, "exited start ready", State.STARTED),
        (State.STARTED, "restart ready", State.STARTED),
        (State.STARTED, "restart start_failed", State.FAILED),
        (State.STARTED, "update ready", State.STARTED),
        (State.STARTED, "update start_failed", State.FAILED),
        (State.STOPPED, "update", State.STOPPED),
        (State.STARTED, "suspend suspended start ready", State.STARTED),
        (State.STARTED, "suspend suspended stop exited", State.STOPPED),
        (State.STARTED, "suspend exited", State.STOPPED),
        (State.STOPPED, "destroy destroyed", State.DESTROYED),
        (State.CREATED, "destroy destroyed", State.DESTROYED),
    ],
)
def test_a_machine_goes_through_the_states_of_fly(state: State, actions: str, end: State) -> None:
    for action in actions.split():
        state = after(state, Action(action))
    assert state is end


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        (State.CREATED, {"start", "update", "destroy"}),
        (State.STARTED, {"stop", "restart", "suspend", "update"}),
        (State.STOPPING, set()),
        (State.STOPPED, {"start", "update", "destroy"}),
        (State.FAILED, {"start", "update", "destroy"}),
        (State.SUSPENDING, set()),
        (State.SUSPENDED, {"start", "stop"}),
        (State.UPDATING, set()),
        (State.DESTROYED, set()),
    ],
)
def test_what_can_be_asked_of_a_machine_depends_on_its_state(state: State, verbs: set[str]) -> None:
    assert set(allowed(state)) == verbs


def test_a_wrong_request_is_told_what_is_possible() -> None:
    with pytest.raises(IllegalTransitionError) as caught:
        after(State.STOPPED, Action.STOP, "fra/1")
    assert (
        str(caught.value)
        == "cannot stop fra/1: it is stopped; possible now: start, update, destroy"
    )
    assert caught.value.exit_code == 2


@given(st.lists(st.sampled_from(Action), max_size=30))
def test_whatever_is_tried_a_destroyed_machine_stays_destroyed(actions: list[Action]) -> None:
    state, destroyed = State.CREATED, False
    for action in actions:
        try:
            state = after(state, action)
        except IllegalTransitionError:
            assert (state, action) not in TRANSITIONS
        assert not destroyed or state is State.DESTROYED
        destroyed = state is State.DESTROYED


def test_every_state_is_reached_and_only_destroyed_is_final() -> None:
    reached = {State.CREATED, *TRANSITIONS.values()}
    left = {state for state, _ in TRANSITIONS}
    assert reached == set(State)
    assert set(State) - left == {State.DESTROYED}
