"""A sample mail: who its sender is, which rule is his, what the mail shows, where that is enough, and what to set."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from mail2fax import wiring
from mail2fax.admission.gate import AdmissionRules
from mail2fax.admission.proof import is_account_of, is_aligned, is_proven, repeat_objection, shown_by
from mail2fax.admission.signature import Look, Signatures
from mail2fax.admission.undecided import Undecided
from mail2fax.config import Config
from mail2fax.config.proof import EXCHANGE
from mail2fax.doctor.finding import Finding, doubtful, ill, unseen, well
from mail2fax.ingest.smtp_data import HeaderBlock
from mail2fax.mail.header import Header, read_header
from mail2fax.mail.problem import Problem
from mail2fax.mail.received import authenticated_by
from mail2fax.mail.results import Result, authserv_id_of, results_of, vouched_domains
from mail2fax.mail.sender import parse_from
from mail2fax.mail.signature import names_recipient, whole_signatures_of
from mail2fax.model.mail import Address
from mail2fax.model.mail_proof import MailProof, Proof, ProofKind
from mail2fax.model.refusal import Refusal
from mail2fax.model.rule import SenderRule

_BY = re.compile(rb"\bby[ \t]+([A-Za-z0-9.-]+)[ \t]+\(Postfix", re.IGNORECASE)
_NO_STEP = (
    "Have your mail server mark the mails of its own users, or sign them (DKIM); see proof_profile in mailbox.named."
)


async def sample(config: Config, raw: bytes) -> Sequence[Finding]:
    """All that can be told of the mail `raw`, as it lies in a mailbox or was handed in. It is judged as of its Date."""
    block = HeaderBlock()
    block.receive(raw)
    header = read_header(bytes(block))
    if isinstance(header, Problem):
        return [ill("header", f"the mail cannot be read: {header.words}", "Such a mail is refused. Send another.")]
    sender = parse_from(header)
    if isinstance(sender, Problem):
        return [ill("sender", f"the From line is not understood: {sender.words}", "It must be exactly one address.")]
    rules = wiring.rules(config)
    looks, doubt = await _looks(config, raw, header, sender, rules)
    offers = _offers(config, header, sender, looks, doubt, rules)
    signed = [Proof(ProofKind.DKIM, look.domain) for look in looks if not look.fault]
    places = [_smtp(config, header, sender, rules, signed), *_mailboxes(config, header, sender, rules, signed)]
    return [well("sender", f"it is {sender}"), *offers, *places]


# What the mail offers, whether we go by it or not


def _offers(
    config: Config, header: Header, sender: Address, looks: Sequence[Look], doubt: str, rules: AdmissionRules
) -> list[Finding]:
    results = _results(header, sender, _repeated(header, _recipient(config, header), rules), rules)
    found = [*_headers(header, sender), *results, *_signatures(looks, doubt)]
    if any(finding.health == "well" for finding in found):
        return found
    return [*found, doubtful("proof", "nothing in the mail itself shows whom it is from", _NO_STEP)]


def _headers(header: Header, sender: Address) -> list[Finding]:
    found = []
    if header.only(EXCHANGE[0]) == EXCHANGE[1].encode():
        found.append(well("header", 'Exchange says that it is from a user of its own: proof_profile = "exchange"'))
    elif EXCHANGE[0] in header:
        step = "A mail from outside is marked so. Take one of your own users as a sample."
        found.append(doubtful("header", "Exchange says that it is not from a user of its own", step))
    hosts = [match[1].decode().lower() for value in header.all("received") if (match := _BY.search(value))]
    account = authenticated_by(header, hosts[0]) if hosts else None
    if account and not is_account_of(account, sender):
        step = "Who logs in must be the sender, or the part of his address before the @."
        found.append(doubtful("header", f"Postfix says that {account} has logged in, who is not {sender}", step))
    elif account:
        words = f'Postfix says that {account} has logged in: proof_profile = "postfix", proof_host = "{hosts[0]}"'
        found.append(well("header", words))
    elif hosts:
        step = "Take a mail of a user who logs in; and Postfix needs smtpd_sasl_authenticated_header = yes."
        found.append(doubtful("header", f"the Postfix {hosts[0]} does not say that its client has logged in", step))
    return found


def _results(header: Header, sender: Address, fault: str | None, rules: AdmissionRules) -> list[Finding]:
    server = authserv_id_of(header)
    if server is None:
        step = 'Microsoft 365 does not name itself there: take proof_profile = "exchange" for that.'
        there = "authentication-results" in header
        return [doubtful("results", "the topmost Authentication-Results are not understood", step)] if there else []
    results = results_of(header, server)
    if fault and (aligned := _aligned(header, sender, results, rules, "dkim", "dmarc")):
        return [doubtful("results", f"{server} vouches for {aligned}, but {fault}", "See [proof].")]
    if aligned := _aligned(header, sender, results, rules, "dkim"):
        words = f'{server} vouches for {aligned}: authserv_id = "{server}", if it checks the signatures of all mails'
        return [well("results", words)]
    if aligned := _aligned(header, sender, results, rules, "dmarc"):
        keys = f'authserv_id = "{server}", authserv_methods = ["dkim", "dmarc"]'
        words = f"{server} vouches for {aligned} by DMARC: {keys}, if every mail has that, and nobody else can write it"
        return [well("results", words)]
    if not whole_signatures_of(header) and any((one.method, one.result) == ("dkim", "pass") for one in results):
        words = (
            f"{server} tells dkim=pass, and the mail bears no whole signature: whoever sent it may have written that"
        )
        return [doubtful("results", words, "Take a mail with its DKIM-Signature; see docs/configuration.md.")]
    told = ", ".join(f"{result.method}={result.result}" for result in results) or "nothing"
    step = "There must be dkim=pass or dmarc=pass for the domain of the From line."
    return [doubtful("results", f"{server} does not vouch for {sender.domain}: it tells {told}", step)]


def _aligned(
    header: Header, sender: Address, results: tuple[Result, ...], rules: AdmissionRules, *methods: str
) -> str | None:
    """The domain for which results of these methods vouch, when the sender is of it."""
    subdomains = rules.signatures.subdomains
    vouched = vouched_domains(results, methods, whole_signatures_of(header), subdomains=subdomains)
    return next((name for name in vouched if is_aligned(name, sender, subdomains=subdomains)), None)


def _signatures(looks: Sequence[Look], doubt: str) -> list[Finding]:
    found = [
        doubtful(
            "signature", f"{look.selector} of {look.domain}: {look.fault}", "See [proof] for what a signature needs."
        )
        if look.fault
        else well("signature", f"{look.selector} of {look.domain} counts: dkim = true")
        for look in looks
    ]
    if doubt:
        found.append(unseen("signature", doubt, "Try again when the name servers answer; see proof.nameservers."))
    return found


async def _looks(
    config: Config, raw: bytes, header: Header, sender: Address, rules: AdmissionRules
) -> tuple[Sequence[Look], str]:
    written = _date(header)
    read: Callable[[], Awaitable[bytes]] = lambda: _given(raw)  # noqa: E731 - what a spool file does
    try:
        recipient = _recipient(config, header)
        return await Signatures(lambda: written).look(header, sender, recipient, read, rules.signatures), ""
    except Undecided as error:
        return (), str(error)


async def _given(raw: bytes) -> bytes:
    return raw


def _date(header: Header) -> datetime:
    try:
        return parsedate_to_datetime((header.only("date") or b"").decode("ascii")).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, UnicodeDecodeError):
        return datetime.now(UTC)


def _recipient(config: Config, header: Header) -> str:
    """The fax address that the mail is for: one of ours that it names, or else the first."""
    ours = [*config.smtp.fax_addresses, *(entry.fax_address for entry in config.mailbox.named)]
    return next((one.lower() for one in ours if names_recipient(header, one.lower())), ours[0].lower())


# Where that is enough


def _repeated(header: Header, recipient: str, rules: AdmissionRules) -> str | None:
    return repeat_objection(header, recipient, _date(header), rules.signatures)


def _shown(
    header: Header, sender: Address, counts: MailProof, recipient: str, rules: AdmissionRules
) -> tuple[Proof, ...]:
    """What the header shows for a mail that came for `recipient`."""
    shown = shown_by(header, sender, counts, subdomains=rules.signatures.subdomains)
    return tuple(proof for proof in shown if not (proof.repeatable and _repeated(header, recipient, rules)))


def _smtp(config: Config, header: Header, sender: Address, rules: AdmissionRules, signed: Sequence[Proof]) -> Finding:
    """Over SMTP the client may show more than the mail does: which, is said."""
    rule = rules.by_sender.rule_for(sender)
    if isinstance(rule, Refusal):
        return _not_allowed("smtp", sender, "senders.allow")
    own = signed if config.smtp.dkim else ()
    for client, counts in config.smtp.vouching().items():
        shown = (*_shown(header, sender, counts, _recipient(config, header), rules), *own)
        if is_proven(sender, shown, {}, rule.require) is None:
            return well("smtp", f"{sender} may fax when {client} hands the mail in{_by(rule)}")
    if is_proven(sender, own, {}, rule.require) is None:
        return well("smtp", f"{sender} may fax, by the signature{_by(rule)}")
    bound = [proof for proof in rules.bindings if is_proven(sender, [proof], rules.bindings, rule.require) is None]
    if bound:
        return well("smtp", f"{sender} may fax when the client shows {' or '.join(map(str, bound))}{_by(rule)}")
    return _unproven("smtp", rule, "[smtp]")


def _mailboxes(
    config: Config, header: Header, sender: Address, rules: AdmissionRules, signed: Sequence[Proof]
) -> list[Finding]:
    return [
        _mailbox(entry.name, entry.fax_address.lower(), header, sender, rules, settings.proof, signed)
        if not settings.trust_from
        else doubtful(f"mailbox {entry.name}", "every From line is believed", "Set what proves a sender instead.")
        for entry, settings in zip(config.mailbox.named, wiring.mailboxes(config).mailboxes, strict=True)
    ]


def _mailbox(
    name: str,
    recipient: str,
    header: Header,
    sender: Address,
    rules: AdmissionRules,
    counts: MailProof,
    signed: Sequence[Proof],
) -> Finding:
    about, rule = f"mailbox {name}", rules.by_mailbox.get(name, rules.by_sender).rule_for(sender)
    if isinstance(rule, Refusal):
        return _not_allowed(about, sender, "allow of the mailbox" if name in rules.by_mailbox else "senders.allow")
    shown = (
        *_shown(header, sender, counts, recipient, rules),
        *(signed if counts.dkim else ()),
    )
    if is_proven(sender, shown, {}, rule.require) is None:
        return well(about, f"{sender} may fax, by {' and '.join(map(str, shown))}{_by(rule)}")
    return _unproven(about, rule, "this mailbox")


def _not_allowed(about: str, sender: Address, key: str) -> Finding:
    return ill(about, f"no mask matches {sender}", f"Add one to {key}, if that sender may fax.")


def _unproven(about: str, rule: SenderRule, where: str) -> Finding:
    wanted = f"; its rule takes {' or '.join(sorted(rule.require))} only" if rule.require else ""
    step = f"Set in {where} what is said above to be there, or let the mail show one of these."
    return ill(about, f"nothing that counts there shows whom the mail is from{wanted}", step)


def _by(rule: SenderRule) -> str:
    return f" (rule {rule.mask.text}, domain {rule.domain}, terminal {rule.terminal.name})"
