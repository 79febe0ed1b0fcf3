"""A call of ours, from the INVITE to the answer: ringing, forks, the ring limit, CANCEL (RFC 3261 sections 9, 13.2)."""

from mail2fax.engine.embedded.sip.core import ACCEPT, ALLOW, SDP, SUPPORTED, SUPPORTED_TIMELESS, Core
from mail2fax.engine.embedded.sip.dialog import dialog_of_caller
from mail2fax.engine.embedded.sip.digest import Authenticator
from mail2fax.engine.embedded.sip.early import EarlyLeg
from mail2fax.engine.embedded.sip.events import OfferReceived, Progress, q850_cause
from mail2fax.engine.embedded.sip.expiry import wish
from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.headers import Headers
from mail2fax.engine.embedded.sip.invitation import Invitation
from mail2fax.engine.embedded.sip.leg import Leg, LegUser
from mail2fax.engine.embedded.sip.message import Request, Response
from mail2fax.engine.embedded.sip.session import ENDS, Session
from mail2fax.engine.embedded.sip.settings import InviteOrder
from mail2fax.engine.embedded.sip.transaction import ServerTransaction, Silence
from mail2fax.engine.embedded.sip.uri import NameAddress, escape_user
from mail2fax.model.call import EndedBy

_TRYING = 100
_REQUEST_TERMINATED = 487
# More far ends than any trunk rings at once; what comes beyond is noise, and is not remembered.
_MOST_FORKS = 32


class OutgoingSession(Session):
    """A call that we place. The first 2xx is the call; those of other forks are acknowledged and hung up."""

    def __init__(self, core: Core, order: InviteOrder, now: float) -> None:
        super().__init__(core, order.call_id, order.number, order.caller_id)
        self._order = order
        self._cseq = 1
        self._authenticator = Authenticator(order.credentials, core.layer.random)
        self._early_sdp: dict[str, bytes] = {}
        self._early: dict[str, EarlyLeg] = {}
        self._early_offer: tuple[EarlyLeg, ServerTransaction] | None = None
        self._local_sdp = order.sdp
        self._legs: dict[str, Leg] = {}
        self._leaves_by: EndedBy | None = None
        self._reason: str | None = None
        self._heard = False
        self._invitation = Invitation(
            core.layer,
            self._invite(order.targets[0]),
            order.targets,
            self._authenticator,
            self._next_cseq,
            self,
            now,
            udp_only=order.udp_only,
        )
        self._ring_limit = core.layer.timers.at(now + order.ring_limit_s, self._rang_too_long)

    @property
    def flow(self) -> Flow:
        return self._invitation.flow if self._leg is None else self._leg.flow

    def hang_up(self, now: float, reason: str | None = None) -> None:
        if self._leg is not None:
            self._leg.hang_up(now, reason)
        elif not self._ended:
            self._leave(EndedBy.US, now, reason)

    # What the invitation tells

    def on_progress(self, response: Response, source: Flow, now: float) -> None:
        """RFC 3261 13.2.2.1: one early dialog for each To tag."""
        self._heard = True
        if response.status == _TRYING:
            return
        early = self._early_leg(response, source)
        if early is not None and not early.hear(response, now):
            return
        if response.sdp is not None and (early is not None or response.to.tag is None):
            self._early_sdp[response.to.tag or ""] = response.sdp
        self._events.append(Progress(response.status, response.sdp))

    def on_success(self, response: Response, source: Flow, now: float) -> None:
        tag = response.to.tag or ""
        if tag in self._legs:
            self._legs[tag].acknowledge(self._invitation.request)
        elif self._leg is None and not self._ended:
            self._begin(response, source, now)
        elif len(self._legs) < _MOST_FORKS:
            # 13.2.2.4: another fork has answered too; or a target that was left behind, after the call had failed.
            self._make_leg(response, source, _Nobody()).hang_up(now)

    def on_early_offer(self, early: EarlyLeg, offer: ServerTransaction, now: float) -> None:
        """RFC 3311: the far end describes itself anew while it rings."""
        if self._early_offer is not None or self._leaves_by is not None:
            self._core.refuse_meanwhile(offer, now)
            return
        self._early_offer = early, offer
        self._events.append(OfferReceived(offer.request.sdp or b""))

    def accept_offer(self, sdp: bytes, now: float) -> bool:
        if self._early_offer is None:
            return super().accept_offer(sdp, now)
        (early, offer), self._early_offer = self._early_offer, None
        early.accept(offer, sdp, now)
        self._local_sdp = sdp
        self._early_sdp[early.tag] = offer.request.sdp or b""
        return True

    def refuse_offer(self, code: int, now: float) -> bool:
        if self._early_offer is None:
            return super().refuse_offer(code, now)
        (_, offer), self._early_offer = self._early_offer, None
        self._core.answer(offer, code, now)
        return True

    def on_failure(self, failure: Response | Silence, now: float) -> None:
        self._ring_limit.cancel()
        self._leave_early(now)
        if isinstance(failure, Response):
            # The far end has said nothing where 487 is the answer to a CANCEL that a broken connection made us send.
            if self._leaves_by is not EndedBy.UNREACHABLE or failure.status != _REQUEST_TERMINATED:
                self._final = failure
            self._end(self._leaves_by or EndedBy.FAR_END, q850_cause(failure))
        elif self._heard and self._leaves_by is not None:
            self._end(self._leaves_by)
        else:
            self._end(ENDS[failure])  # also where we gave up sooner: nobody was there to ring

    def on_connection_lost(self, now: float) -> None:
        """The far end may still ring: a CANCEL by another connection stops it, or finds that it cannot be reached."""
        self._leave(EndedBy.UNREACHABLE, now, None)

    def on_over(self, by: EndedBy, q850: int | None) -> None:
        # A 2xx that crossed our CANCEL was hung up for the reason of the CANCEL.
        super().on_over(self._leaves_by or by, q850)

    def _begin(self, response: Response, source: Flow, now: float) -> None:
        """The call stands, unless we have given it up meanwhile: then the 2xx has crossed our CANCEL."""
        self._ring_limit.cancel()
        self._final = response
        self._leave_early(now)
        self._leg = self._make_leg(response, source, self)
        self._leg.begin(self._invitation.request, response, now)
        if self._leaves_by is not None:
            self._leg.hang_up(now, self._reason)
            return
        # Some repeat in the 2xx nothing of what they said in a 183.
        self.on_confirmed(response.sdp or self._early_sdp.get(response.to.tag or ""))

    def _make_leg(self, response: Response, source: Flow, user: LegUser) -> Leg:
        invite = self._invitation.request
        early = self._early.get(response.to.tag or "")
        if early is None:
            dialog = dialog_of_caller(invite, response, source, self._order.to_source)
        else:
            dialog = early.confirm(invite, response, source)
        leg = Leg(
            self._core,
            dialog,
            self._authenticator,
            user,
            self._contact,
            self._local_sdp,
            udp_only=self._order.udp_only,
        )
        self._legs[response.to.tag or ""] = leg
        leg.acknowledge(invite)
        return leg

    @property
    def _contact(self) -> tuple[str, str]:
        """As the INVITE has it, which may have gone to another target by another transport."""
        return "Contact", self._invitation.request.headers.get("Contact") or ""

    def _early_leg(self, response: Response, source: Flow) -> EarlyLeg | None:
        tag = response.to.tag
        if tag and tag not in self._early and len(self._early) < _MOST_FORKS and self._leg is None:
            dialog = dialog_of_caller(self._invitation.request, response, source, self._order.to_source)
            self._early[tag] = EarlyLeg(self._core, dialog, self._authenticator, self._contact, self)
        return self._early.get(tag or "")

    def _leave_early(self, now: float) -> None:
        """The call is answered, or over: what is said in its early dialogs no longer matters."""
        self.refuse_offer(487, now)
        for early in self._early.values():
            early.leave()

    def _rang_too_long(self, now: float) -> None:
        self._leave(EndedBy.RING_LIMIT, now, None)

    def _leave(self, by: EndedBy, now: float, reason: str | None) -> None:
        if self._leaves_by is None:
            self._leaves_by, self._reason = by, reason
            self._ring_limit.cancel()
            self._invitation.cancel(now)

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    def _invite(self, flow: Flow) -> Request:
        order, core = self._order, self._core
        uri = f"sip:{escape_user(order.number)}@{order.domain}"
        own = f"sip:{escape_user(order.caller_id)}@{order.from_domain or core.settings.host}"
        expires_s = core.settings.session_expires_s if order.session_expires_s is None else order.session_expires_s
        caller = NameAddress(own, order.display_name).with_tag(core.layer.new_tag())
        headers = (
            ("Via", str(core.layer.new_via(flow))),
            ("Max-Forwards", "70"),
            ("From", str(caller)),
            ("To", f"<{uri}>"),
            ("Call-ID", order.call_id),
            ("CSeq", f"{self._cseq} INVITE"),
            core.contact(order.caller_id, flow),
            ALLOW,
            SUPPORTED if order.session_expires_s != 0 else SUPPORTED_TIMELESS,
            ACCEPT,
            core.user_agent,
            *(wish(expires_s) if expires_s else ()),
            *order.extra_headers,
            SDP,
        )
        return Request(Headers(headers), order.sdp, method="INVITE", uri=uri)


class _Nobody:
    """Nobody waits for what becomes of a surplus fork."""

    def on_confirmed(self, sdp: bytes | None) -> None:
        return

    def on_offer(self, sdp: bytes) -> None:
        return

    def on_offer_answered(self, sdp: bytes) -> None:
        return

    def on_offer_refused(self, code: int) -> None:
        return

    def on_over(self, by: EndedBy, q850: int | None) -> None:
        return
