"""The stage of these tests: two user agents, or one and a far end played by hand, on a virtual clock."""

from mail2fax.engine.embedded.sip.events import SessionEvent
from mail2fax.engine.embedded.sip.flow import Address, udp
from mail2fax.engine.embedded.sip.headers import Headers
from mail2fax.engine.embedded.sip.message import Request, Response, parse_message, respond
from mail2fax.engine.embedded.sip.session import Session
from mail2fax.engine.embedded.sip.settings import Credentials, InviteOrder, UaSettings
from mail2fax.engine.embedded.sip.ua import UserAgent
from tests.harness.sip_pump import Fate, SipPump, arrive_all, seeded

A: Address = ("192.0.2.1", 5060)
B: Address = ("192.0.2.2", 5062)

OFFER = b"v=0\r\ns=offer\r\n"
ANSWER = b"v=0\r\ns=answer\r\n"
T38_OFFER = b"v=0\r\ns=t38 offer\r\n"
T38_ANSWER = b"v=0\r\ns=t38 answer\r\n"

CREDENTIALS = Credentials("office", "secret")


def order(**changes: object) -> InviteOrder:
    """A call from A to B, with the parts that a test wants otherwise."""
    parts: dict[str, object] = {
        "number": "+375172000000",
        "domain": "fax.example",
        "targets": (udp(B),),
        "caller_id": "100",
        "call_id": "call@mail2fax",
        "sdp": OFFER,
    }
    return InviteOrder(**(parts | changes))  # type: ignore[arg-type] # the names are checked by InviteOrder itself


class Duet:
    """A calls B; both are ours."""

    def __init__(self, fate: Fate = arrive_all, b_settings: UaSettings | None = None, seed: int = 1) -> None:
        self.a = UserAgent(UaSettings(*A), seeded(seed))
        self.b = UserAgent(b_settings or UaSettings(*B), seeded(seed + 1))
        self.pump = SipPump({"a": (A, self.a), "b": (B, self.b)}, fate)
        self._called: Session | None = None

    def invite(self, **changes: object) -> Session:
        self.caller = self.a.invite(order(**changes), self.pump.now)
        return self.caller

    @property
    def called(self) -> Session:
        """B's side of the call."""
        if self._called is None:
            [self._called] = self.b.take_incoming()
        return self._called

    def ring(self, now: float) -> None:
        self.called.ring(now)

    def answer(self, now: float) -> None:
        self.called.answer(ANSWER, now)

    def leave(self, now: float) -> None:
        self.called.hang_up(now)

    def establish(self) -> None:
        """Bring the call to where it stands, and forget how."""
        self.invite()
        self.pump.run_until(self.pump.now + 1)
        self.called.answer(ANSWER, self.pump.now)
        self.pump.run_until(self.pump.now + 1)
        self.caller.take_events()
        self.called.take_events()
        self.pump.trace.clear()

    def events(self) -> tuple[list[SessionEvent], list[SessionEvent]]:
        return self.caller.take_events(), self.called.take_events()

    def is_quiet(self) -> bool:
        return self.a.idle and self.b.idle


class Solo:
    """Our user agent at A; the far end at B is played by the test, message by message."""

    def __init__(self, settings: UaSettings | None = None) -> None:
        self.a = UserAgent(settings or UaSettings(*A), seeded(1))
        self.pump = SipPump({"a": (A, self.a), "b": (B, None)})

    def invite(self, **changes: object) -> Session:
        self.caller = self.a.invite(order(**changes), self.pump.now)
        self.wait(0.05)
        return self.caller

    def wait(self, seconds: float) -> None:
        self.pump.run_until(self.pump.now + seconds)

    def sent(self, method: str) -> list[Request]:
        """The requests of this method that A has sent, in order."""
        self.wait(0)
        messages = [parse_message(sent.datagram) for sent in self.pump.trace if sent.source == A]
        return [message for message in messages if isinstance(message, Request) and message.method == method]

    def made(self, method: str) -> list[Request]:
        """The same, what was only repeated left out."""
        return list({request.via.branch: request for request in self.sent(method)}.values())

    def answers(self, method: str) -> list[int]:
        """The status codes A has answered requests of this method with."""
        return [response.status for response in self.responses(method)]

    def responses(self, method: str) -> list[Response]:
        self.wait(0)
        messages = [parse_message(sent.datagram) for sent in self.pump.trace if sent.source == A]
        return [message for message in messages if isinstance(message, Response) and message.cseq[1] == method]

    def answer(
        self,
        request: Request,
        status: int,
        *fields: tuple[str, str],
        tag: str = "far",
        body: bytes = b"",
        source: Address = B,
    ) -> None:
        """Answer a request as the far end; a body is SDP."""
        typed = (("Content-Type", "application/sdp"),) if body else ()
        self.pump.send(bytes(respond(request, status, *typed, *fields, to_tag=tag, body=body)), source, A)
        self.wait(0.05)

    def send(self, request: Request, source: Address = B) -> None:
        self.pump.send(bytes(request), source, A)
        self.wait(0.05)

    def establish(self, *fields: tuple[str, str]) -> Request:
        """Bring a call of ours to where it stands; the INVITE that did it."""
        self.invite()
        [invite] = self.sent("INVITE")
        self.answer(invite, 200, ("Contact", "<sip:far@192.0.2.2:5062>"), *fields, body=ANSWER)
        self.caller.take_events()
        return invite

    def inside(
        self, invite: Request, method: str, cseq: int, *fields: tuple[str, str], body: bytes = b"", branch: str = ""
    ) -> Request:
        """A request of the far end in the dialog that our INVITE made."""
        ours, theirs = str(invite.from_), f"{invite.headers.get('To')};tag=far"
        return self.request(method, cseq, *fields, body=body, branch=branch, call=invite.call_id, to=ours, from_=theirs)

    def request(
        self,
        method: str,
        cseq: int = 1,
        *fields: tuple[str, str],
        body: bytes = b"",
        branch: str = "",
        call: str = "their-call",
        to: str = "<sip:200@192.0.2.1>",
        from_: str = "<sip:far@192.0.2.2>;tag=far",
        uri: str = "sip:200@192.0.2.1",
    ) -> Request:
        """A request of the far end, out of the blue."""
        typed = (("Content-Type", "application/sdp"),) if body else ()
        headers = (
            ("Via", f"SIP/2.0/UDP 192.0.2.2:5062;branch=z9hG4bK{branch or f'{method}{cseq}'};rport"),
            ("Max-Forwards", "70"),
            ("From", from_),
            ("To", to),
            ("Call-ID", call),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", "<sip:far@192.0.2.2:5062>"),
        )
        return Request(Headers((*_without((*headers, *typed), fields), *fields)), body, method=method, uri=uri)


def _without(headers: tuple[tuple[str, str], ...], fields: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """The headers that `fields` do not bring themselves."""
    brought = {name for name, _ in fields}
    return [pair for pair in headers if pair[0] not in brought]
