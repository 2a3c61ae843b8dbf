"""Settings: argument before environment before default, and what happens to a wrong value."""

from __future__ import annotations

import logging
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from openreplay_otel import Settings, SettingsError
from openreplay_otel.setting_values import as_written
from openreplay_otel.settings import SettingsArguments, default_store_url, table, variable

from .contract import token

PREFIX = "OPENREPLAY_OTEL_"
_OTHER_FILE = str(Path(__file__).with_name("conftest.py"))
SECRETS = {"store", "api_key", "token_secret", "viewer_token"}

# name: default, text in the environment, its value, argument, its value, a wrong text (None: none is).
ROWS: dict[str, tuple[Any, str, Any, Any, Any, str | None]] = {
    "store": (None, "sqlite:///env.db", "sqlite:///env.db", " sqlite:///a.db ", "sqlite:///a.db", None),
    "collector": (
        None, "http://env:4318", "http://env:4318", "grpc://arg:4317/", "grpc://arg:4317", "env:4318",
    ),
    "api_key": (None, "env-key", "env-key", "arg-key", "arg-key", None),
    "ca_certs": (None, __file__, __file__, _OTHER_FILE, _OTHER_FILE, None),
    "verify_certs": (True, "no", False, True, True, "maybe"),
    "http_compress": (False, "ON", True, False, False, "2"),
    "request_max_bytes": (8 * 1024 * 1024, "2048", 2048, 4096, 4096, "1023"),
    "export_timeout": (30.0, "2.5", 2.5, 7, 7.0, "0"),
    "shutdown_timeout": (5.0, "1.5", 1.5, 3, 3.0, "-1"),
    "spool_dir": (None, "/var/spool/env", "/var/spool/env", "arg", "arg", None),
    "spool_max_bytes": (512 * 1024 * 1024, "64 MiB", 64 * 1024 * 1024, "1.5gb", 1_500_000_000, "1023KiB"),
    "spool_max_age": (7 * 86400.0, "36h", 36 * 3600.0, "2d", 2 * 86400.0, "a week"),
    "spool_fsync": ("never", "Interval", "interval", "always", "always", "sometimes"),
    "index": ("openreplay-logs", "env-logs", "env-logs", "arg.logs_1", "arg.logs_1", "Logs"),
    "sessionless": ("keep", "DROP", "drop", "keep", "keep", "maybe"),
    "app_url": (None, "https://e.example/", "https://e.example", "http://a.b:1/x", "http://a.b:1/x", "env.example"),
    "project_id": (None, "12", 12, 5, 5, "twelve"),
    "tags": (
        ("openReplaySession.id",),
        "openReplaySession.id, openReplaySessionToken",
        ("openReplaySession.id", "openReplaySessionToken"),
        ["asayer_session_id"],
        ("asayer_session_id",),
        "openReplaySession.id,session",
    ),
    "stamp_message": (True, "false", False, True, True, "-"),
    "stamp_plain_logs": (False, "true", True, False, False, "-"),
    "session_after_request": (30.0, "0", 0.0, 1.5, 1.5, "-1"),
    "stamp_streams": ((), "stderr,stdout", ("stderr", "stdout"), ["stdout"], ("stdout",), "stdin"),
    "record_exceptions": (True, "false", False, True, True, "-"),
    "excluded_loggers": ((), " noisy , shop.cart,", ("noisy", "shop.cart"), ["a"], ("a",), None),
    "headers": ((), " X-A , X-B,", ("X-A", "X-B"), ("X-C",), ("X-C",), "X A"),
    "cookie": (None, "env_cookie", "env_cookie", "arg_cookie", "arg_cookie", None),
    "token_secret": (None, "env-secret", "env-secret", "arg-secret", "arg-secret", None),
    "replay_lead": (5.0, "0", 0.0, "2.5", 2.5, "-1"),
    "viewer_token": (None, "env-token", "env-token", "arg-token", "arg-token", None),
}  # fmt: skip
CHECKED = [name for name, row in ROWS.items() if row[5] is not None]


def load_any(arguments: dict[str, Any]) -> Settings:
    """Load settings as callers do whom no type checker tells what fits."""
    load: Any = Settings.load
    return load({}, **arguments)


def test_these_tests_know_every_row_of_the_table() -> None:
    """A new setting needs a line here."""
    assert list(ROWS) == list(table())
    assert SECRETS == {name for name, row in table().items() if row.secret}


@pytest.mark.parametrize("name", ROWS)
def test_the_default_counts_where_nothing_is_given(name: str) -> None:
    """Without an argument and a variable a setting has its default; a blank variable is none."""
    default = ROWS[name][0]
    assert default == getattr(Settings.load({}), name)
    assert default == getattr(Settings.load({PREFIX + name.upper(): " "}), name)
    assert default == getattr(load_any({name: None}), name)


@pytest.mark.parametrize("name", ROWS)
def test_a_variable_counts_before_the_default(name: str) -> None:
    """The environment is read, whichever mapping it is, with white space around values taken off."""
    _, text, value, *_ = ROWS[name]
    assert value == getattr(Settings.load({PREFIX + name.upper(): f" {text} "}), name)


@pytest.mark.parametrize("name", ROWS)
def test_an_argument_counts_before_a_variable(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """An argument wins, and of a good variable below it nothing is said."""
    _, text, _, argument, value, _ = ROWS[name]
    assert value == getattr(Settings.load({PREFIX + name.upper(): text}, **{name: argument}), name)
    assert [] == caplog.messages


def test_the_environment_of_the_process_is_the_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a mapping ``os.environ`` is read, at each load and not at import."""
    monkeypatch.setenv("OPENREPLAY_OTEL_COOKIE", "one")
    assert "one" == Settings.load().cookie
    monkeypatch.setenv("OPENREPLAY_OTEL_COOKIE", "two")
    assert "two" == Settings.load().cookie
    assert "OPENREPLAY_OTEL_COOKIE" == variable("cookie")


@pytest.mark.parametrize("name", CHECKED)
def test_a_wrong_variable_warns_and_the_default_is_taken(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The warning tells the name, the value, what was expected and the default taken."""
    default, *_, wrong = ROWS[name]
    with caplog.at_level(logging.DEBUG):
        settings = Settings.load({PREFIX + name.upper(): str(wrong)})
    assert default == getattr(settings, name)
    (line,) = caplog.messages
    assert ["WARNING"] == [r.levelname for r in caplog.records]
    for part in (PREFIX + name.upper(), repr(wrong), table()[name].expected, as_written(default)):
        assert part in line


@pytest.mark.parametrize("name", CHECKED)
def test_a_wrong_argument_is_an_error(name: str) -> None:
    """The error tells the name, what was expected and what was given."""
    wrong = str(ROWS[name][5])
    with pytest.raises(SettingsError) as caught:
        load_any({name: wrong})
    message = str(caught.value)
    assert message.startswith(f"{name}: expected ")
    assert name in {"app_url", "collector"} or (
        repr(wrong) in message and table()[name].expected in message
    )


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize(
    "wrong", [object(), [object()], {"a": 1}, float("inf"), float("nan"), b"\xff", 10**400]
)
def test_an_argument_of_a_strange_type_is_the_same_error(name: str, wrong: object) -> None:
    """Whatever is given, it is a value of the setting's type or a SettingsError, and nothing else."""
    kind = type(ROWS[name][4])
    try:
        value = getattr(load_any({name: wrong}), name)
    except SettingsError as error:
        assert str(error).startswith(f"{name}: expected")  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(value, kind)


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_is_shown_in_no_error_and_no_repr(name: str) -> None:
    """Store URLs hold passwords: neither the repr nor an error shows them."""
    secret = "hunter2-in-full"
    value = f"https://me:{secret}@es.example:9200" if name == "store" else secret
    assert secret not in repr(load_any({name: value}))
    with pytest.raises(SettingsError) as caught:
        load_any({name: [secret]})
    assert secret not in repr(caught.value)


@pytest.mark.parametrize("wrong", ["https://me:hunter2@x.example", "//me:hunter2@x.example"])
def test_a_password_in_an_app_url_is_not_shown(
    wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An address with a password is refused, and the warning about it does not repeat the password."""
    assert Settings.load({"OPENREPLAY_OTEL_APP_URL": wrong}).app_url is None
    assert "OPENREPLAY_OTEL_APP_URL" in caplog.text
    assert "hunter2" not in caplog.text
    for name in ("app_url", "index"):
        with pytest.raises(SettingsError) as caught:
            load_any({name: wrong})
        assert "hunter2" not in repr(caught.value)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("OPENREPLAY_OTEL_APPURL", "OPENREPLAY_OTEL_APP_URL"),
        ("OPENREPLAY_OTEL_TOKEN_SECRTE", "OPENREPLAY_OTEL_TOKEN_SECRET"),
        ("OPENREPLAY_OTEL_PROJECT", "OPENREPLAY_OTEL_PROJECT_ID"),
    ],
)
def test_an_unknown_variable_warns_with_the_nearest_name(
    name: str, nearest: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A misspelt variable is named beside what was probably meant; its value is not shown."""
    Settings.load({name: "hunter2"})
    assert [f"{name}: no such variable; did you mean {nearest}?"] == caplog.messages


def test_variables_of_others_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Only the package's own prefix is looked at."""
    assert Settings() == Settings.load({"OTEL_STORE": "x", "OPENREPLAY_STORE": "x", "STORE": "x"})
    assert [] == caplog.messages


def test_an_unknown_argument_is_an_error_with_the_nearest_name() -> None:
    """A misspelt argument is named beside what was probably meant."""
    with pytest.raises(SettingsError, match=r"^api_kye: no such setting; did you mean api_key\?$"):
        Settings.load({}, api_kye="x")  # pyright: ignore[reportCallIssue]
    with pytest.raises(SettingsError, match=r"^zzzzzzzz: no such setting$"):
        Settings.load({}, zzzzzzzz="x")  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize(
    "index",
    ["", " ", "logs", "-x", "_x", ".x", "a b", "a/b", "a,b", "a*", "\u00e4", "a" * 201, "A"],
)
def test_an_index_prefix_has_to_be_a_name_for_elasticsearch(index: str) -> None:
    """Names that Elasticsearch refuses, and the name of the alias, are refused at the start."""
    with pytest.raises(SettingsError, match=r"^index: expected lower-case letters"):
        Settings.load({}, index=index)


def test_a_tag_named_twice_counts_once() -> None:
    """A message never gets the same tag twice."""
    tags = "openReplaySessionToken,openReplaySession.id,openReplaySessionToken"
    assert ("openReplaySessionToken", "openReplaySession.id") == Settings.load({}, tags=tags).tags


def test_settings_are_frozen_and_hashable_values() -> None:
    """Settings are compared by value and cannot be changed."""
    settings = Settings.load({}, cookie="a")
    assert 1 == {settings: 1}[Settings.load({}, cookie="a")]
    with pytest.raises(FrozenInstanceError):
        settings.cookie = "b"  # type: ignore[misc]


def test_every_row_says_what_it_means() -> None:
    """The page of settings is made of the table: no row without a meaning and an expectation."""
    for field in fields(Settings):
        row = table()[field.name]
        assert row.meaning.endswith(".")
        assert row.expected


def test_the_default_store_stands_in_the_users_state_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """XDG_STATE_HOME counts; without it the folder below HOME."""
    monkeypatch.setenv("XDG_STATE_HOME", "/x/state")
    assert "sqlite:////x/state/openreplay-otel/logs.db" == default_store_url()
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert f"sqlite:///{tmp_path}/.local/state/openreplay-otel/logs.db" == default_store_url()


def test_a_token_given_as_the_wrong_argument_is_not_shown_in_full() -> None:
    """What is shown of a wrong argument is cut: a token that got there by mistake stays useless."""
    text = token()
    with pytest.raises(SettingsError) as caught:
        Settings.load({}, project_id=text)
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("STORE", "https://me:hunter2@es.example"),
        ("STORE", "sqlite:///"),
        ("API_KEY", "hunter2 hunter2"),
        ("CA_CERTS", "/no/such/file.pem"),
    ],
)
def test_a_wrong_variable_never_raises(
    name: str, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A store, key or file that cannot be used is warned of and its default taken, without the secret."""
    settings = Settings.load({f"OPENREPLAY_OTEL_{name}": wrong})
    assert getattr(settings, name.lower()) is None
    assert f"OPENREPLAY_OTEL_{name}" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("tags", "openReplaySession.id"),
        ("record_exceptions", "true"),
        ("project_id", "none"),
    ],
)
def test_a_wrong_variable_is_told_its_default_as_one_would_write_it(
    name: str, default: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not as Python writes it."""
    Settings.load({variable(name): "wrong, value"})
    assert caplog.text.rstrip().endswith(f"taking the default, {default}")


def test_each_setting_is_an_argument_that_type_checkers_know() -> None:
    """So that a misspelled argument of ``configure`` shows in an editor; the store is a parameter everywhere."""
    assert {*SettingsArguments.__annotations__} == {*table()} - {"store"}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("tags", "abc"),
        ("spool_max_age", "soon"),
        ("project_id", 0),
        ("headers", "a b"),
        ("index", "Logs"),
    ],
)
def test_settings_made_directly_are_checked_as_loaded_ones(name: str, wrong: Any) -> None:
    """With the same message; what fits is kept in the same form."""
    make: Any = Settings
    with pytest.raises(SettingsError) as directly:
        make(**{name: wrong})
    with pytest.raises(SettingsError) as loaded:
        load_any({name: wrong})
    assert str(directly.value) == str(loaded.value)
    assert make(tags="asayer_session_id").tags == ("asayer_session_id",)
    assert make(spool_max_age="2d").spool_max_age == 172_800
