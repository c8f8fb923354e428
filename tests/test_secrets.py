from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError
from sim.secrets import MASK, load_secrets, redactor

# No characters that the text around a secret has, so that only the secret itself can be found.
SECRETS = st.text(st.characters(exclude_characters="xyz •", exclude_categories=["Cs"]), min_size=4)
AROUND = st.text("xyz ")


@given(secret=SECRETS, before=AROUND, after=AROUND)
def test_no_secret_survives(secret, before, after):
    assert redactor([secret])(before + secret + after) == before + MASK + after


@given(secret=SECRETS)
def test_no_secret_survives_in_json(secret):
    for escape in (True, False):
        line = json.dumps({"output": f"xyz {secret}"}, ensure_ascii=escape)
        assert json.loads(redactor([secret])(line)) == {"output": f"xyz {MASK}"}


def test_a_secret_within_a_longer_one_leaves_nothing_of_either():
    assert redactor(["abc", "abcdef"])("x abcdef y") == f"x {MASK} y"


def test_values_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("VOICE_API_KEY", "v1")
    assert load_secrets(["VOICE_API_KEY"]) == {"VOICE_API_KEY": "v1"}


def test_a_file_wins(monkeypatch, tmp_path):
    monkeypatch.setenv("VOICE_API_KEY", "v1")
    file = tmp_path / "secrets"
    file.write_text('# keys\n\nVOICE_API_KEY = "v2=x"\nOTHER=3\n')
    assert load_secrets(["VOICE_API_KEY"], file) == {"VOICE_API_KEY": "v2=x"}


def test_every_secret_without_a_value_is_named(monkeypatch):
    monkeypatch.delenv("A_KEY", raising=False)
    with pytest.raises(InputError) as told:
        load_secrets(["A_KEY", "B_KEY"])
    assert "A_KEY" in str(told.value)
    assert "B_KEY" in str(told.value)


def test_a_line_that_is_none_is_told_with_its_number(tmp_path):
    file = tmp_path / "secrets"
    file.write_text("A=1\nnonsense\n")
    with pytest.raises(InputError, match=r"secrets:2: not a line NAME=value"):
        load_secrets([], file)


def test_what_becomes_a_secret_later_is_masked_from_then_on():
    redact = redactor(["old"])
    assert redact("old hunter2") == f"{MASK} hunter2"
    redact.hide(["hunter2", ""])
    assert redact("old hunter2") == f"{MASK} {MASK}"


def test_a_value_of_few_letters_garbles_no_log():
    assert redactor(["a", "on"])("a gateway, gone on") == "a gateway, gone on"
    assert redactor(["hush"])("say hush") == f"say {MASK}"
