"""The driver that is written from what was said, read back by the loader of drivers."""

import json
from typing import Any

import pytest

from sim.clients.declaration import Declaration
from sim.init.listening.driver_from import driver_from
from sim.init.listening.transcript import Connection, Exchange, Message, Transcript
from sim.scenario.driver_section import read_driver
from sim.scenario.reading import Reading
from sim.topology.yaml_document import parse_document


def session(path: str, *lines: tuple[str, object]) -> Connection:
    """A connection; `>` is what the client said."""
    said = [
        Message("client" if who == ">" else "gateway", m if isinstance(m, str) else json.dumps(m))
        for who, m in lines
    ]
    return Connection(path, None, said)


def written(*connections: Connection, exchanges: tuple[Exchange, ...] = ()) -> dict[str, Any]:
    """The keys of the driver, which `sim validate` has nothing to say against."""
    text = driver_from(Transcript([*exchanges], [*connections]))
    assert text is not None
    document = parse_document(text)
    reading = Reading(document, None)
    declaration = read_driver(reading, document.data, (), "driver.yaml")
    assert reading.problems == []
    assert isinstance(declaration, Declaration)
    return dict(document.data)


HELLO = (">", {"type": "hello", "user": "ann"})
WELCOME = ("<", {"type": "welcome", "session": "5f2c-11", "last": 0})


def said(n: int) -> tuple[tuple[str, object], ...]:
    return (
        (">", {"type": "msg", "id": n, "body": f"text {n}"}),
        ("<", {"type": "ack", "id": n, "at": 1700000000 + n}),
    )


def test_a_session_with_a_greeting_and_numbered_messages() -> None:
    assert written(session("/live", HELLO, WELCOME, *said(1), *said(2), *said(3))) == {
        "websocket": "/live",
        "hello": {"type": "hello", "user": "ann"},
        "ready": {"match": {"type": "welcome"}, "session": "$.session", "acked": "$.last"},
        "send": {"type": "msg", "id": "{seq}", "body": "{payload}"},
        "ack": {"match": {"type": "ack"}, "sequence": "$.id"},
    }


def test_a_ticket_that_was_asked_for_before_is_taken_from_its_answer() -> None:
    ticket = Exchange("POST", "/ticket", '{"user": "ann"}', 200, '{"ticket": "abc.def.ghi"}')
    page = Exchange("GET", "/", "", 200, "<html>")
    driver = written(
        session("/live?ticket=abc.def.ghi", HELLO, WELCOME, *said(1), *said(2)),
        exchanges=(page, ticket),
    )
    before = {"post": "/ticket", "body": {"user": "ann"}, "capture": {"ticket": "$.ticket"}}
    assert driver["before"] == [before]
    assert driver["websocket"] == "/live?ticket={ticket}"


def test_a_session_that_is_taken_up_again() -> None:
    again = {"type": "hello", "session": "5f2c-11"}
    driver = written(
        session("/live", HELLO, WELCOME, *said(1), *said(2)),
        session("/live", (">", again), WELCOME, *said(3)),
    )
    assert driver["resume"] == {"hello": {"type": "hello", "session": "{session}"}}


def test_a_session_whose_name_the_client_chose() -> None:
    ready = ("<", {"type": "ready", "session": "my-own-id", "acked": 0})
    driver = written(session("/session?id=my-own-id", ready, *said(1), *said(2)))
    assert driver["websocket"] == "/session?id={session}"
    assert driver["ready"]["session"] == "$.session"
    assert "hello" not in driver


def test_a_ping_of_the_protocol_is_answered_with_what_it_said() -> None:
    ping, pong = ("<", {"type": "ping", "t": 17}), (">", {"type": "pong", "t": 17})
    driver = written(session("/live", HELLO, WELCOME, *said(1), ping, pong, *said(2)))
    (answer,) = driver["answer"]
    assert answer == {
        "match": {"type": "ping"},
        "capture": {"their_t": "$.t"},
        "send": {"type": "pong", "t": "{their_t}"},
    }
    assert driver["send"]["type"] == "msg"


def test_steps_of_a_greeting() -> None:
    auth = (">", {"op": "auth", "key": "k"}), ("<", {"op": "authed"})
    join = (">", {"op": "join"}), ("<", {"op": "joined", "room": "blue"})
    driver = written(session("/", *auth, *join, *said(1), *said(2)))
    assert driver["hello"] == [
        {"send": {"op": "auth", "key": "k"}},
        {"wait": {"match": {"op": "authed"}}},
        {"send": {"op": "join"}},
    ]
    assert driver["ready"] == {"match": {"op": "joined"}, "session": "$.room"}


def test_ids_that_are_text() -> None:
    lines = []
    for text in ("aaaa-1111", "bbbb-2222"):
        lines += [(">", {"id": text, "say": "hello"}), ("<", {"re": text, "ok": True})]
    driver = written(session("/", *lines))
    assert driver["send"] == {"id": "{seq:text}", "say": "{payload}"}
    assert driver["ack"] == "$.re"


def test_an_echo_of_text() -> None:
    lines = [(">", "hello"), ("<", "hello"), (">", "again"), ("<", "again")]
    driver = written(session("/echo", *lines))
    assert driver["send"] == "{seq} {payload}"
    assert driver["ack"] == "^(?P<sequence>[0-9]+) "


def test_answers_without_a_number_are_taken_in_order() -> None:
    lines = [(">", {"say": "hello you"}), ("<", {"ok": True})] * 3
    driver = written(session("/", *lines))
    assert driver["send"] == {"json": {"say": "{payload}"}}  # `say` alone would be a step
    assert driver["ack"] == {"match": {"ok": True}}


def test_socketio() -> None:
    lines = [
        ("<", '0{"sid":"x","pingInterval":25000}'),
        (">", '40{"token":"t"}'),
        ("<", '40{"sid":"y"}'),
        (">", '420["say",{"text":"hi","n":1}]'),
        ("<", '430[{"ok":true}]'),
        ("<", "2"),
        (">", "3"),
    ]
    driver = written(session("/socket.io/?EIO=4&transport=websocket&sid=abc", *lines))
    assert driver["websocket"] == "/socket.io/?EIO=4&transport=websocket"
    assert driver["send"] == '42{seq}["say", {"text": "{payload}", "n": 1}]'
    assert driver["hello"][1] == {"send": '40{"token":"t"}'}


@pytest.mark.parametrize(
    "connections",
    [[], [Connection("/")], [session("/", (">", "alone"))], [session("/", ("<", "alone"))]],
)
def test_where_only_one_side_spoke_there_is_no_driver(connections: list[Connection]) -> None:
    assert driver_from(Transcript([], connections)) is None


def test_what_is_in_doubt_is_written_above() -> None:
    text = driver_from(Transcript([], [session("/", *said(1))]))
    assert text is not None
    assert "# In doubt: one message was seen alone" in text
    assert "# In doubt: no name of a session was seen" in text


def test_bytes_alone_make_a_driver_to_be_written_by_hand() -> None:
    heard = Transcript(
        [], [Connection("/b", None, [Message("client", b"a"), Message("gateway", b"b")])]
    )
    assert "write `send` and `ack`" in str(driver_from(heard))
