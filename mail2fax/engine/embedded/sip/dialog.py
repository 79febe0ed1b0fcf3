"""A dialog: who, in which order, by which way (RFC 3261 section 12)."""

from dataclasses import dataclass

from mail2fax.engine.embedded.sip.errors import RemoteProtocolError
from mail2fax.engine.embedded.sip.flow import Flow, Transport
from mail2fax.engine.embedded.sip.headers import Headers
from mail2fax.engine.embedded.sip.message import Message, Request, Response
from mail2fax.engine.embedded.sip.uri import NameAddress, SipUri, parse_addresses, parse_uri
from mail2fax.engine.embedded.sip.via import Via

DialogId = tuple[str, str, str]
"""Call-ID, our tag, their tag."""


@dataclass(slots=True)
class Dialog:
    """The state of one dialog. `local` and `remote` are the From and To of our requests, tags and all.

    `flow` is where the dialog's first message came from: the way when `to_source` is set, and when the next hop has
    a name that only a name service could turn into an address.
    """

    call_id: str
    local: NameAddress
    remote: NameAddress
    target: str
    routes: tuple[str, ...]
    local_cseq: int
    remote_cseq: int | None
    flow: Flow
    to_source: bool = False
    is_caller: bool = True

    @property
    def id(self) -> DialogId:
        return self.call_id, self.local.tag or "", self.remote.tag or ""

    def next_cseq(self) -> int:
        self.local_cseq += 1
        return self.local_cseq

    def is_in_order(self, request: Request) -> bool:
        """Take in the CSeq of a request of theirs; False when it does not rise (12.2.2)."""
        number = request.cseq[0]
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def refresh_target(self, message: Message) -> None:
        """A re-INVITE or its 2xx moves the target, never the route set (12.2)."""
        if target := _target(message):
            self.target = target

    def request(self, method: str, cseq: int, via: Via, fields: tuple[tuple[str, str], ...] = ()) -> Request:
        """A request inside this dialog (12.2.1.1)."""
        uri, routes = self._way()
        headers = (
            ("Via", str(via)),
            ("Max-Forwards", "70"),
            *(("Route", f"<{route}>") for route in routes),
            ("From", str(self.local)),
            ("To", str(self.remote)),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
            *fields,
        )
        return Request(Headers(headers), method=method, uri=uri)

    @property
    def next_hop(self) -> Flow:
        """Where a request of this dialog is sent: the first route, else the target."""
        if self.to_source:
            return self.flow
        first = self.routes[0] if self.routes else self.target
        try:
            return _flow_to(parse_uri(first), self.flow)
        except RemoteProtocolError:
            return self.flow

    def _way(self) -> tuple[str, tuple[str, ...]]:
        """Request-URI and Route: the target by loose routers; a strict router takes the Request-URI's place."""
        if not self.routes or _is_loose(self.routes[0]):
            return self.target, self.routes
        return _as_request_uri(self.routes[0]), (*self.routes[1:], self.target)


def dialog_of_caller(request: Request, response: Response, source: Flow, to_source: bool) -> Dialog:
    """The dialog that a response with a To tag makes for the caller; the route set is turned round (12.1.2)."""
    return Dialog(
        call_id=request.call_id,
        local=request.from_,
        remote=response.to,
        target=_target(response) or request.uri,
        routes=tuple(reversed(_record_route(response))),
        local_cseq=request.cseq[0],
        remote_cseq=None,
        flow=source,
        to_source=to_source,
    )


def dialog_of_called(request: Request, tag: str, source: Flow, to_source: bool) -> Dialog:
    """The dialog that an INVITE makes for the called, with our `tag` in the To (12.1.1)."""
    return Dialog(
        call_id=request.call_id,
        local=request.to.with_tag(tag),
        remote=request.from_,
        target=_target(request) or request.from_.uri,
        routes=_record_route(request),
        local_cseq=0,
        remote_cseq=request.cseq[0],
        flow=source,
        to_source=to_source,
        is_caller=False,
    )


def _target(message: Message) -> str | None:
    return message.contacts[0].uri if message.contacts else None


def _record_route(message: Message) -> tuple[str, ...]:
    """The Record-Route URIs in order; a set with an unreadable one would lead nowhere and counts as none."""
    try:
        return tuple(address.uri for address in parse_addresses(message.headers.lines("Record-Route")))
    except RemoteProtocolError:
        return ()


def _is_loose(route: str) -> bool:
    try:
        return parse_uri(route).is_loose_router
    except RemoteProtocolError:
        return True


def _flow_to(uri: SipUri, flow: Flow) -> Flow:
    """The way to a URI, for a dialog that came by `flow`.

    A URI that names no transport is reached as the dialog was: RFC 3263 4.1 would have UDP, which a neighbour that
    speaks TLS with us does not mean. Over TCP and TLS a neighbour at the same address is the one at the other end of
    the connection, whatever port its URI names: it may be behind a NAT, or not listen at all.
    """
    numeric = uri.numeric_address
    transport = uri.transport or flow.transport
    if numeric is None:
        # Only a name service could tell where it is; whoever sent us this is at the other end of the flow.
        if uri.transport is Transport.TLS is not flow.transport:
            return Flow(Transport.TLS, (flow.address[0], uri.port or transport.default_port), name=uri.host)
        return flow
    host, port = numeric
    if transport is flow.transport and flow.is_reliable and host == flow.address[0]:
        return flow
    return Flow(transport, (host, port or transport.default_port), name=flow.name)


def _as_request_uri(route: str) -> str:
    """A route without what a Request-URI must not have (19.1.1): the method parameter and headers."""
    uri: SipUri = parse_uri(route)
    kept = tuple(pair for pair in uri.parameters if pair[0] != "method")
    return str(SipUri(uri.host, uri.user, uri.port, kept, uri.scheme))
