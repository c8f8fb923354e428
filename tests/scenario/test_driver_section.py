"""What is wrong with a driver in YAML is said, where, and what to do instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.clients.binary import FORMS
from sim.errors import InputError
from sim.scenario import driver_section, http_section
from sim.scenario import load_scenario as scenario_load
from sim.scenario.load_scenario import load_scenario
from sim.schemas.validate import validate
from sim.topology import kinds
from sim.topology.load_topology import load_topology
from sim.topology.topology_keys import TopologySchema

GOOD = """\
before: [{post: /tickets, body: {a: 1}, capture: {ticket: $.ticket}}]
websocket: /ws?t={ticket}
hello: [{send: {op: join}}, {wait: {match: {op: hi}}}]
send: {op: say, n: "{seq}"}
ack: {match: {op: said}, sequence: $.n}
answer: [{match: '^ping (?P<token>.+)', send: 'pong {token}'}]
stored: {get: "/rooms/{session}", sequence: "$[*]"}
"""

PYTHON = "what YAML cannot say, a driver in Python can (docs/drivers.md)"
SAY = 'send: {op: say, n: "{seq}"}'
HELLO = "hello: [{send: {op: join}}, {wait: {match: {op: hi}}}]"
BEFORE = "before: [{post: /tickets, body: {a: 1}, capture: {ticket: $.ticket}}]"

# What is written instead of what, the field that is answered, and what the answer has.
MISTAKES = [
    # what looks like a directive and is none
    (SAY, "send: {binary: 'ff'}", "send", "`{json: {binary: …}}` sends the words themselves"),
    (SAY, "send: {binary: 'ff'}", "send", PYTHON),
    (SAY, "send: {bytes: [1, 2]}", "send", PYTHON),
    (SAY, "send: {repeat: 3, send: hi}", "send", "a mapping of `repeat` and `send`"),
    (SAY, "send: {post: messages}", "send.post", "write a path such as"),
    (SAY, "send: {post: /m, capture: {a: $.a}}", "send.capture", "unknown key `capture`"),
    (SAY, "send: {body: hi}", "send", PYTHON),
    # the way back
    ("websocket: /ws?t={ticket}", "events: /ws?t={ticket}", "send", "`{post: PATH, body: …}`"),
    ("websocket: /ws?t={ticket}", "events: /ws?t={ticket}", "hello[0]", "nothing can be said"),
    ("websocket: /ws?t={ticket}", "events: /ws?t={ticket}", "answer", PYTHON),
    ("websocket: /ws?t={ticket}", "websocket: /w?t={ticket}\npoll: /p", "poll", "one way"),
    ("websocket: /ws?t={ticket}", "poll: {get: /p, evry: 1s}", "poll.evry", "mean `every`?"),
    ("websocket: /ws?t={ticket}", "poll: {get: /p, every: 1}", "poll.every", "without a unit"),
    (BEFORE + "\nwebsocket: /ws?t={ticket}", "poll: /p", "before", "whose answer says who"),
    (SAY, "send: [{send: a}, {wait: b}]", "send", "a list of steps, which is no message"),
    (SAY, "send: {op: say, data: {hex: 'ff'}}", "send.data.hex", "`payload_as: base64`"),
    (SAY, "send:", "send", "is empty; write a message"),
    (HELLO, "hello: {send: {op: join}}", "hello", "`{json: {send: …}}`"),
    (HELLO, "hello: {wait: hi}", "hello", PYTHON),
    # steps
    (HELLO, "hello: [{op: join}]", "hello[0]", "a step is `{send: …}` or `{wait: …}`"),
    (HELLO, "hello: [{send: a, wait: b}]", "hello[0]", "a step is `{send: …}` or `{wait: …}`"),
    (HELLO, "hello: [{sleep: 3s}]", "hello[0]", PYTHON),
    (HELLO, "hello: [join]", "hello[0]", "`hello: {json: […]}` sends a JSON list"),
    (HELLO, "hello: [{wait: '('}]", "hello[0].wait", "not a regular expression"),
    (HELLO, "hello: [{wait: }]", "hello[0].wait.match", "is missing"),
    (HELLO, "hello: [{send: '{nonce}'}, {wait: 'n=(?P<nonce>.)'}]", "hello[0].send", "{nonce}"),
    (HELLO, "hello: [{wait: 'n=(?P<nonce>.)'}]", "hello[0].wait", "no placeholder uses it"),
    (HELLO, "hello: [{wait: 'n=(?P<seq>.)'}]", "hello[0].wait", "cannot be the name"),
    # requests
    (BEFORE, "before: {post: /tickets}", "before", "must be a list of requests"),
    (BEFORE, "before: [{fetch: /tickets}]", "before[0]", "`get`, `post`, `put`, `patch` or"),
    (BEFORE, "before: [{get: /a, post: /b}]", "before[0]", "one of `get`"),
    (BEFORE, "before: [{get: tickets}]", "before[0].get", "write a path such as"),
    (BEFORE, "before: [{get: /a, expct: 200}]", "before[0].expct", "did you mean `expect`?"),
    (BEFORE, "before: [{get: /a, expect: fine}]", "before[0].expect", "a status, such as `201`"),
    (BEFORE, BEFORE.replace("{ticket:", "{tikket:"), "websocket", "did you mean `tikket`?"),
    (BEFORE, BEFORE.replace("$.ticket", "[1]"), "before[0].capture.ticket", "{cookie: NAME}"),
    # placeholders
    ("{seq}", "{sq}", "send.n", "unknown placeholder `{sq}`; did you mean `seq`?"),
    ("{seq}", "{seq:u16}", "send.n", "numbers of bytes stand in `{hex: …}`"),
    ("/rooms/{session}", "/rooms/{sesion}", "stored.get", "did you mean `session`?"),
    ("'pong {token}'", "'pong {tokn}'", "answer[0].send", "did you mean `token`?"),
    ('n: "{seq}"', 'n: "{token}"', "send.n", "unknown placeholder `{token}`"),
    # bytes
    (SAY, "send: {hex: 'f'}", "send.hex", "no pair of hexadecimal digits"),
    (SAY, "send: {hex: 'ff {seq}'}", "send.hex", "`{seq}` needs a width, such as `{seq:u16}`"),
    (SAY, "send: {hex: '{seq:u17}'}", "send.hex", "unknown form `u17`; allowed: u8, u16"),
    (SAY, "send: {hex: 'u16[ ff'}", "send.hex", "the `]` of `u16[` is missing"),
    (SAY, "send: {hex: 'ff ]'}", "send.hex", "stands for no byte to send"),
    (SAY, "send: {hex: '..'}", "send.hex", "stands for no byte to send"),
    (SAY, "send: {hex: 12}", "send.hex", "text in quotes"),
    (SAY, "send: {base64: 'no!'}", "send.base64", "is no base64"),
    ("ack: {match: {op: said}, sequence: $.n}", "ack: {hex: '{sequence}'}", "ack.hex", "a width"),
    ("ack: {match: {op: said}, sequence: $.n}", "ack: {hex: 'u8[ff]'}", "ack.hex", "write `..`"),
    ("ack: {match: {op: said}, sequence: $.n}", "ack: {hex: '{sequnce:u8}'}", "ack", "`sequence`"),
    # other keys
    ("websocket: ", "webscket: ", "webscket", "did you mean `websocket`?"),
    (SAY, SAY + "\npayload_as: hex", "payload_as", "`text` or `base64`"),
    (SAY, SAY + "\ncompression: 15", "compression", "`true` or `false`"),
    (SAY, SAY + "\nsubprotocol: [1]", "subprotocol", "must be text"),
    (SAY, SAY + "\nready: '(?P<sesion>.)'", "ready", "did you mean `session`?"),
    (SAY, "", "send", PYTHON),
]


def driver(tmp_path: Path, text: str = GOOD) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def test_the_driver_that_the_mistakes_are_made_in_is_fine(tmp_path: Path) -> None:
    assert validate([driver(tmp_path)]) == []


@pytest.mark.parametrize(("old", "new", "field", "says"), MISTAKES)
def test_a_mistake_is_answered_where_it_is(
    tmp_path: Path, old: str, new: str, field: str, says: str
) -> None:
    assert old in GOOD
    found = validate([driver(tmp_path, GOOD.replace(old, new, 1))])
    matching = [p for p in found if p.field == field and says in p.message]
    assert matching, [str(p) for p in found]


@pytest.mark.parametrize(
    "written",
    [
        "send: {json: {binary: 'ff'}}",
        "send: {json: {op: say, data: {hex: 'ff'}}}",
        "send: {json: [{send: a}]}",
        'send: ["1", "{seq}", "room:lobby", "phx_join", {}]',
        "send: {text: hi}",
        "hello: {json: [1, 2]}",
        "hello: {hex: 'u8[ {client} ]'}",
    ],
)
def test_whatever_json_holds_can_be_said(tmp_path: Path, written: str) -> None:
    key = written.partition(":")[0]
    kept = [line for line in GOOD.splitlines() if not line.startswith(f"{key}:")]
    assert validate([driver(tmp_path, "\n".join([*kept, written]))]) == []


def test_a_request_that_names_a_session_is_not_made_again_unsaid(tmp_path: Path) -> None:
    names = "before: [{post: /rooms, capture: {session: $.id, ticket: $.ticket}}]"
    text = GOOD.replace(BEFORE, names)
    (problem,) = validate([driver(tmp_path, text + "resume: {}\n")])
    assert (problem.field, "`before: []` is none" in problem.message) == ("resume.before", True)
    assert validate([driver(tmp_path, text + "resume: {before: []}\n")]) == []


# --- which file it is ---


def test_the_keys_that_tell_files_apart_are_those_that_they_have() -> None:
    assert kinds.KEYS["driver"] == {*driver_section.KEYS, *http_section.KEYS}
    assert kinds.KEYS["scenario"] == set(scenario_load.KEYS)
    assert kinds.KEYS["topology"] == set(TopologySchema.model_fields)


@pytest.mark.parametrize("text", ["get: /\n", "get: /\nack: ok\n", "hello: hi\n", "send: a\n"])
def test_a_driver_is_told_even_without_a_websocket(tmp_path: Path, text: str) -> None:
    found = validate([driver(tmp_path, text)])
    missing = [problem for problem in found if problem.field == "websocket"]
    assert [PYTHON in problem.message for problem in missing] == [True]


def test_a_file_of_none_of_these_kinds_says_so(tmp_path: Path) -> None:
    (problem,) = validate([driver(tmp_path, "colour: red\n")])
    assert problem.message == "has no key of a scenario, topology, driver or campaign"


def test_a_driver_is_not_taken_for_a_scenario_nor_for_a_topology(tmp_path: Path) -> None:
    path = driver(tmp_path)
    for load, wanted in ((load_scenario, "scenario"), (load_topology, "topology")):
        with pytest.raises(InputError) as caught:
            load(path)
        (problem,) = caught.value.problems
        assert f"this is a driver, not a {wanted}" in problem.message
        assert "`load: {driver: mine.yaml}`" in problem.message


def test_a_topology_is_not_taken_for_a_driver(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        "app: a\ngateway: {command: [x]}\nregions: {fra: {}}\nlocations: {london: {}}\n"
    )
    scenario = tmp_path / "s.yaml"
    scenario.write_text("topology: t.yaml\nduration: 9s\nload: {driver: t.yaml}\n")
    (problem,) = validate([scenario])
    assert problem.field == "load.driver"
    assert "this is a topology, not a driver" in problem.message


@pytest.mark.parametrize(
    "key",
    [
        *driver_section.KEYS,
        *("forgotten", "every", "each", "capture", "expect", "event", "status", "up_to", "json"),
        *FORMS,
    ],
)
def test_every_key_is_documented(key: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "driver-keys.md").read_text()
    assert re.search(rf"[`{{ ]{key}[:`\[]", page)
