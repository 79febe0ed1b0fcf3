"""Each sender calls as whom the rules say, and a reload does not change whose call an accepted fax is."""

import signal
from pathlib import Path

import pytest

from tests.harness.documents import write_fax_tiff
from tests.harness.stage import OFFICE, Mail, Sections, staged
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(180)

TENANT = "anna@tenant.example"
TENANTS: Sections = {
    "senders": {"allow": ["office{*}@example.com"], "rules": [{"allow": ["*@tenant.example"], "domain": "tenant"}]},
    "terminal": {
        "caller_id": "+375172001500",
        "station_id": "+375 17 200 15 00",
        "named": [
            {"name": "shop", "domain": "tenant", "number": "+375172001600", "station_id": "+375 17 200 16 00"},
        ],
    },
    "domain": {"named": [{"name": "tenant", "terminal": "shop"}]},
    "retry": {"busy_min": [0.1]},
}


async def test_two_senders_call_as_two_terminals_for_two_domains(tmp_path: Path) -> None:
    page = write_fax_tiff(tmp_path / "page.tif", 1, 160)
    theirs = Mail("theirs", number(Behaviour.OFFERS_T38, 1), (page,), sender=TENANT)
    ours = Mail("ours", number(Behaviour.OFFERS_T38, 2), (page,), sender=OFFICE)
    async with staged(tmp_path, TENANTS) as stage, stage.gateway():
        for mail in (theirs, ours):
            assert (await stage.send(mail)).code == 250
        for mail, caller, station_id, domain, terminal in (
            (theirs, "+375172001600", "+375 17 200 16 00", "tenant", "shop"),
            (ours, "+375172001500", "+375 17 200 15 00", "default", "default"),
        ):
            await stage.reply_to(mail, within_s=90)
            job = (await stage.cdr_of(mail)).job
            assert (job.submission.domain, job.submission.terminal and job.submission.terminal.name) == (
                domain,
                terminal,
            )
            (call,) = stage.calls_to(mail.subject)
            assert call["caller"] == caller
            (negotiated,) = stage.far_end.told("negotiated", call_id=call["call_id"])[-1:]
            assert negotiated["far_id"] == station_id


async def test_a_reload_does_not_change_the_caller_of_a_fax_that_is_accepted(tmp_path: Path) -> None:
    """The number is busy at first; before the second call the terminal is another."""
    called = number(Behaviour.BUSY)
    mail = Mail("busy", called, (write_fax_tiff(tmp_path / "page.tif", 1, 160),), sender=TENANT)
    async with staged(tmp_path, TENANTS) as stage, stage.gateway() as gateway:
        assert (await stage.send(mail)).code == 250
        await gateway.tells("call ended", outcome="busy", within_s=30)
        text = stage.config.read_text()
        stage.config.write_text(text.replace("+375172001600", "+375172001699").replace('"shop"', '"other"'))
        gateway.send(signal.SIGHUP)
        await gateway.tells("configuration taken", within_s=60)
        await stage.reply_to(mail, within_s=60)
        assert [call["caller"] for call in stage.calls_to(called)] == ["+375172001600"] * 2
