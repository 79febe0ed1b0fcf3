"""The trunks of an engine: found in the network, registered where they want it, and known when they call.

It waits for nothing itself: look-ups run as tasks of its own, and `look` is called after whatever the user agent did.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

import structlog

from mail2fax.engine.embedded.sip.errors import LocalProtocolError
from mail2fax.engine.embedded.sip.flow import Flow
from mail2fax.engine.embedded.sip.options import Watch
from mail2fax.engine.embedded.sip.register import RegisterOrder, Registration, Standing
from mail2fax.engine.embedded.sip.settings import Credentials
from mail2fax.engine.embedded.sip.ua import UserAgent
from mail2fax.engine.events import TrunkNews
from mail2fax.engine.interface import EngineUnavailable
from mail2fax.engine.settings import Identity, TrunkSettings
from mail2fax.model.trunk import TrunkCondition, TrunkState

log = structlog.get_logger()

LOOK_UP_AGAIN_S, LOOK_UP_SOON_S = 300.0, 30.0
"""How long we rely on the address of a trunk, and how soon one that was not found is looked for again."""

Find = Callable[[TrunkSettings], Awaitable[Sequence[Flow]]]
"""Where a trunk is in the network; raises `EngineUnavailable`."""

_CONDITIONS = {
    Standing.TRYING: TrunkCondition.REGISTERING,
    Standing.REGISTERED: TrunkCondition.UP,
    Standing.FAILED: TrunkCondition.DOWN,
    Standing.REFUSED: TrunkCondition.LOGIN_REFUSED,
}


@dataclass(slots=True)
class _Desk:
    """What is known of one trunk. `lost` says why it is not to be found, `silent` why it counts as unreachable."""

    settings: TrunkSettings
    networks: tuple[IPv4Network | IPv6Network, ...]
    registration: Registration | None = None
    watch: Watch | None = None
    registering: asyncio.Task[None] | None = None
    behind: tuple[asyncio.Task[None], ...] = ()
    """Withdrawals of its address that must be over before it registers."""
    finding: asyncio.Task[None] | None = None
    hosts: frozenset[str] = field(default_factory=frozenset)
    lost: str = ""
    silent: str = ""


class TrunkDesk:
    """Every trunk of an engine. `find` looks one up, `flush` sends what the user agent has to say, `news` is told of
    each change, and `clock` gives the loop's seconds."""

    def __init__(
        self, agent: UserAgent, find: Find, flush: Callable[[], None], news: TrunkNews, clock: Callable[[], float]
    ) -> None:
        self._agent = agent
        self._find = find
        self._flush = flush
        self._news = news
        self._clock = clock
        self._desks: dict[str, _Desk] = {}
        self._leaving: dict[asyncio.Task[None], str] = {}
        """Withdrawals under way, each with the address that it is of."""

    def adopt(self, trunks: Sequence[TrunkSettings]) -> None:
        """These are the trunks from now on. What has not changed stays registered, an account with other settings goes
        on by them, and what is gone is taken back."""
        old = self._desks
        kept = {each.name: old.pop(each.name) for each in trunks if _is_kept(old.get(each.name), each)}
        staying = self._close_all(old.values(), {_account_of(each) for each in trunks if each.registration_s})
        for name in old.keys() - {each.name for each in trunks}:
            self._news.states.pop(name, None)
        self._desks = {}
        for settings in trunks:
            if desk := kept.get(settings.name):
                desk.settings, desk.networks = settings, _networks(settings)
            else:
                desk = self._open(settings, staying.pop(_account_of(settings), None))
            self._desks[settings.name] = desk
        self.look()

    def look(self) -> None:
        """Sees to registrations that are due. To be called when the user agent has heard something, or a timer ran."""
        for desk in self._desks.values():
            is_free = all(task.done() for task in (desk.registering, *desk.behind) if task)
            if desk.registration and desk.registration.is_due and is_free:
                desk.registering = _task(self._register(desk, desk.registration))

    def obstacle(self, name: str) -> str:
        """Why no call can go over this trunk now; "" when one can."""
        state = self._news.states.get(name)
        return "" if state is None or state.is_up else state.reason or state.condition.value

    def trunks_of(self, source: Flow, called: str) -> tuple[str, ...]:
        """The trunks that a request for `called` from there may have come by: of several at one address only the one
        whose account is called, if it is. () for a stranger."""
        found = [desk.settings for desk in self._desks.values() if _is_from(desk, source)]
        called_by_account = [trunk for trunk in found if trunk.user and trunk.user == called]
        return tuple(trunk.name for trunk in called_by_account or found)

    def is_account(self, trunks: Collection[str], called: str) -> bool:
        """Whether `called` is our account at one of these: the user of the Contact that we have registered there."""
        return any(desk.settings.user == called for name, desk in self._desks.items() if name in trunks)

    async def close(self, limit_s: float) -> None:
        """Takes every registration back, and waits for that at most so long."""
        for desk in self._desks.values():
            self._leave(desk)
        self._desks.clear()
        leaving = set(self._leaving)
        if leaving:
            _, late = await asyncio.wait(leaving, timeout=limit_s)
            for task in late:
                task.cancel()

    def _close_all(self, desks: Iterable[_Desk], wanted: Collection["_Account"]) -> dict["_Account", Registration]:
        """Leaves these desks; the registrations of accounts that are `wanted` on are not taken back."""
        staying: dict[_Account, Registration] = {}
        for desk in desks:
            account = _account_of(desk.settings)
            if desk.registration and account in wanted:
                desk.registration.stop()
                staying[account], desk.registration = desk.registration, None
            self._leave(desk)
        return staying

    def _open(self, settings: TrunkSettings, registration: Registration | None = None) -> _Desk:
        """`registration` is what there is already of this account."""
        desk = _Desk(settings, _networks(settings))
        if settings.registration_s is not None:
            order, tell = _order(settings), lambda _: self._told(desk)
            if registration is None:
                desk.registration = self._agent.register(order, tell)
            else:
                desk.registration = registration
                registration.go_on(order, tell)
            # At the registrar, a withdrawal that comes last takes the new registration back.
            address = _address_of(settings)
            desk.behind = tuple(task for task, leaving in self._leaving.items() if leaving == address)
        if settings.options_s:
            desk.watch = self._agent.watch(
                settings.authority, settings.options_s, lambda said: self._watched(desk, said)
            )
        desk.finding = _task(self._keep_finding(desk))
        self._tell(desk)
        return desk

    def _leave(self, desk: _Desk) -> None:
        for task in (desk.registering, desk.finding):
            if task:
                task.cancel()
        if desk.watch:
            desk.watch.stop()
        if desk.registration:
            left = asyncio.Event()
            waiting = _task(_heard(left))
            self._leaving[waiting] = _address_of(desk.settings)
            waiting.add_done_callback(self._left)
            desk.registration.withdraw(self._clock(), left.set)
            self._flush()

    def _left(self, withdrawal: asyncio.Task[None]) -> None:
        del self._leaving[withdrawal]
        self.look()

    async def _register(self, desk: _Desk, registration: Registration) -> None:
        """One look-up, and one REGISTER to what it found."""
        try:
            targets = await self._find(desk.settings)
            registration.send(targets, self._clock())
        except (EngineUnavailable, LocalProtocolError) as error:
            registration.not_found(str(error), self._clock())
        else:
            self._found(desk, targets)
        self._flush()

    async def _keep_finding(self, desk: _Desk) -> None:
        """Knows where a trunk is before it calls or is called, and says so when it is nowhere."""
        while True:
            try:
                self._found(desk, await self._find(desk.settings))
            except EngineUnavailable as error:
                desk.lost = str(error)
                self._tell(desk)
            await asyncio.sleep(LOOK_UP_SOON_S if desk.lost else LOOK_UP_AGAIN_S)

    def _found(self, desk: _Desk, targets: Sequence[Flow]) -> None:
        desk.hosts, desk.lost = frozenset(flow.address[0] for flow in targets), ""
        if desk.watch:
            desk.watch.aim(targets, self._clock())
            self._flush()
        self._tell(desk)

    def _watched(self, desk: _Desk, said: str) -> None:
        """A trunk was asked whether it is there: it is, or `said` is why it counts as unreachable."""
        desk.silent = said
        self._told(desk)

    def _told(self, desk: _Desk) -> None:
        # A registration that was taken back says nothing any more; neither may its desk.
        if self._desks.get(desk.settings.name) is desk:
            self._tell(desk)

    def _tell(self, desk: _Desk) -> None:
        self._news.put(_state_of(desk))


def _state_of(desk: _Desk) -> TrunkState:
    """How a trunk stands: what is the matter first, the registration before what a look-up or an OPTIONS said."""
    name, trouble = desk.settings.name, desk.lost or desk.silent
    if desk.registration is None:
        return TrunkState(name, TrunkCondition.DOWN if trouble else TrunkCondition.UP, trouble)
    now = desk.registration.now
    is_registered = now.standing is Standing.REGISTERED
    if is_registered and desk.silent:
        return TrunkState(name, TrunkCondition.DOWN, desk.silent, is_registered)
    return TrunkState(name, _CONDITIONS[now.standing], now.reason, is_registered)


def _order(trunk: TrunkSettings) -> RegisterOrder:
    return RegisterOrder(
        registrar=trunk.domain or trunk.authority,
        user=trunk.user,
        domain=trunk.from_domain,
        interval_s=trunk.registration_s or 0,
        credentials=credentials_of(trunk),
    )


def credentials_of(trunk: TrunkSettings) -> Credentials | None:
    """What answers the challenges of a trunk; None where it knows us by our address."""
    return Credentials(trunk.auth_user or trunk.user, trunk.password) if trunk.user else None


_Account = tuple[object, ...]


def _account_of(trunk: TrunkSettings) -> _Account:
    """Two trunks that are the same in this have one registrar, one address there, and one Contact."""
    return trunk.host, trunk.port, trunk.transport, _address_of(trunk)


def _address_of(trunk: TrunkSettings) -> str:
    """The address of record that is registered."""
    return f"{trunk.user}@{trunk.from_domain.lower()}"


def _is_kept(desk: _Desk | None, trunk: TrunkSettings) -> bool:
    return desk is not None and _place_of(desk.settings) == _place_of(trunk)


def _place_of(trunk: TrunkSettings) -> TrunkSettings:
    """What of a trunk cannot change without registering anew: all but what concerns single calls."""
    return replace(
        trunk,
        from_user="",
        identity=Identity.NONE,
        hide_caller=False,
        addresses=(),
        codecs=(),
        offer_after_s=0.0,
        ptime_ms=0,
        session_expires_s=0,
        quirks=(),
    )


def _networks(trunk: TrunkSettings) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(address) for address in trunk.addresses)


def _is_from(desk: _Desk, source: Flow) -> bool:
    host = source.address[0]
    registrar = desk.registration.flow.address[0] if desk.registration and desk.registration.flow else None
    if host == registrar or host in desk.hosts:
        return True
    address = ip_address(host.partition("%")[0])
    return any(address in network for network in desk.networks)


async def _heard(event: asyncio.Event) -> None:
    await event.wait()


def _task(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    task.add_done_callback(_say_when_failed)
    return task


def _say_when_failed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("trunk not seen to any more", exc_info=error)
