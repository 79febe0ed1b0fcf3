"""The trunks of an engine that runs: what becomes of registrations when the settings change."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from mail2fax.engine.embedded.desk import TrunkDesk
from mail2fax.engine.embedded.sip.flow import Address, Flow, udp
from mail2fax.engine.embedded.sip.message import Request
from mail2fax.engine.events import TrunkNews
from mail2fax.engine.settings import TrunkSettings
from mail2fax.model.trunk import TrunkCondition
from tests.unit.engine.embedded.sip.scene import B, Solo

C: Address = ("192.0.2.3", 5060)
PROVIDER = TrunkSettings("192.0.2.2", 5062, "office", "secret", domain="fax.example", name="one", registration_s=600)
STEPS = 5
"""Rounds of the loop in which everything that waits for nothing is done."""


class Scene(Solo):
    """A desk that finds every trunk at once. The test plays the registrars, and is told of each REGISTER once."""

    def __init__(self, *trunks: TrunkSettings) -> None:
        super().__init__()
        self.news = TrunkNews()
        self.desk = TrunkDesk(self.a, self._find, lambda: None, self.news, lambda: self.pump.now)
        self._answered = 0
        self.desk.adopt(trunks)

    async def _find(self, trunk: TrunkSettings) -> Sequence[Flow]:
        return (udp((trunk.host, trunk.port)),)

    async def settle(self, seconds: float = 0.05) -> None:
        for _ in range(STEPS):
            await asyncio.sleep(0)
        self.wait(seconds)
        self.desk.look()
        for _ in range(STEPS):
            await asyncio.sleep(0)

    async def new(self) -> list[Request]:
        """The REGISTERs since the last time."""
        await self.settle()
        found = self.made("REGISTER")[self._answered :]
        self._answered += len(found)
        return found

    async def accept(self, request: Request) -> None:
        self.answer(request, 200, ("Expires", request.headers.get("Expires") or ""))
        await self.settle()

    async def registered(self) -> Request:
        [request] = await self.new()
        await self.accept(request)
        return request

    @property
    def standing(self) -> dict[str, TrunkCondition]:
        return {name: state.condition for name, state in self.news.states.items()}


def expires(requests: list[Request]) -> list[str | None]:
    return [request.headers.get("Expires") for request in requests]


async def test_other_settings_of_one_account_take_nothing_back() -> None:
    """Trap: the withdrawal of the old registration came last, and no call came in until the refresh."""
    scene = Scene(PROVIDER)
    first = await scene.registered()
    scene.desk.adopt((replace(PROVIDER, auth_user="another", registration_s=900, options_s=30.0),))
    [second] = await scene.new()
    assert expires([first, second]) == ["600", "900"]
    assert (second.call_id, second.contacts) == (first.call_id, first.contacts)
    assert scene.standing == {"one": TrunkCondition.UP}


async def test_of_several_trunks_at_one_address_each_may_have_called_but_for_an_account_that_is() -> None:
    other = replace(PROVIDER, name="two", user="branch")
    scene = Scene(PROVIDER, other)
    await scene.new()
    source = udp((PROVIDER.host, 5060))
    assert scene.desk.trunks_of(source, "+375172001502") == ("one", "two")
    assert scene.desk.trunks_of(source, "branch") == ("two",)
    assert scene.desk.trunks_of(udp(C), "branch") == ()
    assert scene.desk.is_account(("one", "two"), "branch")
    assert not scene.desk.is_account(("one",), "branch")


async def test_a_trunk_of_another_name_with_the_same_account_takes_nothing_back() -> None:
    scene = Scene(PROVIDER)
    await scene.registered()
    scene.desk.adopt((replace(PROVIDER, name="two"),))
    assert expires(await scene.new()) == ["600"]
    assert scene.standing == {"two": TrunkCondition.UP}


async def test_of_two_trunks_with_one_account_the_one_that_goes_leaves_it_registered() -> None:
    scene = Scene(PROVIDER, replace(PROVIDER, name="two"))
    for request in await scene.new():
        await scene.accept(request)
    scene.desk.adopt((PROVIDER,))
    assert await scene.new() == []


async def test_an_account_at_another_server_waits_until_the_old_one_has_answered() -> None:
    scene = Scene(PROVIDER)
    await scene.registered()
    scene.desk.adopt((replace(PROVIDER, host=C[0], port=C[1]),))
    [farewell] = await scene.new()
    assert expires([farewell]) == ["0"]
    await scene.settle(5)
    assert await scene.new() == []
    assert scene.standing == {"one": TrunkCondition.REGISTERING}
    await scene.accept(farewell)
    assert expires(await scene.new()) == ["600"]
    assert [sent.destination for sent in scene.pump.trace if "REGISTER" in sent.label][-1] == C


async def test_an_old_server_that_is_dead_holds_the_new_one_up_for_half_a_minute_at_most() -> None:
    scene = Scene(PROVIDER)
    await scene.registered()
    scene.desk.adopt((replace(PROVIDER, host=C[0], port=C[1]),))
    assert expires(await scene.new()) == ["0"]
    await scene.settle(33)
    assert expires(await scene.new()) == ["600"]


async def test_another_account_waits_for_nobody() -> None:
    scene = Scene(PROVIDER)
    await scene.registered()
    scene.desk.adopt((replace(PROVIDER, user="another"),))
    assert sorted(map(str, expires(await scene.new()))) == ["0", "600"]


async def test_a_trunk_that_is_gone_is_taken_back_at_its_own_server() -> None:
    scene = Scene(PROVIDER)
    await scene.registered()
    scene.desk.adopt(())
    assert expires(await scene.new()) == ["0"]
    assert scene.standing == {}
    assert [sent.destination for sent in scene.pump.trace][-1] == B
