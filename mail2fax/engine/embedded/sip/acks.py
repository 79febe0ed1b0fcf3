"""Our ACKs to a 2xx: not part of the INVITE's transaction, and repeated as often as the 2xx is (RFC 3261 13.2.2.4)."""

from dataclasses import dataclass

from mail2fax.engine.embedded.sip.dialog import Dialog
from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.layer import TransactionLayer
from mail2fax.engine.embedded.sip.message import Request

_CREDENTIALS = frozenset({"Authorization", "Proxy-Authorization"})


@dataclass(frozen=True, slots=True)
class _Repeatable:
    datagram: bytes
    destination: Flow


class Acks:
    """The ACKs of one dialog, by the CSeq of the INVITE that each belongs to."""

    def __init__(self, layer: TransactionLayer, dialog: Dialog) -> None:
        self._layer = layer
        self._dialog = dialog
        self._sent: dict[int, _Repeatable] = {}

    def send(self, invite: Request) -> None:
        """A new branch, the dialog's route, the INVITE's CSeq and credentials; for one INVITE the same bytes always."""
        number = invite.cseq[0]
        if number not in self._sent:
            self._sent[number] = self._made(number, invite)
        ack = self._sent[number]
        self._layer.send(ack.datagram, ack.destination)

    def _made(self, number: int, invite: Request) -> _Repeatable:
        credentials = [pair for pair in invite.headers.fields if pair[0] in _CREDENTIALS]
        flow = self._dialog.next_hop
        ack = self._dialog.request("ACK", number, self._layer.new_via(flow), tuple(credentials))
        return _Repeatable(bytes(ack), flow)
