"""The doctor beside a whole daemon: it finds nothing ill, and a test page is explained."""

from pathlib import Path

import pytest

from tests.acceptance.test_control import says
from tests.harness.stage import staged
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(240)


async def test_a_running_gateway_is_examined_and_a_trunk_that_is_gone_is_ill(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, stage.gateway():
        said = await says(stage, "doctor", "--json")
        found = {line["about"]: line for line in said.lines}
        assert found["fax engine"]["health"] == "well"
        assert found["ports"]["words"] == "the gateway runs, and listens"
        assert found["outgoing mail"]["health"] == "well"
        assert found["registration"]["words"] == "trunk default: up"
        assert "answers OPTIONS with" in found["trunk default"]["words"]
        assert not [line for line in said.lines if line["health"] == "ill" and not line["next_step"]]
        assert said.status == int(any(line["health"] == "ill" for line in said.lines))


async def test_a_test_page_that_arrives_is_said_to(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, stage.gateway():
        said = await says(stage, "doctor", "--call", number(Behaviour.OFFERS_T38))
        assert said.status == 0, said
        assert "The test page arrived: every page was confirmed." in said.out


async def test_a_test_page_that_does_not_arrive_is_explained_by_its_trace(tmp_path: Path) -> None:
    wrong = number(Behaviour.UNKNOWN)
    async with staged(tmp_path) as stage, stage.gateway():
        said = await says(stage, "doctor", "--call", wrong)
        assert said.status == 1, said
        assert "refused the call with 404 Not Found" in said.out
        shown = (await says(stage, "show", "1", "--trace")).out
        assert "refused the call with 404 Not Found: no audio and no fax came about." in shown
        assert f"> INVITE sip:{wrong}@" in shown
        assert "404 Not Found  CSeq" in shown


async def test_a_call_in_which_the_fax_was_cut_shows_every_frame_and_no_secret(tmp_path: Path) -> None:
    cut = number(Behaviour.HANGS_UP_IN_PAGE_1)
    async with staged(tmp_path) as stage, stage.gateway():
        said = await says(stage, "doctor", "--call", cut)
        assert said.status == 1, said
        assert "T.30 DIS" in said.out
        assert "T.30 DCS" in said.out
        assert "response=(removed)" in said.out
        assert "packets sent" in said.out


async def test_without_a_gateway_nobody_calls(tmp_path: Path) -> None:
    async with staged(tmp_path, far_end=False) as stage:
        said = await says(stage, "doctor", "--call", "+375172001515")
        assert (said.status, "the gateway does not run" in said.error) == (69, True)
