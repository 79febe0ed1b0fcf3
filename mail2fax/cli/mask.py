"""`mail2fax mask`: who may fax by the rules, why not, and what a changed configuration would change."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from mail2fax import wiring
from mail2fax.admission.explain import Explained, Known, Shift, bound_to, explain, shifts
from mail2fax.admission.gate import AdmissionRules
from mail2fax.cli.jobs import asked
from mail2fax.cli.options import ConfigOption, fail, read_config
from mail2fax.cli.telling import print_json, printable
from mail2fax.config import Config
from mail2fax.mail.header import Header
from mail2fax.mail.problem import Problem
from mail2fax.mail.sender import parse_from
from mail2fax.model.mail import Address, Door
from mail2fax.model.mail_proof import Proof, ProofKind
from mail2fax.model.number import FaxNumber
from mail2fax.model.refusal import Refusal
from mail2fax.model.rule import SenderRule
from mail2fax.reply.words import ENGLISH

app = typer.Typer(help="Ask the rules who may fax.", no_args_is_help=True, add_completion=False)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("explain")
def explain_(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The sender, as in the From line.")],
    number: Annotated[str | None, typer.Option(help="And to this number, as in a subject.")] = None,
    proof: Annotated[
        list[str] | None,
        typer.Option(help="What the mail shows: auth:USER, network:192.0.2.0/28, dkim, ...; may be given again."),
    ] = None,
    mailbox: Annotated[str, typer.Option(help="Through this mailbox, by the rules that it has.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show every rule, whether it matches, what is lacking, and the verdict; exit status 1 when it is no."""
    settings = read_config(config)
    if mailbox and mailbox not in {entry.name for entry in settings.mailbox.named}:
        fail(f"there is no mailbox {mailbox}")
    sender, rules = sender_of(address), wiring.rules(settings)
    proofs = None if proof is None else [_proof(text) for text in proof]
    found = explain(sender, rules, proofs, mailbox, number)
    if as_json:
        print_json(_plain(sender, found))
    else:
        _tell(Console(highlight=False), sender, found, rules, open_proof=proofs is None)
    raise typer.Exit(0 if found.verdict is None else 1)


@app.command()
def replay(
    changed: Annotated[Path, typer.Argument(metavar="CHANGED", help="The changed configuration.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who of those that have faxed would gain or lose access, or fax by other rules, by a changed configuration.

    Goes by their addresses: which proof came with which mail is not kept.
    """
    settings = read_config(config)
    old, new = wiring.rules(settings), wiring.rules(read_config(changed))
    rows = asked(settings, lambda reader: reader.senders())
    known = [Known(row.sender, _mailbox_of(settings, row.door, row.recipient), row.faxes) for row in rows]
    merged: dict[tuple[Address, str], int] = {}
    for one in known:
        merged[one.sender, one.mailbox] = merged.get((one.sender, one.mailbox), 0) + one.faxes
    found = shifts([Known(sender, box, faxes) for (sender, box), faxes in merged.items()], old, new)
    for shift in found:
        if as_json:
            print_json(_plain_shift(shift))
        else:
            typer.echo(_shift_line(shift))
    if not as_json:
        typer.echo(f"Senders that have faxed: {len(merged)}; judged otherwise: {len(found)}.")


def sender_of(address: str) -> Address:
    """The sender that somebody has typed, as he would stand in a From line."""
    sender = parse_from(Header((("from", address.encode("utf-8", "surrogateescape")),)))
    if isinstance(sender, Problem):
        fail(f"this is no sender: {sender.words}")
    return sender


def _proof(text: str) -> Proof:
    kind, _, name = text.partition(":")
    try:
        return Proof(ProofKind(kind), name)
    except ValueError:
        fail(f"{kind} is no kind of proof; there are {', '.join(ProofKind)}")


def _mailbox_of(settings: Config, door: str, recipient: str) -> str:
    """The mailbox that a mail must have come through, "" for none: the first that has this address."""
    if door == Door.SMTP:
        return ""
    names = (entry.name for entry in settings.mailbox.named if entry.fax_address.lower() == recipient)
    return next(names, "")


# Telling


def _tell(console: Console, sender: Address, found: Explained, rules: AdmissionRules, *, open_proof: bool) -> None:
    def say(text: str) -> None:
        console.print(Text(printable(text)), soft_wrap=True)

    say(f"Sender {sender}")
    say("Rules, in order: the first that matches counts" if found.rules else "There are no rules: nobody may fax")
    for look in found.rules:
        mark = "counts" if look.counts else "matches" if look.matches else "no"
        say(f"  {mark:<8}{look.rule.mask.text:<32}{_rule_words(look.rule)}")
    for proof in found.proofs:
        say(f"Proof {proof.proof}: {proof.lacking or 'enough'}")
    if open_proof and found.rule:
        say(f"Proof: not said; there must be one. {_proof_words(sender, found.rule, rules)}")
    if isinstance(found.number, FaxNumber):
        say(f"Number {found.number.readable}: may be dialled")
    say(f"Verdict: {_refusal_words(found.verdict) if found.verdict else 'may fax'}")


def _rule_words(rule: SenderRule) -> str:
    takes = f", takes {' or '.join(sorted(rule.require))}" if rule.require else ""
    return f"domain {rule.domain}, terminal {rule.terminal.name}{takes}"


def _proof_words(sender: Address, rule: SenderRule, rules: AdmissionRules) -> str:
    bound = [str(proof) for proof in bound_to(sender, rules) if not rule.require or proof.kind in rule.require]
    taken = " or ".join(sorted(rule.require)) if rule.require else "any"
    return f"Taken is {taken}; by smtp.account and its like: {', '.join(bound) or 'none'}"


def _refusal_words(refusal: Refusal) -> str:
    return f"no, {refusal.code}: {ENGLISH.refused(refusal).sentence}"


def _shift_line(shift: Shift) -> str:
    of = f" (mailbox {shift.known.mailbox})" if shift.known.mailbox else ""
    words = " -> ".join(_rule_words(rule) if rule else "no access" for rule in (shift.before, shift.after))
    return printable(f"{shift.kind:<8}{shift.known.sender}{of}: {words}; faxes: {shift.known.faxes}")


def _plain(sender: Address, found: Explained) -> dict[str, Any]:
    number = found.number
    return {
        "sender": str(sender),
        "rules": [
            {"mask": look.rule.mask.text, "matches": look.matches, "counts": look.counts, **_plain_rule(look.rule)}
            for look in found.rules
        ],
        "proofs": [{"proof": str(look.proof), "lacking": look.lacking} for look in found.proofs],
        "number": number.e164 if isinstance(number, FaxNumber) else None,
        "verdict": found.verdict.code if found.verdict else "may-fax",
        "words": _refusal_words(found.verdict) if found.verdict else "may fax",
    }


def _plain_rule(rule: SenderRule) -> dict[str, Any]:
    return {"domain": rule.domain, "terminal": rule.terminal.name, "require": sorted(rule.require)}


def _plain_shift(shift: Shift) -> dict[str, Any]:
    return {
        "sender": str(shift.known.sender),
        "mailbox": shift.known.mailbox,
        "faxes": shift.known.faxes,
        "access": shift.kind,
        "before": _plain_rule(shift.before) if shift.before else None,
        "after": _plain_rule(shift.after) if shift.after else None,
    }
