"""The door over real sockets: what is wrong is told in JSON, who is slow holds up nobody, and it closes in time."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mail2fax.api.documents import Documents
from mail2fax.api.door import ApiDoor
from mail2fax.api.fax import FaxDesk, FaxSettings
from mail2fax.api.files import FileStore, Quota
from mail2fax.api.guard import Guard
from mail2fax.api.links import Links
from mail2fax.api.past import PastDesk
from mail2fax.api.settings import DoorSettings, Patience, Public
from mail2fax.document.voice import Voices
from mail2fax.engine.scripted import delivered
from mail2fax.ingest.tls import server_context
from mail2fax.jobs.archive import HistoryDrop
from mail2fax.jobs.incoming import IncomingFaxes
from mail2fax.model.document import VOICES
from mail2fax.model.domain import DEFAULT, Tenant
from mail2fax.model.incoming import Heard, Inbox, IncomingEvent, incoming_path
from mail2fax.model.job import JobState
from mail2fax.model.token import Scope, hash_of
from mail2fax.reply.words import ENGLISH
from mail2fax.store import StoreError, StoreFull
from mail2fax.tokens import Tokens
from tests.harness.certificates import make_certificates
from tests.harness.house import TERMINAL, FarAheadEngine, House, house
from tests.harness.processes import becomes_true
from tests.harness.web import BOUNDARY, Client, form_of, form_type

SECRET = "0123456789abcdef"  # noqa: S105 # opens nothing but these tests' doors
TENANTS = {DEFAULT: Tenant(DEFAULT, TERMINAL, {DEFAULT: TERMINAL})}
SETTINGS = DoorSettings("127.0.0.1", 0, patience=Patience(stall_s=1.0, wait_s=60.0), max_connections=10)
FAXES = FaxSettings(TENANTS, ENGLISH, "fax.example.com", max_bytes=1_000_000, min_free_bytes=0)
QUOTA = Quota(total_bytes=50_000_000, files=100, upload_bytes=20_000_000, reserve_bytes=0)
TIFF = b"II*\x00 and the rest"


class Opened:
    """The door with what is behind it."""

    def __init__(self, built: House, door: ApiDoor, port: int) -> None:
        self.house = built
        self.door = door
        self.port = port
        self.client = Client(port, SECRET)

    async def raw(self, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        return reader, writer


@asynccontextmanager
async def opened(
    folder: Path, settings: DoorSettings = SETTINGS, faxes: FaxSettings = FAXES, quota: Quota = QUOTA
) -> AsyncIterator[Opened]:
    async with house(folder, FarAheadEngine(delivered)) as built:
        tokens = Tokens(built.store, built.clock)
        await tokens.add(DEFAULT, "crm", hash_of(SECRET), frozenset(Scope), None, "root")
        files = FileStore(folder / "domains", quota)
        voices = Voices(folder / VOICES, 10.0)
        desk = FaxDesk(
            faxes, files, built.gateway, built.jobs, built.spool, voices, built.dispatcher.nudge, built.clock
        )
        guard = Guard(tokens, TENANTS, settings.max_failures_per_address, built.clock)
        documents = Documents(built.store, Links(bytes(32), built.clock), folder / "domains", folder)
        past = PastDesk(
            built.store, files, documents, HistoryDrop(built.store, built.spool, folder, folder, built.clock)
        )
        door = ApiDoor(settings, guard, files, desk, past, documents)
        port = await door.start()
        try:
            yield Opened(built, door, port)
        finally:
            await door.stop()


def order(**more: object) -> Mapping[str, object]:
    return {"action": "sendfax", "recipient": "+375291554499", "attachment": "a.tif", **more}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "", b"{", 400, "json"),
        ("POST", "", b"\xff\xfe", 400, "json"),
        ("POST", "", b'{"action": "dance"}', 400, "action"),
        ("POST", "", b'{"action": "sendfax"}', 400, "field"),
        ("POST", "/", b'{"action": "sendfax"}', 400, "field"),
        ("POST", "", b'{"action": "history", "from_dt": "2020-02-31"}', 400, "field"),
        ("POST", "", b'{"action": "init_fax", "domain": "another", "drop": "true"}', 403, "domain"),
        ("POST", "", b" " * 70_000, 413, "too-large"),
        ("GET", "", b"", 405, "method"),
        ("GET", "/files/rename", b"", 404, "url"),
        ("GET", "/files/upload", b"", 405, "method"),
        ("POST", "/files/upload", b"no form", 400, "form"),
        ("GET", "/files/download", b"", 400, "field"),
        ("GET", "/files/download?file=..%2F..%2Fmail2fax.db", b"", 400, "file-name"),
        ("GET", "/files/download?file=%2e%2e", b"", 400, "file-name"),
        ("GET", "/files/download?file=a%00b", b"", 400, "file-name"),
        ("GET", "/files/download?file=gone", b"", 404, "file-not-found"),
        ("GET", "/files/delete?file=gone", b"", 404, "file-not-found"),
        ("GET", "/faxes/1", b"", 404, "no-such-fax"),
        ("GET", "/api/nothing", b"", 404, "url"),
        ("GET", "/api/token/v1/wrong/files/list", b"", 401, "token"),
        ("POST", "/api/token/v1/wrong", b"{", 401, "token"),
    ],
)
async def test_what_is_wrong_is_told_in_one_form_of_json(
    tmp_path: Path, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    async with opened(tmp_path) as api:
        answer = await api.client.ask(method, path, body)
        assert (answer.status, answer.json["code"]) == (status, code)
        assert set(answer.json) == {"resultcode", "resultmsg", "success", "error", "code"}
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer", "the URL has the token in it"


async def test_a_fault_of_ours_is_told_without_its_insides(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        (tmp_path / "domains" / DEFAULT).mkdir(parents=True)
        (tmp_path / "domains" / DEFAULT / "data").write_text("in the way of the directory")
        answer = await api.client.get("/files/list")
        assert (answer.status, answer.json["code"]) == (500, "fault")
        assert "directory" not in answer.content.decode()


async def test_a_store_that_cannot_write_is_told_as_such_and_no_fax_is_lost_or_doubled(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        await api.client.upload(("a.tif", TIFF))
        for error, status, code in ((StoreError, 503, "store"), (StoreFull, 507, "disk-low")):
            api.house.store.fail("receive", error=error)
            answer = await api.client.act(order(wait=False))
            assert (answer.status, answer.json["code"]) == (status, code)
        assert list((tmp_path / "spool").rglob("?" * 32)) == []
        assert (await api.client.act(order(wait=False))).json["status"] == "queued"
        assert len(await api.house.jobs.list()) == 1


async def test_who_does_not_end_the_head_of_a_request_is_cut_off(tmp_path: Path) -> None:
    """Slow loris: uvicorn itself would wait for ever."""
    async with opened(tmp_path) as api:
        reader, writer = await api.raw(b"GET /api/token/v1/x/files/list HTTP/1.1\r\nHost: x\r\n")
        async with asyncio.timeout(40):
            with suppress(ConnectionResetError):
                for letter in b"X-Slow: yes yes yes yes yes yes yes yes yes yes":
                    writer.write(bytes([letter]))
                    await writer.drain()
                    await asyncio.sleep(0.1)
                    if reader.at_eof():
                        break
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()
        assert (await api.client.get("/files/list")).status == 200


async def test_who_sends_a_body_too_slowly_hears_408_and_nothing_of_it_stays(tmp_path: Path) -> None:
    head = (
        f"POST /api/token/v1/{SECRET}/files/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    )
    async with opened(tmp_path) as api:
        reader, writer = await api.raw(head.encode() + form_of([("a.tif", TIFF)])[:-10])
        async with asyncio.timeout(40):
            assert b"408" in await reader.readline()
            await reader.read()
        writer.close()
        assert (await api.client.get("/files/list")).json["data"] == {"files": []}
        assert list((tmp_path / "domains" / DEFAULT / "data" / "incoming").iterdir()) == []


async def test_who_does_not_take_a_download_in_is_cut_off(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        await api.client.upload(("large", bytes(15_000_000)))
        _, writer = await api.raw(
            f"GET /api/token/v1/{SECRET}/files/download?file=large HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        )
        async with asyncio.timeout(40):
            while not api.door.connections:  # noqa: ASYNC110 # another task's doing
                await asyncio.sleep(0.01)
            while api.door.connections:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        writer.close()


async def test_more_connections_than_are_allowed_are_turned_away(tmp_path: Path) -> None:
    async with opened(tmp_path, replace(SETTINGS, max_connections_per_address=3, patience=Patience(5.0))) as api:
        held = [await api.raw(b"") for _ in range(3)]
        await becomes_true(lambda: api.door.connections == 3, within_s=20)
        reader, writer = await api.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(40):
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        for _, open_one in [*held, (reader, writer)]:
            open_one.close()


async def test_an_upload_beyond_the_limit_and_the_quota_is_answered_and_leaves_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, quota=replace(QUOTA, upload_bytes=300_000, total_bytes=400_000)) as api:
        answer = await api.client.upload(("a", bytes(310_000)))
        assert (answer.status, answer.json["resultcode"]) == (413, 1505)
        assert (await api.client.upload(("a", bytes(280_000)))).status == 200
        answer = await api.client.upload(("b", bytes(280_000)))
        assert (answer.status, answer.json["resultcode"], answer.json["code"]) == (507, 1502, "quota")
        assert (await api.client.get("/files/list")).json["data"] == {"files": [{"file": {"name": "a"}}]}


async def test_1501_is_told_in_the_words_of_the_text(tmp_path: Path) -> None:
    async with opened(tmp_path, quota=replace(QUOTA, reserve_bytes=10**18)) as api:
        answer = await api.client.upload(("a", b"x"))
        assert answer.status == 507
        assert {key: answer.json[key] for key in ("resultcode", "resultmsg")} == {
            "resultcode": 1501,
            "resultmsg": "Not enough free disk space",
        }


async def test_a_page_that_was_uploaded_never_runs_in_a_browser(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        await api.client.upload(('страница "1".html', b"<script>alert(1)</script>"))
        answer = await api.client.get("/files/list")
        (name,) = [entry["file"]["name"] for entry in answer.json["data"]["files"]]
        headers = (await api.client.get("/files/download?file=" + "".join(f"%{b:02x}" for b in name.encode()))).headers
        plain, full = headers["content-disposition"].removeprefix("attachment; ").split("; ")
        assert plain == 'filename="________ _1_.html"', "for curl -J, which knows no other way"
        assert full.startswith("filename*=UTF-8''%D1%81")
        assert (headers["x-content-type-options"], headers["content-security-policy"]) == (
            "nosniff",
            "default-src 'none'; sandbox",
        )


async def test_a_door_that_closes_tells_who_waits_how_far_the_fax_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        await api.client.upload(("a.tif", TIFF))
        waiting = asyncio.create_task(api.client.act(order()))
        async with asyncio.timeout(40):
            while not await api.house.jobs.list():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.3)
            await api.door.stop()
            assert (await waiting).json["status"] == "queued"
        with pytest.raises(ConnectionRefusedError):
            await api.client.get("/files/list")


async def test_a_fax_that_was_sent_is_told_as_the_text_tells_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        await api.client.upload(("a.tif", TIFF))
        running = asyncio.create_task(api.house.dispatcher.run())
        answer = (await api.client.act(order())).json
        (job,) = await api.house.jobs.list()
        assert (job.state, answer["status"], answer["success"], answer["error"]) == (
            JobState.SENT,
            "sent",
            "true",
            "null",
        )
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_two_equal_orders_at_once_are_one_fax(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        await api.client.upload(("a.tif", TIFF), ("b.tif", TIFF), ("c.tif", TIFF + b"!"))
        same = await asyncio.gather(*(api.client.act(order(wait=False)) for _ in range(5)))
        other_name = await api.client.act(order(wait=False, attachment="b.tif"))
        assert len({answer.json["id"] for answer in (*same, other_name)}) == 1, "it is the contents that count"
        other = await api.client.act(order(wait=False, attachment="c.tif"))
        assert other.json["id"] != other_name.json["id"]


async def test_over_tls_the_door_speaks_https(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    async with opened(tmp_path, replace(SETTINGS, tls=server_context(str(certificates.server)))) as api:
        client = certificates.client_context()
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port, ssl=client)
        writer.write(f"GET /api/token/v1/{SECRET}/files/list HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        assert b"200 OK" in answer.splitlines()[0]
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["resultcode"] == 0


async def test_behind_a_proxy_failures_are_put_down_to_the_client_it_names(tmp_path: Path) -> None:
    settings = replace(SETTINGS, proxies=("127.0.0.1",), max_failures_per_address=2)
    async with opened(tmp_path, settings) as api:
        guesser = {"X-Forwarded-For": "10.0.0.1, 192.0.2.66"}
        for expected in (401, 401, 429):
            answer = await api.client.ask("GET", "/api/token/v1/wrong/files/list", headers=guesser)
            assert answer.status == expected
        honest = await api.client.ask("GET", "/files/list", headers={"X-Forwarded-For": "192.0.2.7"})
        assert honest.status == 200
        odd = await api.client.ask("GET", "/files/list", headers={"X-Forwarded-For": "unknown"})
        assert odd.status == 200


async def test_an_order_with_a_form_that_browsers_send_keeps_its_names(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        body = form_of([("C:\\faxes\\letter.tif", TIFF)])
        answer = await api.client.ask("POST", "/files/upload", body, form_type())
        assert answer.json["data"]["upload"] == [{"name": "letter.tif", "res": "ok"}]


async def test_the_history_is_told_as_the_text_writes_it_whole_or_in_pages(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        await api.client.upload(("a.tif", TIFF))
        for number in range(5):
            await api.client.act(order(wait=False, recipient=f"+37529155440{number}"))
        example = """{
          "action":"history",
          "type":"outgoing",
          "from_dt":"2026-01-31 09:00",
          "till_dt":"2026-01-31",
          "fields":"*"
        }"""
        everything = (await api.client.act(example)).json
        assert [fax["remotenum"] for fax in everything["data"]] == [f"37529155440{number}" for number in range(5)]
        (first, *_) = everything["data"]
        assert first == {
            "id": first["id"],
            "type": "outgoing",
            "remotenum": "375291554400",
            "start_dt": "2026-01-31T09:05:00.00",
            "stop_dt": None,
            "result": "dialing",
            "url": None,
        }
        pages, cursor = [], ""
        while True:
            answer = (
                await api.client.act({"action": "fax_history", "limit": 2, "cursor": cursor, "fields": "id"})
            ).json
            pages += answer["data"]
            if "cursor" not in answer:
                break
            cursor = answer["cursor"]
        assert pages == [{"id": fax["id"]} for fax in everything["data"]]
        assert (await api.client.act({"action": "history", "type": "incoming"})).json == {"data": []}
        assert (await api.client.act({"action": "history", "till_dt": "2026-01-30"})).json == {"data": []}
        assert (await api.client.act({"action": "history", "from_dt": "2026-01-31T09:05:00.000001"})).json == {
            "data": []
        }


async def test_a_client_that_was_written_otherwise_is_understood(tmp_path: Path) -> None:
    """Slashes at the end, HEAD, HTTP/1.0, chunks, a byte order mark, whole URLs, names in a URL as they were typed."""
    async with opened(tmp_path) as api:
        await api.client.upload(("Письмо 1.tif", TIFF), ("пусто.tif", b""))
        escaped = "".join(f"%{byte:02x}" for byte in "Письмо".encode())
        token = f"/api/token/v1/{SECRET}"
        body = b'\xef\xbb\xbf{"action": "history"}'
        for head, rest in (
            (f"GET {token}/files/list/ HTTP/1.1", b""),
            (f"GET {token}/files/list HTTP/1.0", b""),
            (f"GET HTTP://other.example.com:80{token}/files/list HTTP/1.1", b""),
            (f"GET http://other.example.com{token}/files/download?file={escaped}%201.tif HTTP/1.1", b""),
            (f"GET {token}/files/download?file=Письмо%201.tif HTTP/1.1", b""),
            (f"GET {token}/files/download?file={escaped}+1.tif HTTP/1.1", b""),
            (f"GET {token}/files/download/?file={escaped}%201.tif HTTP/1.1\r\nRange: bytes=0-1", b""),
            (f"GET {token}/files/download?file=пусто.tif HTTP/1.1", b""),
            (f"POST {token} HTTP/1.0\r\nContent-Length: {len(body)}", body),
            (f"POST {token}/ HTTP/1.1\r\nTransfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
        ):
            reader, writer = await api.raw(f"{head}\r\nHost: x\r\nConnection: close\r\n\r\n".encode() + rest)
            answer = await reader.read()
            assert b" 200 " in answer.splitlines()[0], (head, answer)
            if "Письмо%20" in head or escaped in head:
                assert answer.endswith(TIFF)
            writer.close()
        asked = await api.client.ask("HEAD", "/files/download?file=" + escaped + "%201.tif")
        assert (asked.status, asked.content, asked.headers["content-length"]) == (200, b"", str(len(TIFF)))
        other = await api.client.ask("DELETE", "/files/delete?file=x")
        assert (other.status, {*other.headers["allow"].split(", ")}) == (405, {"GET", "HEAD"})
        reader, writer = await api.raw(f"GET http://user@x{token}/files/list HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert b" 404 " in await reader.readline()
        writer.close()
        reader, writer = await api.raw(b"what is this\r\n\r\n")
        answer = await reader.read()
        writer.close()
        assert (b" 400 " in answer.splitlines()[0], json.loads(answer.partition(b"\r\n\r\n")[2])["code"]) == (
            True,
            "http",
        )


async def test_a_request_whose_length_is_told_in_two_ways_is_turned_away_with_all_that_comes_behind_it(
    tmp_path: Path,
) -> None:
    """Request smuggling (RFC 9112 11.2): what a proxy takes for the body of one request would be another for us."""
    async with opened(tmp_path) as api:
        smuggled = f"GET /api/token/v1/{SECRET}/files/list HTTP/1.1\r\nHost: x\r\n\r\n"
        head = f"POST /api/token/v1/{SECRET} HTTP/1.1\r\nHost: x\r\nContent-Length: {5 + len(smuggled)}\r\n"
        for coding in ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked, identity", "Content-Length: 0"):
            reader, writer = await api.raw(f"{head}{coding}\r\n\r\n0\r\n\r\n{smuggled}".encode())
            answer = await reader.read()
            writer.close()
            assert answer.count(b"HTTP/1.1 ") == 1, answer
            assert b" 400 " in answer.splitlines()[0]
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "http"


async def test_who_uploads_reads_and_deletes_one_name_at_once_never_sees_half_a_file(tmp_path: Path) -> None:
    """A duplicate upload replaces whole files by whole files, and a file may be deleted while it is uploaded again."""
    first, second = b"1" * 700_000, b"2" * 700_000
    async with opened(tmp_path) as api:

        async def again(name: str, content: bytes) -> None:
            for _ in range(4):
                assert (await api.client.upload((name, content))).status == 200

        async def read(path: str) -> None:
            for _ in range(8):
                answer = await api.client.get(path)
                assert answer.status in {200, 404}
                assert answer.status == 404 or answer.content in {first, second} or answer.json["resultcode"] == 0

        await asyncio.gather(
            again("same", first),
            again("same", second),
            read("/files/download?file=same"),
            read("/files/delete?file=same"),
            read("/files/list"),
        )
        await api.client.upload(("same", first), ("same", second))
        assert (await api.client.get("/files/download?file=same")).content == second, "of two in one form the last"
        assert [file.name for file in (tmp_path / "domains" / DEFAULT / "data" / "tokens").iterdir()] == ["same"]
        assert list((tmp_path / "domains" / DEFAULT / "data" / "incoming").iterdir()) == []


async def test_a_history_that_is_read_in_several_pieces_is_one_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as api:
        await api.client.upload(("a.tif", TIFF))
        for number in range(4):
            await api.client.act(order(wait=False, recipient=f"+37529155440{number}"))
        whole = await api.client.act({"action": "history"})
        assert len(whole.json["data"]) == 4
        for piece in (1, 2, 3, 4):
            monkeypatch.setattr("mail2fax.api.past._AT_ONCE", piece)
            assert (await api.client.act({"action": "history"})).content == whole.content


async def test_a_document_is_given_away_by_its_url_alone_and_to_nobody_who_guesses(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        fax = await IncomingFaxes(api.house.store, api.house.clock, "fax.example.com").begin(
            Inbox(DEFAULT, TERMINAL), call_id="", trunk="", caller="+375291554499", called=""
        )
        path = incoming_path(tmp_path / "domains", DEFAULT, fax.file)
        path.parent.mkdir(parents=True)
        path.write_bytes(TIFF)
        asked = {"action": "history", "type": "incoming", "fields": "url"}
        assert (await api.client.act(asked)).json == {"data": [{"url": None}]}, "it is still being received"
        await IncomingFaxes(api.house.store, api.house.clock, "x").end(fax, IncomingEvent.CUT, 1, Heard(), "")
        (told,) = (await api.client.act(asked, Host="fax.example.com")).json["data"]
        place = told["url"].removeprefix("http://fax.example.com")
        assert re.fullmatch(r"/callrecords/domains/default/data/fax/incoming/[0-9a-f]{51,}\.tiff", place)
        nobody = Client(api.port)
        given = await nobody.get_at(place)
        assert (given.status, given.content, given.headers["content-type"]) == (200, TIFF, "image/tiff")
        assert given.headers["cache-control"] == "no-store"
        assert given.headers["referrer-policy"] == "no-referrer"
        assert given.headers["content-disposition"].startswith("attachment")
        for guess in (
            place.replace("incoming", "outgoing"),
            place.replace("default", "tenant"),
            place.replace(".tiff", ""),
            f"{place[:-6]}0.tiff",
            "/callrecords/domains/default/data/fax/incoming/" + fax.file,
            "/callrecords/domains/default/data/fax/incoming/..%2f..%2f..%2f..%2fmail2fax.db",
        ):
            answer = await nobody.get_at(guess)
            assert (answer.status, answer.json["code"]) == (404, "url"), guess
        api.house.clock.now += timedelta(days=30)
        assert (await nobody.get_at(place)).status == 404, "it was good for thirty days"
        path.unlink()
        (again,) = (await api.client.act(asked)).json["data"]
        assert (await nobody.get_at("/" + again["url"].split("/", 3)[3])).status == 404, "its file is gone"


async def test_a_document_can_be_made_to_need_a_token_beside_its_url(tmp_path: Path) -> None:
    settings = replace(SETTINGS, public=Public("https://fax.example.com/fax", needs_token=True))
    async with opened(tmp_path, settings) as api:
        faxes = IncomingFaxes(api.house.store, api.house.clock, "fax.example.com")
        fax = await faxes.begin(Inbox(DEFAULT, TERMINAL), call_id="", trunk="", caller="1", called="")
        path = incoming_path(tmp_path / "domains", DEFAULT, fax.file)
        path.parent.mkdir(parents=True)
        path.write_bytes(TIFF)
        await faxes.end(fax, IncomingEvent.CUT, 1, Heard(), "")
        (told,) = (await api.client.act({"action": "history", "fields": "url"})).json["data"]
        place = told["url"].removeprefix("https://fax.example.com/fax")
        assert place.startswith("/callrecords/")
        assert (await api.client.get_at(place)).status == 401
        assert (await api.client.get_at(place, Authorization="Bearer wrong")).status == 401
        assert (await api.client.get_at(place, Authorization=f"Bearer {SECRET}")).content == TIFF


async def test_init_fax_makes_the_domain_ready_and_drops_its_history_when_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        await api.client.upload(("a.tif", TIFF))
        over = await api.client.act(order(wait=False))
        waiting = await api.client.act(order(wait=False, recipient="+375291554400"))
        await api.client.ask("POST", f"/faxes/{over.json['id']}/cancel")
        ready = {"action": "init_fax", "domain": "DEFAULT.", "drop": "false"}
        for _ in range(2):
            assert (await api.client.act(ready)).json == {"received": True}
        assert len(await api.house.jobs.list()) == 2
        assert (await api.client.act({**ready, "drop": "true"})).json == {"received": True}
        (left,) = await api.house.jobs.list()
        assert left.uuid == waiting.json["id"], "what is not over stays"
        assert (await api.client.get("/files/list")).json["data"]["files"] == [{"file": {"name": "a.tif"}}]
        (archive,) = (tmp_path / "domains" / DEFAULT / "archive").iterdir()
        (story,) = map(json.loads, archive.read_text().splitlines())
        assert (story["uuid"], story["state"]) == (over.json["id"], "cancelled")
        assert story["journal"][0]["event"] == "received"
        assert len(list((tmp_path / "spool" / "new").iterdir())) == 1, "its mail goes with it"
        assert (await api.client.act(order(wait=False))).json["id"] != over.json["id"]


async def test_a_token_with_a_rate_is_slowed_down_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        slow = Client(api.port, "f" * 48)
        tokens = Tokens(api.house.store, api.house.clock)
        await tokens.add(DEFAULT, "slow", hash_of(slow.token), frozenset(Scope), None, "root", per_minute=3)
        answers = [await slow.get("/files/list") for _ in range(5)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
        assert answers[-1].json["code"] == "rate"
        assert (await api.client.get("/files/list")).status == 200


async def test_the_page_for_people_has_every_url_with_its_examples_and_loads_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as api:
        described = (await api.client.get("/api/openapi.json")).json
        page = await api.client.get("/api/docs")
        text = page.content.decode()
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert "<script" not in text
        assert re.findall(r"(?:src|href)=.([^ >]*).>", text) == ["/api/openapi.json"]
        for path, methods in described["paths"].items():
            for method in methods:
                assert f"<code>{method.upper()} {path}</code>" in text
        assert "voiceDocumentSID" in text
        assert "resultcode" in text
