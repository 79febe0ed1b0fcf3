"""The examination: the list of all checks, done one after the other, each within its time."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from mail2fax.doctor.certificates import certificates
from mail2fax.doctor.engine import self_test
from mail2fax.doctor.finding import Check, Finding, Patient, ill
from mail2fax.doctor.machine import clock, directories, disk
from mail2fax.doctor.mailboxes import mailboxes
from mail2fax.doctor.outgoing_mail import outgoing_mail
from mail2fax.doctor.ports import media_ports, ports
from mail2fax.doctor.rules import rules
from mail2fax.doctor.trunks import names, options, registrations

CHECKS: Sequence[Check] = (
    Check("configuration", rules),
    Check("directories", directories),
    Check("disk", disk),
    Check("clock", clock),
    Check("fax engine", self_test, limit_s=30.0),
    Check("ports", ports),
    Check("media ports", media_ports),
    Check("certificates", certificates),
    Check("names", names, limit_s=20.0),
    Check("registration", registrations, limit_s=15.0),
    Check("trunk", options, limit_s=40.0),
    Check("outgoing mail", outgoing_mail, limit_s=40.0),
    Check("mailboxes", mailboxes, limit_s=20.0),
)


async def examine(patient: Patient, checks: Sequence[Check] = CHECKS) -> AsyncIterator[Finding]:
    """What each check finds, as it finds it. A check that fails itself is a finding, too."""
    for check in checks:
        try:
            async with asyncio.timeout(check.limit_s):
                findings = await check.look(patient)
        except TimeoutError:
            step = "See whether the machine or the network hangs there."
            findings = [ill(check.about, f"no result within {check.limit_s:.0f} s", step)]
        except Exception as error:  # noqa: BLE001 - one check with a fault of ours must not hide the others
            words = f"the check itself failed: {type(error).__name__}: {error}"
            findings = [ill(check.about, words, "Tell whoever maintains mail2fax.")]
        for finding in findings:
            yield finding
