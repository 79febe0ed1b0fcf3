"""For whom a call is that comes in."""

from dataclasses import replace

import pytest

from mail2fax.model.callee import Found, NotOurs, find_inbox
from mail2fax.model.domain import Terminal
from mail2fax.model.incoming import Inbox

OFFICE = Inbox("default", Terminal("200", "", "", number="+375172001500"), "office@example.com")
SALES = Inbox("default", Terminal("201", "", "", name="sales", number="+375172001501"), "sales@example.com")
ONE = {"375172001500": OFFICE, "2001500": OFFICE}
TWO = ONE | {"375172001501": SALES}
ACCOUNTS = {"pbx": "mail2fax", "provider": "375172009999", "line": ""}


def bound(inbox: Inbox, *trunks: str) -> Inbox:
    return replace(inbox, terminal=replace(inbox.terminal, trunks=trunks))


def found(called: str, *meant: str, trunk: str = "pbx", inboxes: dict[str, Inbox] = ONE) -> Found | NotOurs:
    return find_inbox(called, meant, (trunk,), inboxes, ACCOUNTS)


@pytest.mark.parametrize("trunk", ACCOUNTS)
def test_a_number_of_ours_is_found_by_whatever_trunk(trunk: str) -> None:
    assert found("00375172001501", trunk=trunk, inboxes=TWO) == Found(SALES, "00375172001501", trunk)


def test_the_account_alone_is_the_only_terminal() -> None:
    """FreeSWITCH dials `user/mail2fax`, and Asterisk a contact without a user: neither names a number."""
    assert found("mail2fax") == Found(OFFICE, "mail2fax", "pbx")
    assert found("") == Found(OFFICE, "+375172001500", "pbx")
    assert found("", "mail2fax") == Found(OFFICE, "+375172001500", "pbx")
    assert found("+375172009999", trunk="provider") == Found(OFFICE, "+375172009999", "provider")


@pytest.mark.parametrize("called", ["mail2fax", ""])
def test_of_several_terminals_none_is_guessed(called: str) -> None:
    assert found(called, inboxes=TWO) is NotOurs.NO_NUMBER
    assert "dialled_as" in NotOurs.NO_NUMBER
    assert found(called, inboxes={}) is NotOurs.NO_NUMBER


@pytest.mark.parametrize("called", ["mail2fax", ""])
def test_of_several_terminals_the_only_one_that_the_trunk_reaches_has_the_call(called: str) -> None:
    apart = {"375172001500": bound(OFFICE, "pbx"), "375172001501": bound(SALES, "provider")}
    assert found(called, inboxes=apart) == Found(apart["375172001500"], called or "+375172001500", "pbx")
    assert find_inbox(called, (), ("pbx", "provider"), apart, ACCOUNTS) is NotOurs.NO_NUMBER
    assert found("", trunk="line", inboxes=apart) is NotOurs.NO_NUMBER
    assert "or none" in NotOurs.NO_NUMBER


@pytest.mark.parametrize("foreign", ["+375172001777", "100", "reception"])
def test_a_call_that_names_somebody_else_is_for_nobody_here(foreign: str) -> None:
    """The account has more numbers at the provider than we have terminals."""
    assert found("mail2fax", foreign) is NotOurs.UNKNOWN
    assert found("", foreign) is NotOurs.UNKNOWN
    assert found(foreign) is NotOurs.UNKNOWN


@pytest.mark.parametrize("odd", ["+", "00", "mail2fax2", "375172009999"])
def test_what_is_not_quite_the_account_of_this_trunk_is_not_it(odd: str) -> None:
    assert found(odd) is NotOurs.UNKNOWN
    assert found("mail2fax", trunk="line") is NotOurs.UNKNOWN


def test_the_account_goes_where_dialled_as_says() -> None:
    assert found("mail2fax", inboxes=TWO | {"mail2fax": SALES}) == Found(SALES, "mail2fax", "pbx")


def test_a_terminal_is_not_reached_over_the_trunk_of_another() -> None:
    assert found("2001500", inboxes={"2001500": bound(OFFICE, "provider")}) is NotOurs.OTHER_TRUNK
