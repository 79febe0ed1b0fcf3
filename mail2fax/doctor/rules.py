"""The configuration: it could be read, or there would be no patient; what of it makes no sense in practice."""

from collections.abc import Sequence

from mail2fax.config import Config
from mail2fax.config.domains import inboxes
from mail2fax.doctor.finding import Finding, Patient, doubtful, ill, well

_ABOUT = "configuration"
_LOOPBACK = ("127.", "::1", "localhost")


async def rules(patient: Patient) -> Sequence[Finding]:
    """Who may fax, how we are reached, who is told."""
    config = patient.config
    found: list[Finding] = []
    if not config.senders.allow and not config.senders.rules and not any(box.allow for box in config.mailbox.named):
        found.append(ill(_ABOUT, "nobody may send a fax", "Name senders in senders.allow."))
    hosts = dict.fromkeys(trunk.host for trunk in config.trunk.trunks)
    found.extend(
        ill(
            _ABOUT,
            f"the trunk {host} cannot answer us at {config.sip.listen}",
            "Set sip.listen to the address of this machine at which the trunk reaches it.",
        )
        for host in hosts
        if not host.startswith(_LOOPBACK) and config.sip.listen.startswith(_LOOPBACK)
    )
    if unread := _unread(config):
        step = "Set deliver_to of the terminal or its domain, unless the history of the API is how these are read."
        found.append(doubtful(_ABOUT, f"faxes that come in at {', '.join(unread)} are mailed to nobody", step))
    if not config.alarm.admin:
        step = "Set alarm.admin to the address of a person."
        found.append(doubtful(_ABOUT, "nobody is mailed when the gateway needs a person", step))
    if config.gateway.hostname == "localhost":
        step = "Set gateway.hostname to the full name of this machine: mail servers distrust localhost."
        found.append(doubtful(_ABOUT, "our name in mails is localhost", step))
    return found or [well(_ABOUT, "it can be used")]


def _unread(config: Config) -> Sequence[str]:
    """The numbers of ours that are answered, and whose faxes are kept alone."""
    found = inboxes(config.terminal, config.domain) if config.incoming.answer else {}
    return [called for called, inbox in found.items() if not inbox.deliver_to]
