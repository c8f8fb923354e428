import pickle

from sim.rng import Rng


def test_the_same_name_draws_the_same():
    assert Rng(7).fork("client/3").random() == Rng(7).fork("client/3").random()


def test_streams_do_not_shift_each_other():
    """Draws of one stream are the same however much another was drawn."""
    root = Rng(7)
    before = [root.fork("a").random() for _ in range(3)]
    other = root.fork("b")
    for _ in range(100):
        other.random()
    assert [root.fork("a").random() for _ in range(3)] == before


def test_names_and_seeds_make_different_streams():
    draws = {Rng(seed).fork(name).random() for seed in (1, 2) for name in ("a", "b", "a/b")}
    assert len(draws) == 6


def test_nested_names_are_paths():
    assert Rng(1).fork("a").fork("b").random() == Rng(1).fork("a/b").random()


def test_machine_ids_look_like_flys():
    identifier = Rng(1).fork("machine").hex_id()
    assert len(identifier) == 14
    assert int(identifier, 16) >= 0


def test_a_stream_survives_pickling_by_name():
    assert pickle.loads(pickle.dumps(Rng(3, "/x"))).path == "/x"  # noqa: S301 - our own bytes
