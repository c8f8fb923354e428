import struct

from hypothesis import given
from hypothesis import strategies as st

from sim.streams.websocket_frames import GOING_AWAY, FrameCounter

SIZES = st.sampled_from([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])


def frame(size: int, *, mask: bool) -> bytes:
    """A binary frame of RFC 6455, 5.2."""
    bit = 0x80 if mask else 0
    if size < 126:
        head = struct.pack("!BB", 0x82, bit | size)
    elif size < 65_536:
        head = struct.pack("!BBH", 0x82, bit | 126, size)
    else:
        head = struct.pack("!BBQ", 0x82, bit | 127, size)
    return head + (b"mask" if mask else b"") + b"x" * size


@given(st.lists(st.tuples(SIZES, st.booleans()), min_size=1, max_size=4), st.integers(1, 70_000))
def test_it_is_between_frames_exactly_at_their_ends(
    frames: list[tuple[int, bool]], piece: int
) -> None:
    ends, stream = {0}, b""
    for size, mask in frames:
        stream += frame(size, mask=mask)
        ends.add(len(stream))
    counter = FrameCounter()
    for at in range(0, len(stream), piece):
        counter.feed(memoryview(stream)[at : at + piece])
        assert counter.between == (min(at + piece, len(stream)) in ends)


def test_the_farewell_is_a_close_frame_with_code_1001() -> None:
    assert struct.pack("!BBH", 0x88, 2, 1001) == GOING_AWAY
