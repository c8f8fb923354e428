"""Wrong numbering is never held for a loss nor failed for none; of right one the truth is told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.observe.misnumbered import RIGHT, WRONG, Connection, Gateway, Run, Script, matrix

CONNECTIONS = st.lists(
    st.builds(
        Connection,
        turns=st.integers(1, 8),
        window=st.integers(1, 4),
        end=st.sampled_from(("answered", "arrived", "cut")),
    ),
    min_size=1,
    max_size=4,
).map(tuple)
PLACES = st.frozensets(st.integers(0, 25), max_size=5)
GATEWAYS = st.builds(
    Gateway,
    loses=PLACES,
    doubles=PLACES,
    delays=PLACES,
    forgets_after=st.frozensets(st.integers(0, 3), max_size=2),
    dedupes=st.sampled_from(("", "known", "passed")),
)


def scripts(numberings):
    names = st.sampled_from(sorted(numberings))
    return st.builds(Script, numbering=names, connections=CONNECTIONS, resends=st.booleans())


@given(script=scripts(RIGHT), gateway=GATEWAYS)
def test_of_right_numbering_the_truth_is_told(script, gateway):
    run = Run(script, gateway)
    befell, guilty = run.truth()
    assert befell == guilty
    assert run.verdict() == ("failed" if befell else "held", befell)


@given(script=scripts(WRONG), gateway=GATEWAYS)
def test_no_wrong_numbering_is_held_for_a_loss_or_failed_for_none(script, gateway):
    run = Run(script, gateway)
    befell, guilty = run.truth()
    verdict, _ = run.verdict()
    assert not (verdict == "held" and befell)
    assert not (verdict == "failed" and not guilty)


def test_the_matrix_of_numbering_and_gateway_has_no_false_verdict():
    """`python -m tests.observe.misnumbered` prints it."""
    _, false = matrix(times=5)
    assert false == 0
