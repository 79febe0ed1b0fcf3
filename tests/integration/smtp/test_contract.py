"""What we use of aiosmtpd beyond its documentation; when one of these fails, read its source before changing ours."""

import inspect
from asyncio import selector_events
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from typing import Any

import aiosmtpd
import pytest
from aiosmtpd.smtp import MISSING, SMTP

from mail2fax.ingest.smtp_session import READ_BYTES, READER_BYTES, SmtpSession
from tests.integration.smtp.client import Client
from tests.integration.smtp.conftest import House


def test_the_release_is_one_we_have_read() -> None:
    assert aiosmtpd.__version__.startswith("1.4.")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("smtp_DATA", ["self", "arg"]),
        ("check_helo_needed", ["self", "helo"]),
        ("check_auth_needed", ["self", "caller_method"]),
        ("handle_exception", ["self", "error"]),
        ("push", ["self", "status"]),
        ("connection_made", ["self", "transport"]),
        ("connection_lost", ["self", "error"]),
        ("_create_envelope", ["self"]),
        ("_reset_timeout", ["self", "duration"]),
        ("_timeout_cb", ["self"]),
        ("_getaddr", ["self", "arg"]),
        ("_getparams", ["self", "params"]),
        ("_set_rset_state", ["self"]),
        ("smtp_EHLO", ["self", "hostname"]),
        ("smtp_STARTTLS", ["self", "arg"]),
        ("smtp_AUTH", ["self", "arg"]),
        ("challenge_auth", ["self", "challenge", "encode_to_b64", "log_client_response"]),
    ],
)
def test_the_methods_we_call_and_replace_are_there(name: str, parameters: list[str]) -> None:
    method: Callable[..., Any] = getattr(SMTP, name)
    assert list(inspect.signature(method).parameters) == parameters


def test_what_was_said_before_tls_is_cleared_from_the_reader() -> None:
    assert "clear" in SMTP.connection_made.__code__.co_names


def test_asyncios_layer_of_tls_can_be_given_bytes_that_came_early() -> None:
    """asyncio.sslproto is in no documentation; aiosmtpd starts TLS by it, too."""
    assert {"app_protocol", "sslcontext", "waiter", "server_side", "ssl_handshake_timeout"} <= set(
        inspect.signature(SSLProtocol).parameters
    )
    assert list(inspect.signature(SSLProtocol.get_buffer).parameters) == ["self", "n"]
    assert list(inspect.signature(SSLProtocol.buffer_updated).parameters) == ["self", "nbytes"]


@pytest.mark.parametrize("caller", ["smtp_MAIL", "smtp_RCPT"])
def test_both_commands_read_their_path_and_parameters_by_the_methods_we_replace(caller: str) -> None:
    assert {"_getaddr", "_getparams"} <= set(getattr(SMTP, caller).__code__.co_names)


def test_the_timer_calls_the_method_we_replace() -> None:
    assert "_timeout_cb" in SMTP._reset_timeout.__code__.co_names


def test_an_envelope_rule_that_has_nothing_to_say_says_missing() -> None:
    assert MISSING.name == "MISSING"


def test_one_read_empties_the_reader_however_full_it_is() -> None:
    """asyncio pauses a transport beyond twice the reader's limit; one more receive may come on top of that."""
    one_receive = selector_events._SelectorSocketTransport.max_size  # type: ignore[attr-defined]  # asyncio's own name
    assert 2 * READER_BYTES + one_receive < READ_BYTES


async def test_a_live_session_has_what_we_touch(house: House) -> None:
    async with Client(house.port) as client:
        await client.hear()
        (session,) = house.door._sessions
        assert isinstance(session, SmtpSession)
        for name in ["_reader", "_writer", "_handler_coroutine", "command_size_limits", "envelope", "session", "loop"]:
            assert getattr(session, name) is not None, name
        assert session._smtp_methods["DATA"] == session.smtp_DATA
        assert session._reader._limit == session.line_length_limit  # type: ignore[attr-defined]  # asyncio's own name
