"""The part of the configuration that says who may fax as whom: `[senders]`, `[terminal]` and `[domain]`.

`allow` and the keys of `[terminal]` alone are the default rule and the default terminal of the default domain; that
is all a small office needs. Names lead from a rule to its domain and its terminal, and are resolved here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol, Self

from pydantic import AfterValidator, Field

from mail2fax.config.proof import Required, required
from mail2fax.config.told import TellingRule, Told, wishes_of
from mail2fax.config.values import (
    MailAddress,
    Name,
    NameOrNone,
    NumberMaskText,
    Section,
    SenderMaskText,
    StationId,
    of_form,
    one_line,
)
from mail2fax.model.domain import DEFAULT, Tenant, Terminal
from mail2fax.model.incoming import Inbox, digits_of
from mail2fax.model.mask import NumberMask, SenderMask
from mail2fax.model.number import MAX_E164_DIGITS
from mail2fax.model.rule import SenderRule
from mail2fax.model.wishes import NO_WISHES, Wishes


def _own_number(text: str) -> str:
    digits = text.removeprefix("+")
    if text and not (text.startswith("+") and digits.isascii() and digits.isdigit() and len(digits) <= MAX_E164_DIGITS):
        raise ValueError("must be a number in international form without spaces, such as +375172001500")
    return text


OwnNumber = Annotated[str, AfterValidator(_own_number)]
_CALLED = "a number or the name of an account, without spaces or @"
CallerId = Annotated[str, of_form(r"[A-Za-z0-9+._-]*", _CALLED)]
CalledAs = Annotated[str, of_form(r"[A-Za-z0-9+*#._-]{1,64}", _CALLED)]
"""The user part of a Request-URI, as a trunk writes one of our numbers in it."""
HeaderText = Annotated[str, Field(max_length=40), AfterValidator(one_line)]


class RuleEntry(Told):
    """One of `senders.rules`: masks, and the terminal and the domain of who matches one of them.

    `notify` is who is told of their faxes when the mail must not be answered; "" is who `reply.notify` names. `require`
    names the kinds of proof that count for them, any of which is enough; with none, all do.
    """

    allow: Annotated[tuple[SenderMaskText, ...], Field(min_length=1)]
    terminal: NameOrNone = ""
    domain: NameOrNone = ""
    notify: MailAddress | Literal[""] = ""
    require: tuple[Required, ...] = ()


class Rule(TellingRule, Protocol):
    """What stands in a rule, be it one of `senders.rules` or a mailbox's own."""

    @property
    def allow(self) -> tuple[str, ...]: ...
    @property
    def terminal(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def notify(self) -> str: ...
    @property
    def require(self) -> tuple[Required, ...]: ...


class Ruled(Rule, Protocol):
    """A mailbox with its rule."""

    @property
    def name(self) -> str: ...


class SendersSection(Section):
    """`[senders]`: who may fax. Nobody, unless a mask says so."""

    allow: tuple[SenderMaskText, ...] = ()
    require: tuple[Required, ...] = ()
    rules: tuple[RuleEntry, ...] = ()


class TerminalEntry(Section):
    """One of `terminal.named`: another number of ours."""

    name: Name
    domain: Name = DEFAULT
    number: OwnNumber = ""
    caller_id: CallerId = ""
    station_id: StationId = ""
    header: HeaderText = ""
    trunks: tuple[Name, ...] = ()
    dialled_as: tuple[CalledAs, ...] = ()
    deliver_to: MailAddress | Literal[""] = ""


class TerminalSection(Section):
    """`[terminal]`: the number of ours that faxes come from, where nothing says otherwise; and further ones."""

    number: OwnNumber = ""
    caller_id: CallerId = "mail2fax"
    station_id: StationId = ""
    header: HeaderText = ""
    trunks: tuple[Name, ...] = ()
    dialled_as: tuple[CalledAs, ...] = ()
    deliver_to: MailAddress | Literal[""] = ""
    named: tuple[TerminalEntry, ...] = ()


class DomainEntry(Section):
    """One of `domain.named`: a tenant, and the terminal of its rules that name none; `numbers`, if any, are all that it
    may call. A quota of 0 is that of `[api]`."""

    name: Name
    terminal: Name
    deliver_to: MailAddress | Literal[""] = ""
    numbers: tuple[NumberMaskText, ...] = ()
    quota_mb: Annotated[float, Field(ge=0)] = 0
    max_files: Annotated[int, Field(ge=0, le=100_000)] = 0


class DomainSection(Section):
    """`[domain]`: the tenants beside the default one. `deliver_to` and `numbers` are those of that one."""

    deliver_to: MailAddress | Literal[""] = ""
    numbers: tuple[NumberMaskText, ...] = ()
    named: tuple[DomainEntry, ...] = ()


def default_terminal(section: TerminalSection) -> Terminal:
    """The terminal of `[terminal]`."""
    return _terminal(DEFAULT, section)


def sender_rules(
    senders: SendersSection, terminal: TerminalSection, domain: DomainSection, told: Wishes = NO_WISHES
) -> tuple[SenderRule, ...]:
    """Who may fax as whom, in the order in which it counts; `senders.allow` comes last. `told` is how they are told of
    their faxes, where their rule says nothing else.

    Raises `ValueError`, with what would be right, when a name is used twice, leads nowhere or to another tenant.
    """
    names = _Names.of(terminal, domain)
    rules: list[SenderRule] = []
    for position, rule in enumerate(senders.rules):
        rules += names.rules_of(rule, f"senders.rules[{position}]", told)
    terminal_of_all, require = names.terminals[DEFAULT], required(senders.require)
    plain = (
        SenderRule(SenderMask.parse(mask), terminal_of_all, require=require, wishes=told) for mask in senders.allow
    )
    return (*rules, *plain)


def mailbox_rules(
    mailboxes: Iterable[Ruled], terminal: TerminalSection, domain: DomainSection, told: Wishes = NO_WISHES
) -> Mapping[str, tuple[SenderRule, ...]]:
    """Who may fax as whom through those mailboxes that say so themselves, by their names; raises as `sender_rules`."""
    names = _Names.of(terminal, domain)
    return {
        mailbox.name: tuple(names.rules_of(mailbox, f"mailbox.named: {mailbox.name}", told))
        for mailbox in mailboxes
        if mailbox.allow
    }


@dataclass(frozen=True, slots=True)
class _Names:
    """Where names lead: the terminals, the domain that each belongs to, and the terminal of each domain."""

    terminals: Mapping[str, Terminal]
    owners: Mapping[str, str]
    domains: Mapping[str, str]

    @classmethod
    def of(cls, terminal: TerminalSection, domain: DomainSection) -> Self:
        """The names of a configuration, if each leads to its own tenant; raises `ValueError`."""
        owners = {DEFAULT: DEFAULT} | {entry.name: entry.domain for entry in terminal.named}
        names = cls(_terminals(terminal), owners, _domains(domain))
        for name, chosen in names.domains.items():
            _require_own(chosen, name, owners, f"domain.named: {name}")
        for entry in terminal.named:
            if entry.domain not in names.domains:
                raise ValueError(f"terminal.named: {entry.name}: {_unknown('domain', entry.domain, names.domains)}")
        return names

    def rules_of(self, rule: Rule, where: str, told: Wishes) -> list[SenderRule]:
        """A rule for each of its masks, its names resolved."""
        tenant = rule.domain or self.owners.get(rule.terminal, DEFAULT)
        if tenant not in self.domains:
            raise ValueError(f"{where}: {_unknown('domain', tenant, self.domains)}")
        chosen = rule.terminal or self.domains[tenant]
        _require_own(chosen, tenant, self.owners, where)
        terminal, require = self.terminals[chosen], required(rule.require)
        wishes = wishes_of(rule, told)
        return [
            SenderRule(SenderMask.parse(mask), terminal, tenant, rule.notify, require, wishes) for mask in rule.allow
        ]


def tenants(terminal: TerminalSection, domain: DomainSection) -> Mapping[str, Tenant]:
    """Every domain by its name, with its own terminals. What leads nowhere was refused by `sender_rules`."""
    terminals = _terminals(terminal)
    owners = {DEFAULT: DEFAULT} | {entry.name: entry.domain for entry in terminal.named}
    return {
        name: Tenant(name, terminals[chosen], {own: terminals[own] for own in owners if owners[own] == name})
        for name, chosen in _domains(domain).items()
    }


def numbers_by_domain(domain: DomainSection) -> Mapping[str, tuple[NumberMask, ...]]:
    """The numbers that each domain may call, where it is held to some."""
    texts = {DEFAULT: domain.numbers} | {entry.name: entry.numbers for entry in domain.named}
    return {name: tuple(map(NumberMask.parse, masks)) for name, masks in texts.items() if masks}


def inboxes(terminal: TerminalSection, domain: DomainSection) -> Mapping[str, Inbox]:
    """Where the calls to each of our numbers go, by the number as `digits_of` has it, and by each of `dialled_as`.

    Terminals that differ in nothing but how they send may share one; it is the first one's. Raises `ValueError` when
    two would share one and differ in tenant, reader or trunks.
    """
    terminals = _terminals(terminal)
    readers = {DEFAULT: domain.deliver_to} | {entry.name: entry.deliver_to for entry in domain.named}
    found: dict[str, Inbox] = {}
    sections: list[tuple[str, str, TerminalSection | TerminalEntry]] = [(DEFAULT, DEFAULT, terminal)]
    sections += [(entry.name, entry.domain, entry) for entry in terminal.named]
    for name, tenant, section in sections:
        inbox = Inbox(tenant, terminals[name], section.deliver_to or readers.get(tenant, ""))
        for called in dict.fromkeys(digits_of(text) for text in (section.number, *section.dialled_as) if text):
            if _kept_apart(found.setdefault(called, inbox), inbox):
                raise ValueError(f"terminal: calls to {called} cannot be those of two terminals")
    return found


def _kept_apart(one: Inbox, other: Inbox) -> bool:
    """It matters which of the two a call is for."""
    return (one.domain, one.deliver_to, one.terminal.trunks) != (other.domain, other.deliver_to, other.terminal.trunks)


def _terminals(section: TerminalSection) -> Mapping[str, Terminal]:
    found = {DEFAULT: default_terminal(section)}
    for entry in section.named:
        if entry.name in found:
            raise ValueError(f'terminal.named: the name "{entry.name}" is taken: each terminal needs its own')
        if not (entry.number or entry.caller_id):
            raise ValueError(f"terminal.named: {entry.name} needs a number or a caller_id")
        found[entry.name] = _terminal(entry.name, entry)
    return found


def _terminal(name: str, section: TerminalSection | TerminalEntry) -> Terminal:
    return Terminal(
        caller_id=section.caller_id or section.number,
        station_id=section.station_id or section.number,
        header=section.header,
        name=name,
        number=section.number,
        trunks=section.trunks,
    )


def _domains(section: DomainSection) -> Mapping[str, str]:
    """The terminal of each domain, by their names."""
    found = {DEFAULT: DEFAULT}
    for entry in section.named:
        if entry.name in found:
            raise ValueError(f'domain.named: the name "{entry.name}" is taken: each domain needs its own')
        found[entry.name] = entry.terminal
    return found


def _require_own(terminal: str, domain: str, owners: Mapping[str, str], where: str) -> None:
    """A tenant calls from its own numbers only."""
    if terminal not in owners:
        raise ValueError(f"{where}: {_unknown('terminal', terminal, owners)}")
    if owners[terminal] != domain:
        raise ValueError(
            f'{where}: the terminal "{terminal}" belongs to the domain "{owners[terminal]}", not to "{domain}": '
            f'set domain = "{domain}" in that terminal, or choose another'
        )


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    return f'there is no {kind} "{name}"; known are {", ".join(sorted(known))}'
