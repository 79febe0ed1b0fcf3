"""The API as its text has it: a client written from that text alone, the daemon as a process, a real fax at the end."""

import asyncio
import http.client
import json
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from mail2fax.jobs.reading import JobReader
from mail2fax.model.job import Job
from mail2fax.store import Reader
from tests.acceptance.test_control import says
from tests.harness.documents import assert_received, write_fax_tiff
from tests.harness.logged import LoggedProcess
from tests.harness.pictures import difference
from tests.harness.stage import Sections, Stage, staged
from tests.harness.voices import correlation, speech
from tests.harness.web import Answer, Client, form_of, form_type
from tests.peers.behaviours import Behaviour, number

pytestmark = pytest.mark.timeout(180)

CALLED = number(Behaviour.OFFERS_T38)
LISTENER = number(Behaviour.LISTENS)
EXAMPLE = """
{
 "action":"sendfax",
 "recipient": 375291554499,
 "voiceDocumentSID":"002.mp3"
 "terminalId": 301
 "attachment":"123123.tif"
 }
"""
"""The text's own example, its missing commas with it."""

OPEN: Sections = {
    "api": {"listen": "127.0.0.1", "port": 0, "wait_s": 60, "stall_s": 3},
    "terminal": {
        "caller_id": "+375172001500",
        "station_id": "+375 17 200 15 00",
        "named": [
            {"name": "301", "number": "+375172001530", "station_id": "+375 17 200 15 30", "header": "Office"},
            {"name": "shop", "domain": "tenant", "number": "+375172001600"},
        ],
    },
    "domain": {"named": [{"name": "tenant", "terminal": "shop"}]},
    "retry": {"busy_min": [60]},
}


class House:
    """The running gateway, with a client of its API."""

    def __init__(self, stage: Stage, gateway: LoggedProcess, port: int) -> None:
        self.stage = stage
        self.gateway = gateway
        self.port = port

    async def client(self, *words: str) -> Client:
        """A client with a token of its own, made as an admin makes it."""
        said = await says(self.stage, "token", "create", "crm", *words)
        assert said.status == 0, said
        return Client(self.port, said.out.strip())

    async def jobs(self) -> tuple[Job, ...]:
        reader = await Reader.open(self.stage.directory / "data" / "mail2fax.db")
        try:
            return await JobReader(reader).list()
        finally:
            await reader.close()


@asynccontextmanager
async def open_house(directory: Path, overrides: Mapping[str, object] | None = None) -> AsyncIterator[House]:
    sections = {**OPEN, "api": {**OPEN["api"], **(overrides or {})}}
    async with staged(directory, sections) as stage, stage.gateway() as gateway:
        yield House(stage, gateway, (await gateway.tells("api door open"))["port"])


def page(directory: Path, name: str = "123123.tif", rows: int = 160) -> Path:
    return write_fax_tiff(directory / name, 1, rows)


async def test_the_examples_of_the_text_upload_a_file_and_fax_it(tmp_path: Path) -> None:
    tiff = page(tmp_path)
    async with open_house(tmp_path) as house:
        client = await house.client()
        voice = speech(3.0)
        uploaded = await client.upload(tiff, ("002.mp3", voice))
        assert uploaded.json == {
            "resultcode": 0,
            "resultmsg": "OK",
            "data": {"upload": [{"name": "123123.tif", "res": "ok"}, {"name": "002.mp3", "res": "ok"}]},
        }
        listed = (await client.get("/files/list")).json
        assert listed["data"] == {"files": [{"file": {"name": "002.mp3"}}, {"file": {"name": "123123.tif"}}]}
        downloaded = await client.get("/files/download?file=123123.tif")
        assert (downloaded.content, downloaded.headers["content-type"]) == (tiff.read_bytes(), "image/tiff")
        assert "attachment" in downloaded.headers["content-disposition"]

        ordering = asyncio.create_task(client.act(EXAMPLE.replace("375291554499", LISTENER.removeprefix("+"))))
        await house.gateway.tells("api fax ordered")
        # The fax has a voice of its own by now.
        assert (await client.get("/files/delete?file=002.mp3")).json == {"resultcode": 0, "resultmsg": "OK"}
        answer = await ordering
        assert answer.status == 200
        sent = answer.json
        assert {key: sent[key] for key in ("sip_code", "success", "error", "status")} == {
            "sip_code": "200",
            "success": "true",
            "error": "null",
            "status": "sent",
        }
        (job,) = await house.jobs()
        assert (sent["id"], job.submission.door) == (job.uuid, "api")
        (call,) = house.stage.calls_to(LISTENER)
        assert correlation(voice, house.stage.received(call["call_id"]).with_suffix(".alaw").read_bytes()) > 0.95
        assert call["caller"] == "+375172001530", "the terminal that was asked for"
        assert difference(tiff, house.stage.received(call["call_id"])) == ""
        assert (await client.get(f"/faxes/{sent['id']}")).json == sent
        (past,) = (await client.act({"action": "history", "type": "outgoing"})).json["data"]
        document = await Client(house.port).get_at("/" + past["url"].split("/", 3)[3])
        (tmp_path / "transmitted.tiff").write_bytes(document.content)
        assert_received(tmp_path / "transmitted.tiff", 1, 160)
        assert house.stage.replies == [], "a program has its answer, and no mail address"

        path = (await says(house.stage, "path", "default", "tokens/123123.tif")).out.strip()
        assert path == str(tmp_path / "data" / "domains" / "default" / "data" / "tokens" / tiff.name)
        assert client.token not in house.gateway.text
        assert client.token not in (tmp_path / "data" / "mail2fax.db").read_bytes().decode("latin-1")
        house.gateway.send(signal.SIGTERM)
        assert await house.gateway.ended() == 0


async def test_the_two_errors_of_the_text_are_told_in_its_words(tmp_path: Path) -> None:
    tiff = page(tmp_path)
    async with open_house(tmp_path) as house:
        client = await house.client()
        missing = await client.act({"action": "sendfax", "recipient": CALLED, "attachment": "gone.tif"})
        assert (missing.status, missing.json["error"], missing.json["code"]) == (
            404,
            "файл не найден",
            "file-not-found",
        )
        text_has = ("sip_code", "sip", "success", "status")
        assert [missing.json[field] for field in text_has] == ["null", "null", "false", "rejected"]
        await client.upload(tiff)
        abroad = await client.act({"action": "sendfax", "recipient": "+4922112345", "attachment": tiff.name})
        assert (abroad.status, abroad.json["error"], abroad.json["status"]) == (
            200,
            "номер не соответствует маске",
            "rejected",
        )
        assert (abroad.json["success"], abroad.json["code"]) == ("false", "number-not-allowed")
        voice = await client.act(
            {"action": "sendfax", "recipient": CALLED, "attachment": tiff.name, "voiceDocumentSID": "002.mp3"}
        )
        assert (voice.status, voice.json["code"]) == (404, "file-not-found")
        await client.upload(("002.mp3", b"not music"))
        broken = await client.act(
            {"action": "sendfax", "recipient": CALLED, "attachment": tiff.name, "voiceDocumentSID": "002.mp3"}
        )
        assert (broken.status, broken.json["code"]) == (400, "voice")
        assert house.stage.far_end.told("call") == []


async def test_what_is_accepted_is_faxed_through_every_door_and_named_by_every_refusal(tmp_path: Path) -> None:
    """A PDF and a PNG by the API, the command line and mail; what is neither is refused with what would be taken."""
    letter, text = Image.new("1", (1728, 160), 1), b"a letter, written as a text"
    letter.paste(0, (200, 50, 900, 90))
    letter.save(tmp_path / "a.pdf", resolution=204)
    letter.save(tmp_path / "a.png", dpi=(204, 196))
    (tmp_path / "a.txt").write_bytes(text)
    accept = {"document": {"accept": ["tiff", "pdf", "png"]}}
    async with staged(tmp_path, {**OPEN, **accept}) as stage, stage.gateway() as gateway:
        house = House(stage, gateway, (await gateway.tells("api door open"))["port"])
        client = await house.client()
        await client.upload(tmp_path / "a.pdf", ("a.txt", text))
        by_api, by_hand = await asyncio.gather(
            client.act({"action": "sendfax", "recipient": CALLED, "attachment": "a.pdf"}),
            says(stage, "send", str(tmp_path / "a.png"), number(Behaviour.TAKES_T38)),
        )
        assert (by_api.json["status"], by_hand.status) == ("sent", 0), (by_api.json, by_hand)
        refused = await client.act({"action": "sendfax", "recipient": CALLED, "attachment": "a.txt"})
        assert refused.json["code"] == "attachment-broken"
        assert "its contents are not those of a TIFF, PDF or PNG" in refused.json["error"]
        by_hand = await says(stage, "send", str(tmp_path / "a.txt"), CALLED)
        assert "its contents are not those of a TIFF, PDF or PNG" in by_hand.out
        assert len(stage.far_end.told("call")) == 2


async def test_a_client_that_goes_away_and_asks_again_gets_the_result_of_the_one_fax(tmp_path: Path) -> None:
    tiff = page(tmp_path)
    order = {"action": "sendfax", "recipient": int(CALLED.removeprefix("+")), "attachment": tiff.name}
    async with open_house(tmp_path) as house:
        client = await house.client()
        await client.upload(tiff)
        body = json.dumps(order).encode()
        with socket.create_connection(("127.0.0.1", house.port)) as leaving:
            head = f"POST /api/token/v1/{client.token} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            leaving.sendall(head.encode() + body)
            await house.gateway.tells("api fax ordered")
        # Another document of the same name changes nothing for the fax on its way.
        await client.upload((tiff.name, write_fax_tiff(tmp_path / "other.tif", 1, 500).read_bytes()))
        await client.upload(tiff)
        again = await client.act({**order, "recipient": CALLED.removeprefix("+")})
        assert (again.json["status"], again.json["success"]) == ("sent", "true")
        assert (await client.act(order)).json == again.json, "and for ten minutes afterwards"
        assert len(house.stage.calls_to(CALLED)) == 1
        other = await client.act({**order, "wait": "false"}, Idempotency_Key="order 2")
        assert (other.json["status"], other.json["id"] != again.json["id"]) == ("queued", True)
        repeated = await client.act({**order, "wait": False}, Idempotency_Key="order 2")
        assert repeated.json["id"] == other.json["id"]
        misused = await client.act({**order, "recipient": CALLED + "1"}, Idempotency_Key="order 2")
        assert (misused.status, misused.json["code"]) == (422, "key-reused")
        assert len(await house.jobs()) == 2


async def test_a_fax_that_waits_is_told_as_it_stands_and_can_be_withdrawn(tmp_path: Path) -> None:
    tiff, busy = page(tmp_path), number(Behaviour.BUSY)
    order = {"action": "sendfax", "recipient": busy, "attachment": tiff.name}
    async with open_house(tmp_path, {"wait_s": 3}) as house:
        client = await house.client()
        stranger = await house.client("--domain", "tenant")
        await client.upload(tiff)
        waiting = (await client.act(order)).json
        assert (waiting["status"], waiting["sip_code"], waiting["error"]) == ("sleeping", "486", "null")
        assert (await stranger.get(f"/faxes/{waiting['id']}")).status == 404
        assert (await stranger.ask("POST", f"/faxes/{waiting['id']}/cancel")).status == 404
        cancelled = await client.ask("POST", f"/faxes/{waiting['id']}/cancel")
        assert (cancelled.json["status"], cancelled.json["code"]) == ("cancelled", "cancelled")
        assert (await client.ask("POST", f"/faxes/{waiting['id']}/cancel")).status == 409
        assert (await stranger.act(order)).json["code"] == "file-not-found", "files belong to a domain"
        assert (await stranger.upload(tiff)).status == 200
        assert (await stranger.act({**order, "terminalId": 301})).json["code"] == "terminal-unknown"


async def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(tmp_path: Path) -> None:
    async with open_house(tmp_path, {"max_failures_per_address": 5}) as house:
        revoked, short = await house.client(), await house.client("--days", "0.0001", "--scope", "files")
        reader = await house.client("--scope", "files", "--rate", "120")
        assert (await says(house.stage, "token", "revoke", "1")).out == "token 1 (crm) is revoked\n"
        listed = (await says(house.stage, "token", "list")).out
        assert ("revoked" in listed, revoked.token in listed, "120/min" in listed) == (True, False, True)
        assert (await reader.act({"action": "sendfax", "recipient": CALLED, "attachment": "x.tif"})).status == 403
        await asyncio.sleep(9)  # 0.0001 days have gone by
        wrong = [revoked, short, Client(house.port, "0" * 48), Client(house.port, "%00%2e%2e"), Client(house.port, "x")]
        answers: list[Answer] = [await client.get("/files/list") for client in wrong]
        assert {answer.status for answer in answers} == {401}
        assert len({answer.content for answer in answers}) == 1
        assert answers[0].json["resultcode"] == 1401
        assert (await reader.get("/files/list")).status == 429, "and who has guessed too often hears nothing any more"
        assert (await says(house.stage, "token", "create", "x", "--domain", "nowhere")).status == 1


async def test_a_kill_in_mid_upload_and_in_mid_fax_leaves_no_half_file_and_no_second_call(tmp_path: Path) -> None:
    """The client lost its answer with the gateway, and asks again: it hears what is known, and nobody is called."""
    tiff = page(tmp_path, rows=1600)
    order = {"action": "sendfax", "recipient": CALLED, "attachment": tiff.name}
    async with open_house(tmp_path) as house:
        client = await house.client()
        assert (await client.upload(tiff)).status == 200
        waiting = asyncio.create_task(client.act(order))
        await house.stage.far_end.tells("page under way", number=CALLED, page=1, within_s=60)
        half = form_of([("half.tif", bytes(600_000))])
        head = f"POST /api/token/v1/{client.token}/files/upload HTTP/1.1\r\nHost: x\r\nContent-Length: {len(half)}\r\n"
        with socket.create_connection(("127.0.0.1", house.port)) as uploading:
            uploading.sendall(f"{head}Content-Type: {form_type()['Content-Type']}\r\n\r\n".encode() + half[:500_000])
            incoming = tmp_path / "data" / "domains" / "default" / "data" / "incoming"
            async with asyncio.timeout(20):
                while not any(incoming.iterdir()):  # noqa: ASYNC110 - it happens in another process
                    await asyncio.sleep(0.05)
            house.gateway.send(signal.SIGKILL)
            await house.gateway.ended()
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            await waiting
        async with house.stage.gateway() as again:
            client = Client((await again.tells("api door open"))["port"], client.token)
            assert list(incoming.iterdir()) == []
            assert (await client.get("/files/list")).json["data"] == {"files": [{"file": {"name": tiff.name}}]}
            answer = (await client.act(order)).json
            assert (answer["status"], answer["success"], answer["code"]) == ("unconfirmed", "false", "interrupted")
            history = (await client.act({"action": "history", "fields": "id,result"})).json["data"]
            assert history == [{"id": answer["id"], "result": "failed"}]
        assert len(house.stage.calls_to(CALLED)) == 1
