from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError, Problem
from sim.topology.yaml_document import MAX_BYTES, field_name, load_document, parse_document


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        parse_document(text, "f.yaml")
    return caught.value.problems


def test_data_is_plain_and_every_value_has_its_line() -> None:
    document = parse_document(
        "app: x\nregions:\n  iad: {machines: 1}\n  fra:\nlist:\n- a\n- b: 1\n"
    )
    assert document.data == {
        "app": "x",
        "regions": {"iad": {"machines": 1}, "fra": None},
        "list": ["a", {"b": 1}],
    }
    lines = {
        field_name(path): document.line(path)
        for path in (("app",), ("regions",), ("regions", "iad", "machines"), ("list", 1, "b"))
    }
    assert lines == {"app": 1, "regions": 2, "regions.iad.machines": 3, "list[1].b": 7}


def test_a_missing_field_is_placed_where_it_should_be() -> None:
    document = parse_document("app: x\nregions:\n  iad: {}\n")
    assert document.line(("regions", "iad", "machines")) == 3
    assert document.line(("gateway",)) is None


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("0777", "0777"),
        ("2026-01-01", "2026-01-01"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        (".inf", ".inf"),
        ("7", 7),
        ("-7", -7),
        ("1.5", 1.5),
        ("true", True),
        ("null", None),
        ("~", None),
        ('"7"', "7"),
        ("!!str 7", "7"),
    ],
)
def test_only_what_json_has_is_more_than_text(written: str, value: object) -> None:
    data = parse_document(f"key: {written}\n").data
    assert data == {"key": value}
    assert type(data["key"]) is type(value)


def test_keys_are_text_as_they_are_written() -> None:
    assert parse_document("8080: a\nno: b\ntrue: c\n").data == {"8080": "a", "no": "b", "true": "c"}


def test_anchors_and_merge_keys_are_followed_and_the_own_key_wins() -> None:
    text = "base: &b {type: http, interval: 30s}\nown: {interval: 10s, <<: *b}\nlist: [*b]\n"
    data = parse_document(text).data
    assert data["own"] == {"type": "http", "interval": "10s"}
    assert data["list"] == [{"type": "http", "interval": "30s"}]


def test_every_duplicate_key_is_a_problem_with_its_line() -> None:
    found = problems("app: a\nregions:\n  iad: {}\n  fra: {}\n  iad: {}\napp: b\n")
    assert [(p.line, p.field) for p in found] == [(5, "regions.iad"), (6, "app")]
    assert "twice (first on line 3); remove one" in found[0].message


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        ("app: x\nregions: {iad: {}\nlocations: {}\n", 3, "close the mapping with `}`"),
        ("app: x\nlist: [a, b\nmore: 1\n", 3, "close the list with `]`"),
        ("app: x\n\tport: 1\n", 2, "indent with spaces"),
        ("app: x: y\n", 1, "quote a value that contains `:`"),
        ("app: 'x\n", 2, "close the quote"),
        ("a: 1\n  b: 2\n", 2, "check the indentation"),
        ("a:\n  - x\n b: 2\n", 3, "indent this line as the lines before it"),
        ("app: *nowhere\n", 1, "define it with `&name`"),
        ("app: x\n---\napp: y\n", 2, "remove the `---`"),
        ("app: @x\n", 1, "put the value in quotes"),
        ("a: " + "[" * 40 + "]" * 40 + "\n", 1, "check the brackets"),
        ("a: !!python/object:os.system x\n", 1, "write plain text"),
        ("a: !!int x\n", 1, "not a number"),
        ("? [a, b]\n: 1\n", 1, "a key must be text"),
        ("- a\n- b\n", 1, "such as `app: my-gateway`"),
        ("# nothing\n", None, "`sim init`"),
        ("app: x\nb: \x07\n", 2, "remove it"),
    ],
)
def test_what_is_not_yaml_is_one_problem_with_line_and_remedy(
    text: str, line: int | None, remedy: str
) -> None:
    (problem,) = problems(text)
    assert problem.file == "f.yaml"
    assert problem.line == line
    assert remedy in problem.message


def test_a_syntax_error_shows_the_line_it_is_on() -> None:
    (problem,) = problems("app: x\ngateway: {port: [80}\n")
    assert problem.message.endswith("\n    gateway: {port: [80}")


def test_an_alias_bomb_is_refused_and_quickly() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    (problem,) = problems("\n".join(rows))
    assert "refers to itself or to too much" in problem.message


def test_an_alias_to_itself_is_refused() -> None:
    (problem,) = problems("a: &a [*a]\n")
    assert "refers to itself" in problem.message


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    (tmp_path / "voice.yaml").write_text("app: x\n")
    (tmp_path / "latin.yaml").write_bytes(b"app: caf\xe9\n")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    for name, says in (
        ("voise.yaml", f"no such file; did you mean `{tmp_path / 'voice.yaml'}`?"),
        ("nowhere/x.yaml", "no such file"),
        ("latin.yaml", "save it as UTF-8"),
        ("huge.yaml", "larger than 256 KiB"),
        (".", "cannot be read: Is a directory"),
    ):
        with pytest.raises(InputError) as caught:
            load_document(tmp_path / name)
        (problem,) = caught.value.problems
        assert problem.file == str(tmp_path / name)
        assert says in problem.message


def test_a_byte_order_mark_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfapp: x\n")
    assert load_document(tmp_path / "bom.yaml").data == {"app": "x"}


@given(st.text(alphabet="ab:-[]{},&*!|>'\"#%@? \n\t~0.<", max_size=40))
def test_any_text_is_a_mapping_or_an_input_error(text: str) -> None:
    data: object = {}
    found: object = True
    try:
        data = parse_document(text).data
    except InputError as error:
        found = error.problems
    assert isinstance(data, dict)
    assert found
