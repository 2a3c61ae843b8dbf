"""Session ids, start times and links."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openreplay_otel import InvalidSessionError, Session, SettingsError
from openreplay_otel.session import is_plausible, session_id_or_none, started_at_ms

from .contract import (
    DAY_MS,
    EXAMPLE_ID,
    EXAMPLE_STARTED_MS,
    LARGEST_ID,
    MINUTE_MS,
    NOW_MS,
    PROPERTY,
    id_beginning_at,
    session_in_header,
    token,
)

APP = "https://openreplay.example.com"
NO_IDS = [
    "",
    " ",
    "0",
    "00",
    "01",
    "0" + EXAMPLE_ID,
    str(LARGEST_ID + 1),
    "9" * 20,
    "1" * 21,
    "1" * 200_000,
    "-1",
    "+1",
    "1.0",
    "1e5",
    "0x10",
    "1_000",
    "1 000",
    "1,2",
    "1;2",
    "12\x003",
    "12\n34",
    "\u0661\u0662\u0663",
    "\uff11\uff12",
    "1\u0662",
    "\u00b2",
    "null",
    "undefined",
    "NaN",
]


@pytest.mark.parametrize("text", ["1", "9", EXAMPLE_ID, str(LARGEST_ID), str(LARGEST_ID - 1)])
def test_ids_from_one_to_the_largest_uint64_are_ids(text: str) -> None:
    """An id is what a uint64 can hold, zero excepted, and is kept as it is written."""
    assert text == session_id_or_none(text)
    assert text == Session.parse(text).id


@pytest.mark.parametrize("text", NO_IDS, ids=lambda text: ascii(text[:24]))
def test_anything_else_is_no_id(text: str) -> None:
    """Zero, too large a number, leading zeros, signs and digits of other scripts are no ids."""
    assert session_id_or_none(text) is None
    with pytest.raises(InvalidSessionError, match="is not a session"):
        Session.parse(text)


@pytest.mark.parametrize("around", [" {} ", "\t{}\n", "\r\n{}", "{}\u00a0"])
def test_white_space_around_an_id_does_not_matter(around: str) -> None:
    """What is pasted with white space around it is still the id, without it."""
    assert EXAMPLE_ID == session_id_or_none(around.format(EXAMPLE_ID))
    assert EXAMPLE_ID == Session.parse(around.format(EXAMPLE_ID)).id


@pytest.mark.parametrize("text", ["", "0", "01", " 1", "1 ", "-1", "x", token()])
def test_a_session_cannot_be_made_of_what_is_no_id(text: str) -> None:
    """The constructor takes an id in its one form only, so that equal sessions are equal."""
    with pytest.raises(InvalidSessionError, match="A session id is not a session"):
        Session(text)


def test_a_session_is_a_frozen_value() -> None:
    """Sessions are compared and hashed by their id and cannot be changed."""
    session = Session(EXAMPLE_ID)
    assert session == Session.parse(token())
    assert 1 == {session: 1}[Session(EXAMPLE_ID)]
    with pytest.raises(dataclasses.FrozenInstanceError):
        session.id = "2"  # type: ignore[misc]


@PROPERTY
@given(st.integers(min_value=1, max_value=LARGEST_ID))
def test_every_id_is_read_back(number: int) -> None:
    """Each number in the range is the id of a session, whose start lies between 2019 and 2053."""
    session = Session.parse(str(number))
    assert session.id == str(number)
    assert (number >> 24) + 1_550_000_000_000 == session.started_at_ms
    assert 2019 <= session.started_at.year <= 2053
    assert session.started_at_ms == round(session.started_at.timestamp() * 1000)


@PROPERTY
@given(st.text(max_size=80))
def test_any_text_is_read_like_the_contract_says(text: str) -> None:
    """Whatever stands in a text, it is an id exactly where the contract's rules say so."""
    expected = session_in_header(text) if "." not in text else None
    assert expected == session_id_or_none(text)


def test_the_contracts_example_began_when_the_contract_says() -> None:
    """The start time comes out of the id."""
    session = Session(EXAMPLE_ID)
    assert EXAMPLE_STARTED_MS == session.started_at_ms
    assert session.started_at == datetime(2024, 1, 24, 2, 27, 39, 324_000, tzinfo=timezone.utc)
    assert EXAMPLE_STARTED_MS == started_at_ms(int(EXAMPLE_ID))


@pytest.mark.parametrize(
    ("began_before_ms", "plausible"),
    [
        (0, True),
        (30 * DAY_MS, True),
        (30 * DAY_MS + 1, False),
        (-10 * MINUTE_MS, True),
        (-10 * MINUTE_MS - 1, False),
    ],
)
def test_a_plausible_session_began_within_30_days(began_before_ms: int, plausible: bool) -> None:
    """Up to 30 days before and ten minutes after a moment, to the millisecond."""
    assert is_plausible(id_beginning_at(NOW_MS - began_before_ms), NOW_MS) is plausible


@pytest.mark.parametrize(
    "link",
    [
        f"{APP}/5/session/{EXAMPLE_ID}",
        f"{APP}/5/session/{EXAMPLE_ID}/",
        f"{APP}/5/session/{EXAMPLE_ID}?jumpto=1500",
        f"{APP}/5/session/{EXAMPLE_ID}?jumpto=1500&tab=logs",
        f"{APP}/5/session/{EXAMPLE_ID}#note",
        f"{APP}/5/session/{EXAMPLE_ID}/?a=/session/1#/session/2",
        f"http://localhost:8080/5/session/{EXAMPLE_ID}",
        f"{APP}/or/dashboard/5/session/{EXAMPLE_ID}",
        f"{APP}/session/5/session/{EXAMPLE_ID}",
        f"{APP}/session/session/5/session/{EXAMPLE_ID}",
        f"https://session/5/session/{EXAMPLE_ID}",
        f"https://[::1]:3000/5/session/{EXAMPLE_ID}",
        f"openreplay.example.com/5/session/{EXAMPLE_ID}",
        f"/5/session/{EXAMPLE_ID}",
        f"  {APP}/5/session/{EXAMPLE_ID}\n",
        f"{APP}//5//session/{EXAMPLE_ID}",
    ],
)
def test_a_replay_link_names_its_session(link: str) -> None:
    """Links are read with a query, a fragment, a slash at the end, a path before them, or no scheme."""
    assert Session(EXAMPLE_ID) == Session.parse(link)


@pytest.mark.parametrize(
    "link",
    [
        f"{APP}/5/sessions",
        f"{APP}/5/session/",
        f"{APP}/5/session",
        f"{APP}/5/session/0",
        f"{APP}/5/session/abc",
        f"{APP}/5/session/{LARGEST_ID + 1}",
        f"{APP}/5/sessions/{EXAMPLE_ID}",
        f"{APP}/login?next=/5/session/{EXAMPLE_ID}",
        f"{APP}/5/{EXAMPLE_ID}",
        "http://[::1/5/session/1",
        "/",
        "//",
        "/" * 200_000,
        "https://" + "session/" * 20_000,
    ],
    ids=lambda link: link[:40],
)
def test_a_link_to_something_else_is_no_session(link: str) -> None:
    """Other pages, missing ids and broken addresses are refused with one clear sentence."""
    with pytest.raises(InvalidSessionError, match=r"expected a decimal session id"):
        Session.parse(link)


def test_an_error_tells_the_length_and_never_the_text() -> None:
    """What cannot be read may be a credential: the message only says how long it was."""
    broken = token().replace(".", "..")
    with pytest.raises(InvalidSessionError) as caught:
        Session.parse(broken)
    assert f"({len(broken)} characters)" in str(caught.value)
    for part in [broken, *filter(None, broken.split("."))]:
        assert part == "0" or part not in repr(caught.value)


@pytest.mark.parametrize(
    "app_url",
    [
        APP,
        APP + "/",
        f" {APP} ",
        APP + "//",
        APP + "/?a=b",
        APP + "/#x",
        "https://openreplay.example.com",
    ],
)
def test_a_replay_url_leads_to_the_recording(app_url: str) -> None:
    """Slashes, a query and a fragment of the app's address do not get into the link."""
    session = Session(EXAMPLE_ID)
    assert f"{APP}/5/session/{EXAMPLE_ID}" == session.replay_url(app_url, 5)
    assert f"{APP}/5/session/{EXAMPLE_ID}" == session.replay_url(app_url, " 05 ")


def test_a_path_prefix_and_a_port_stay_in_a_replay_url() -> None:
    """The dashboard may stand below a path."""
    url = Session("7").replay_url("http://localhost:8080/or/", "12")
    assert "http://localhost:8080/or/12/session/7" == url


@pytest.mark.parametrize(
    ("after_start", "jump"),
    [
        (timedelta(0), 0),
        (timedelta(milliseconds=1), 1),
        (timedelta(microseconds=1999), 1),
        (timedelta(minutes=5), 300_000),
        (timedelta(milliseconds=-1), 0),
        (timedelta(days=-400), 0),
        (timedelta(days=400), 400 * DAY_MS),
    ],
)
def test_a_replay_url_jumps_to_a_moment(after_start: timedelta, jump: int) -> None:
    """``jumpto`` counts milliseconds from the start of the session and is never negative."""
    session = Session(EXAMPLE_ID)
    for zone in (timezone.utc, timezone(timedelta(hours=5, minutes=30))):
        moment = (session.started_at + after_start).astimezone(zone)
        assert f"{APP}/5/session/{EXAMPLE_ID}?jumpto={jump}" == session.replay_url(APP, 5, moment)


def test_a_moment_without_a_zone_is_refused() -> None:
    """A naive datetime would be taken for the wrong moment somewhere."""
    with pytest.raises(SettingsError, match="at: a datetime with a time zone was expected"):
        Session(EXAMPLE_ID).replay_url(APP, 5, datetime(2024, 1, 24))  # noqa: DTZ001


@pytest.mark.parametrize(
    "app_url",
    [
        "",
        "openreplay.example.com",
        "ftp://x.example",
        "https://",
        "https:///5",
        "//x.example",
        "https://u:pw@x.example",
        "https://[::1",
        "https://x.example:port",
    ],
)
def test_an_app_url_has_to_be_an_address(app_url: str) -> None:
    """What is no http(s) address, or holds a password, is refused without being repeated."""
    with pytest.raises(SettingsError, match="app_url: expected the address") as caught:
        Session(EXAMPLE_ID).replay_url(app_url, 5)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("project_id", [0, -1, "", "x", "1.5", "0", "\u0661", "1/../2", "9" * 5000])
def test_a_project_id_has_to_be_a_number(project_id: int | str) -> None:
    """The dashboard's links hold the project's number, not its key."""
    with pytest.raises(SettingsError, match="project_id: expected the project's number"):
        Session(EXAMPLE_ID).replay_url(APP, project_id)
