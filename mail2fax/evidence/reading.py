"""Reads a trace as a VoIP engineer would: which signs it shows, and whom they point to. Pure.

Each sign is a function that says one sentence, or nothing. They are put in the order in which a call goes wrong: the
way to the trunk, its answer, the media, the fax machines, the end. A sign does not exclude the next one.
"""

from collections.abc import Callable, Iterator, Sequence

from mail2fax.evidence.case import Case
from mail2fax.evidence.sip import SipLine

_FAILURE = 300
_NO_SUCH_CALL = 481
_BYES_ENOUGH = 3
"""A BYE that was sent so often and not answered is one that is not heard: the third goes out after 1.5 s."""
_LOSS_SHARE = 0.01
_LONG_JITTER_MS = 40.0
_LONG_PAUSE_S = 3.0
_LASTED_PACKETS = 150
"""Three seconds of audio."""
_UNHEARD_T38 = (415, 488, 606, 603)

Sign = Callable[[Case], Iterator[str]]


def read_signs(case: Case) -> Sequence[str]:
    """What the trace shows, in sentences; empty when nothing points anywhere."""
    return tuple(sentence for sign in SIGNS for sentence in sign(case))


def trunk_silent(case: Case) -> Iterator[str]:
    """No answer at all."""
    invites = [each for each in case.sip if each.sent and each.method == "INVITE" and each.status is None]
    if invites and not any(not each.sent for each in case.sip):
        yield (
            f"The trunk at {invites[0].line.peer} answered none of our {len(invites)} INVITEs. Either it is down, its "
            "address is wrong, or a firewall drops our packets or its answers; it is not the receiver's fault."
        )


def call_refused(case: Case) -> Iterator[str]:
    """A final answer that is no yes, apart from the challenge that is part of every log-in."""
    finals = [each for each in case.answers("INVITE") if (each.status or 0) >= _FAILURE]
    if case.established or not finals:
        return
    last = finals[-1]
    because = f" ({last.reason})" if last.reason else ""
    yield f"The peer {last.line.peer} refused the call with {_answer(last)}{because}: no audio and no fax came about."
    if any(each.header("authorization") or each.header("proxy-authorization") for each in case.sip if each.sent):
        if last.status in {401, 403, 407}:
            yield "We had answered its challenge: user or password are wrong, or this account may not call there."
    elif last.status in {401, 407}:
        yield "We did not answer its challenge: no account is configured for this trunk, or no algorithm fits."


def never_answered(case: Case) -> Iterator[str]:
    """It rang, or did not, until we gave up."""
    if any(each.sent and each.method == "CANCEL" and each.status is None for each in case.sip):
        rang = any(each.status in {180, 183} for each in case.answers("INVITE"))
        yield (
            "It rang until we hung up: nobody answered." if rang else "The trunk never said that it rings; we hung up."
        )


def t38_refused(case: Case) -> Iterator[str]:
    """A re-INVITE to T.38 that one of the two did not want."""
    asked = {each.header("cseq"): each for each in case.sip if each.status is None and each.asks_for_t38}
    for answer in case.sip:
        request = asked.get(answer.header("cseq"))
        if request and answer.status in _UNHEARD_T38 and answer.sent is not request.sent:
            who = "We refused" if answer.sent else f"The peer {answer.line.peer} refused"
            yield f"{who} T.38 with {_answer(answer)}: the call had to stay in audio."


def one_way_media(case: Case) -> Iterator[str]:
    """We sent, and nothing came."""
    for number, medium in enumerate(case.counts, start=1):
        sent, received = case.count(medium, "sent"), case.count(medium, "received")
        # Audio that gives way to T.38 at once has had no time to be heard, and says nothing.
        lasted = number == len(case.counts) or sent >= _LASTED_PACKETS
        if sent and not received and lasted:
            yield (
                f"Not one {medium} packet came from the far end, while we sent {sent}: the media go one way. It sends "
                "them elsewhere or not at all, or something on the way (NAT, firewall) drops them; compare the address "
                "that we offer below with the one we can be reached at."
            )


def bad_network(case: Case) -> Iterator[str]:
    """Loss, jitter and pauses that a fax does not survive well."""
    for medium, counts in case.counts.items():
        received, lost = case.count(medium, "received"), case.count(medium, "lost")
        if received and lost / (received + lost) > _LOSS_SHARE:
            share = 100 * lost / (received + lost)
            yield f"{share:.1f} % of the {medium} packets to us were lost ({lost} of {received + lost}) on the way."
        sent, lost_there = case.count(medium, "sent"), case.count(medium, "lost_there")
        if sent and lost_there / sent > _LOSS_SHARE:
            share = 100 * lost_there / sent
            yield f"{share:.1f} % of our {medium} packets were lost ({lost_there} of {sent}), the far end says (RTCP)."
        if float(counts.get("jitter_ms", "0") or 0) > _LONG_JITTER_MS:
            yield f"The {medium} packets came very unevenly (jitter {counts['jitter_ms']} ms)."
        if received and float(counts.get("longest_pause_s", "0")) > _LONG_PAUSE_S and medium == "audio":
            yield f"The far end's {medium} paused for {counts['longest_pause_s']} s."


def no_fax_machine(case: Case) -> Iterator[str]:
    """Media came, and no machine spoke in them."""
    received = sum(case.count(medium, "received") for medium in case.counts)
    if case.established and received and not any(line.way.value == "<" for line in case.frames):
        yield (
            "Media came, but no T.30 frame in them: a person, a voice mailbox or silence answered, or what stands "
            "between us and the machine spoils its tones."
        )


def training_failed(case: Case) -> Iterator[str]:
    """DCS and the test signal went out, and no CFR came back."""
    trained, refused = case.said("DCS"), case.heard("FTT")
    if not trained or case.heard("CFR"):
        return
    if refused:
        yield f"The far machine refused our training {refused} times (FTT): the line spoils the modem signal."
    else:
        yield f"The far machine answered none of our {trained} trainings: it does not hear us, or we do not hear it."


def training_not_heard(case: Case) -> Iterator[str]:
    """They train, and we do not get it."""
    trained, refused = case.heard("DCS"), case.said("FTT")
    if refused and not case.said("CFR"):
        yield f"We refused {refused} of their {trained} trainings (FTT): what reached us was no clean modem signal."


def far_machine_left(case: Case) -> Iterator[str]:
    """A DCN of theirs."""
    if case.heard("DCN"):
        after = "before any page" if not case.pages_confirmed else "in the middle of the fax"
        yield f"The far machine ended the fax itself, {after} (DCN): it did not want to go on."


def page_trouble(case: Case) -> Iterator[str]:
    """Pages that had to be repeated, or were not answered."""
    if repeats := case.heard("PPR"):
        yield f"The far machine asked {repeats} times for parts of a page again (PPR): data was lost on the way to it."
    if refused := case.heard("RTN"):
        yield f"The far machine could not read {refused} of our pages (RTN)."
    asked = case.said("EOP", "MPS", "EOM", "PPS-EOP", "PPS-MPS", "PPS-EOM")
    answered = case.heard("MCF", "RTP", "PIP", "RTN", "PIN", "PPR", "RNR")
    if asked and not answered and not case.heard("DCN"):
        yield f"The far machine answered none of our {asked} questions after the page: it was gone, or unheard."


def page_trouble_here(case: Case) -> Iterator[str]:
    """Pages that we had to ask for again."""
    if repeats := case.said("PPR"):
        yield f"We asked {repeats} times for parts of a page again (PPR): data was lost on the way to us."
    if refused := case.said("RTN"):
        yield f"We could not read {refused} of their pages (RTN)."


def who_hung_up(case: Case) -> Iterator[str]:
    """The BYE."""
    for bye in case.sip:
        if bye.method == "BYE" and bye.status is None and not bye.line.again:
            reason = f" ({bye.reason})" if bye.reason else ""
            yield f"{'We' if bye.sent else f'The peer {bye.line.peer}'} hung up at {bye.line.at:.3f} s{reason}."
            return
    if case.established and case.is_over and not case.delivered:
        yield "No BYE was seen: the call was not ended in order."


def farewell_unheard(case: Case) -> Iterator[str]:
    """What became of our BYE: one that nobody answers leaves a call standing there."""
    byes, answers = case.requests("BYE"), case.answers("BYE")
    if len(byes) >= _BYES_ENOUGH and not answers:
        yield (
            f"The peer {byes[0].line.peer} answered none of our {len(byes)} BYEs: our signalling does not reach it any "
            "more, or its answers do not reach us. It may not know that the call is over, and charge for it."
        )
    if any(answer.status == _NO_SUCH_CALL for answer in answers):
        yield (
            f"The peer {byes[0].line.peer} knew nothing of the call any more when we hung up (481): it had ended it "
            "before, and its own BYE has not reached us."
        )


SIGNS: Sequence[Sign] = (
    trunk_silent,
    call_refused,
    never_answered,
    t38_refused,
    one_way_media,
    bad_network,
    no_fax_machine,
    training_failed,
    training_not_heard,
    far_machine_left,
    page_trouble,
    page_trouble_here,
    who_hung_up,
    farewell_unheard,
)


def _answer(line: SipLine) -> str:
    return line.start.removeprefix("SIP/2.0 ")
