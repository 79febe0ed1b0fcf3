"""DATA over a real socket: pace, size and memory, and nothing but the final dot ends it."""

import asyncio
import tracemalloc

import pytest

from mail2fax.store.spool import FLUSH_BYTES
from tests.integration.smtp.client import Client, until
from tests.integration.smtp.conftest import House, OpenHouse

HEADER = b"From: anna@example.com\r\n\r\n"


def unread_by(house: House) -> bytes:
    """What the one session has received and not yet read."""
    (session,) = house.door._sessions
    return bytes(session._reader._buffer)  # type: ignore[attr-defined]  # asyncio's own name


async def test_a_whole_session_may_come_in_one_piece(house: House) -> None:
    """What stands behind the final dot are the next commands, and not lost."""
    async with Client(house.port) as client:
        await client.say(
            b"EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<fax@example.com>\r\nDATA\r\n"
            + HEADER
            + b"one\r\n.\r\nNOOP\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<fax@example.com>\r\nDATA\r\n"
            + HEADER
            + b"two\r\n.\r\nQUIT\r\n"
        )
        replies = [await client.hear() for _ in range(12)]
    codes = " ".join(reply[:3] for reply in replies)
    assert codes == "220 250 250 250 354 250 250 250 250 354 250 221"
    assert sorted(house.spooled()) == [HEADER + b"one\r\n", HEADER + b"two\r\n"]


async def test_commands_keep_their_order_while_the_disk_is_slow(house: House) -> None:
    """What stands behind the final dot comes before what arrives while the mail is written."""
    house.files.flowing.clear()
    async with Client(house.port) as client:
        await client.begin()
        await client.say(HEADER + b"x" * (FLUSH_BYTES - 1000))
        await client.say(b"x" * 1000 + b"\r\n.\r\nNOOP\r\n")
        await until(lambda: house.files.writes)
        await client.say(b"QUIT\r\n")
        await until(lambda: b"QUIT" in unread_by(house))
        house.files.flowing.set()
        replies = [await client.hear() for _ in range(3)]
    assert [reply[:3] for reply in replies] == ["250", "250", "221"]


async def test_a_mail_may_come_byte_by_byte(house: House) -> None:
    async with Client(house.port) as client:
        await client.begin()
        for byte in HEADER + b"..\r\n.\r\n":
            await client.say(bytes([byte]))
            await asyncio.sleep(0)
        assert (await client.hear()).startswith("250 ")
    assert house.spooled() == [HEADER + b".\r\n"]


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\r\n.\r\r\n", b"\r\n\0.\r\n"]
)
async def test_a_second_mail_cannot_be_smuggled_in(house: House, end: bytes) -> None:
    """Trap CVE-2024-27305: with another end of data than CRLF.CRLF one mail becomes two."""
    async with Client(house.port) as client:
        await client.begin()
        await client.say(HEADER + b"a" + end + b"MAIL FROM:<x@example.com>\r\nRCPT TO:<fax@example.com>\r\nDATA\r\n")
        await client.say(HEADER + b".\r\n")
        assert await client.hear() == "250 2.0.0 queued as 1"
        assert (await client.ask("NOOP")).startswith("250")
    assert len(house.gateway.arrivals) == 1


async def test_an_empty_mail_is_judged_like_any_other(house: House) -> None:
    async with Client(house.port) as client:
        await client.begin()
        await client.say(b".\r\n")
        assert (await client.hear()).startswith("550 ")
    assert house.gateway.arrivals[0].header == b""


async def test_a_line_may_be_of_any_length(house: House) -> None:
    """Trap: aiosmtpd answers 500 to a line of more than 1000 bytes, and real devices send them."""
    mail = HEADER + b"x" * 500_000 + b"\r\n"
    async with Client(house.port) as client:
        await client.begin()
        await client.say(mail + b".\r\n")
        assert (await client.hear()).startswith("250 ")
    assert house.spooled() == [mail]


async def test_eight_bit_bytes_come_through_as_they_are(house: House) -> None:
    mail = HEADER + bytes(range(256)) + b"\r\n"
    async with Client(house.port) as client:
        await client.begin()
        await client.say(mail + b".\r\n")
        assert (await client.hear()).startswith("250 ")
    assert house.spooled() == [mail]


async def test_a_mail_beyond_the_limit_is_552_after_its_end_and_leaves_no_trace(house: House) -> None:
    async with Client(house.port) as client:
        await client.begin()
        await client.say(HEADER + b"x\r\n" * 400_000 + b".\r\n")
        assert (await client.hear()).startswith("552 5.3.4")
        await client.begin_again()
        await client.say(HEADER + b".\r\n")
        assert (await client.hear()).startswith("250 ")
    assert (house.spooled(), house.unfinished()) == ([HEADER], [])


async def test_a_mail_that_announces_too_much_is_552_at_mail(house: House) -> None:
    async with Client(house.port) as client:
        await client.hear()
        assert "SIZE 1000000" in await client.ask("EHLO c")
        assert (await client.ask("MAIL FROM:<a@example.com> SIZE=1000001")).startswith("552")
        assert (await client.ask("MAIL FROM:<a@example.com> SIZE=1000000")).startswith("250")


async def test_a_header_without_end_is_552(house: House) -> None:
    async with Client(house.port) as client:
        await client.begin()
        await client.say(b"X: y\r\n" * 60_000 + b".\r\n")
        assert (await client.hear()).startswith("552 5.3.4 The header")
    assert house.gateway.arrivals == []


async def test_a_flood_without_line_ends_is_cut_off_and_costs_no_memory(house: House) -> None:
    """Trap: aiosmtpd goes on reading beyond the limit, and keeps it all in memory."""
    async with Client(house.port) as client:
        await client.begin()
        tracemalloc.start()
        try:
            with pytest.raises(ConnectionError):
                await client.say_for_ever(b"x" * 65_536)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 6_000_000
    await until(lambda: house.open_connections() == 0)
    await until(lambda: (house.spooled(), house.unfinished()) == ([], []))


async def test_what_is_left_unread_of_a_flood_is_never_taken_for_commands(house: House) -> None:
    commands = b"\r\nRSET\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<fax@example.com>\r\nDATA\r\n"
    async with Client(house.port) as client:
        await client.begin()
        await client.say(b"x" * 2_000_000 + commands * 20_000)
        assert b"354" not in await client.hear_all()
    assert house.gateway.arrivals == []


async def test_a_mail_of_thirty_megabytes_costs_hardly_any_memory(open_house: OpenHouse) -> None:
    """Trap: aiosmtpd needs five times the mail's size, and freezes the loop for two seconds."""
    house = await open_house(max_bytes=40_000_000)
    line = b"A" * 76 + b"\r\n"
    piece = line * 1000
    async with Client(house.port) as client:
        await client.begin()
        await client.say(HEADER)
        tracemalloc.start()
        try:
            for _ in range(385):
                await client.say(piece)
            await client.say(b".\r\n")
            assert (await client.hear()).startswith("250 ")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert house.gateway.arrivals[0].size == len(HEADER) + 385 * len(piece) > 30_000_000
    assert peak < 6_000_000


async def test_a_slow_mail_is_not_cut_by_the_timer_for_commands(open_house: OpenHouse) -> None:
    """Trap: aiosmtpd's one timer is set anew by commands only, and cuts a client that is busy sending."""
    house = await open_house(idle_s=0.2)
    async with Client(house.port) as client:
        await client.begin()
        await client.say(HEADER)
        for _ in range(8):
            await asyncio.sleep(0.05)
            await client.say(b"slow\r\n")
        await client.say(b".\r\n")
        assert (await client.hear()).startswith("250 ")


async def test_a_client_that_falls_silent_within_a_mail_is_cut_off(open_house: OpenHouse) -> None:
    house = await open_house(chunk_s=0.1)
    async with Client(house.port) as client:
        await client.begin()
        await client.say(HEADER)
        assert (await client.hear_all()).startswith(b"421 4.4.2")
    assert (house.spooled(), house.gateway.arrivals) == ([], [])


async def test_a_client_that_dribbles_for_ever_is_cut_off(open_house: OpenHouse) -> None:
    """Each byte is in time, and the mail would never end."""
    house = await open_house(chunk_s=0.2, whole_mail_s=0.4)
    async with Client(house.port) as client:
        await client.begin()
        started = asyncio.get_running_loop().time()
        with pytest.raises(ConnectionError):
            await client.say_for_ever(b"x", pause_s=0.02)
        assert asyncio.get_running_loop().time() - started < 3
    assert house.gateway.arrivals == []


async def test_a_bug_within_data_ends_the_session_rather_than_reading_the_mail_as_commands(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail2fax.ingest.smtp_session.MailData.receive", lambda _self, _chunk: 1 / 0)
    async with Client(house.port) as client:
        await client.begin()
        await client.say(HEADER + b"NOOP\r\nNOOP\r\n.\r\nNOOP\r\n")
        assert await client.hear_all() == b"451 4.3.0 Local error, please try again later\r\n"
