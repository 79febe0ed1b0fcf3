"""A disk that is full, for real: a small file system of its own holds everything that the gateway keeps."""

import asyncio
import http.client
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiosmtplib
import pytest

from tests.acceptance.test_api import OPEN, House, page
from tests.harness.peers import need
from tests.harness.stage import Mail, staged
from tests.harness.web import Answer, Client, form_of, form_type
from tests.peers.behaviours import Behaviour, number

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system"),
]

MEGABYTE = 1_000_000
SIZE_MB, RESERVE_MB = 24, 4
NO_SPACE = {"resultcode": 1501, "resultmsg": "Not enough free disk space"}
INCOMING, BALLAST = Path("domains", "default", "data", "incoming"), "ballast"
CALLED = number(Behaviour.OFFERS_T38)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The data directory, on a file system of 24 MB."""
    data = tmp_path / "data"
    data.mkdir()
    options = ["-o", f"size={SIZE_MB * MEGABYTE},mode=700"]
    command = [need("mount"), "-t", "tmpfs", *options, "tmpfs", str(data)]
    mounted = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - our own words
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield data
    subprocess.run([need("umount"), "--lazy", str(data)], check=True)  # noqa: S603 - our own words


def fill(data: Path) -> None:
    """Another program's file, which leaves no byte."""
    with (data / BALLAST).open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(data).free)


def uploaded_in_chunks(client: Client, body: bytes) -> Answer:
    """What is answered to a client that does not say how much will come."""
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
    try:
        chunks = (body[at : at + MEGABYTE] for at in range(0, len(body), MEGABYTE))
        url = f"/api/token/v1/{client.token}/files/upload"
        connection.request("POST", url, chunks, dict(form_type()), encode_chunked=True)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


async def uploaded_while_it_fills(client: Client, name: str, data: Path) -> bytes:
    """What is answered to an upload for which there was room when it began."""
    body = form_of([(name, bytes(3 * MEGABYTE))])
    head = f"POST /api/token/v1/{client.token}/files/upload HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(f"{head}Content-Type: {form_type()['Content-Type']}\r\n\r\n".encode() + body[:MEGABYTE])
    async with asyncio.timeout(20):
        while not any((data / INCOMING).iterdir()):  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.05)
    fill(data)
    writer.write(body[MEGABYTE:])
    answered = await asyncio.wait_for(reader.readuntil(b"}"), 60)
    writer.close()
    return answered


async def test_an_upload_to_a_full_disk_is_1501_and_leaves_all_as_it_was_and_the_gateway_goes_on(
    tmp_path: Path, small_disk: Path
) -> None:
    tiff = page(tmp_path)
    sections = {**OPEN, "api": {**OPEN["api"], "max_upload_mb": 100}, "smtp": {"disk_reserve_mb": RESERVE_MB}}
    async with staged(tmp_path, sections) as stage, stage.gateway() as gateway:
        house = House(stage, gateway, (await gateway.tells("api door open"))["port"])
        client = await house.client()

        async def nothing_has_changed() -> None:
            assert (await client.get(f"/files/download?file={tiff.name}")).content == tiff.read_bytes()
            assert (await client.get("/files/list")).json["data"] == {"files": [{"file": {"name": tiff.name}}]}
            assert list((small_disk / INCOMING).iterdir()) == []

        assert (await client.upload(tiff)).status == 200
        large = form_of([(tiff.name, bytes(30 * MEGABYTE))])

        # Announced: there would be no room, and its client reads the answer behind all that it has sent.
        answer = await client.ask("POST", "/files/upload", large, form_type())
        assert (answer.status, {key: answer.json[key] for key in NO_SPACE}) == (507, NO_SPACE)
        await nothing_has_changed()

        # Not announced: it is taken up to the reserve.
        answer = await asyncio.to_thread(uploaded_in_chunks, client, large)
        assert (answer.status, {key: answer.json[key] for key in NO_SPACE}) == (507, NO_SPACE)
        assert shutil.disk_usage(small_disk).free > RESERVE_MB * MEGABYTE
        await nothing_has_changed()

        # Side by side, each of which has room: those come that have room together.
        answers = await asyncio.gather(*(client.upload((f"{each}.bin", bytes(7 * MEGABYTE))) for each in range(4)))
        assert sorted(answer.status for answer in answers) == [200, 200, 507, 507]
        assert shutil.disk_usage(small_disk).free >= RESERVE_MB * MEGABYTE
        for each, answer in enumerate(answers):
            if answer.status == 200:
                assert (await client.get(f"/files/delete?file={each}.bin")).status == 200
            else:
                assert {key: answer.json[key] for key in NO_SPACE} == NO_SPACE
        await nothing_has_changed()

        # And somebody else takes the last byte while an upload is on its way: the system itself says no.
        answered = await uploaded_while_it_fills(client, tiff.name, small_disk)
        assert b" 507 " in answered.splitlines()[0]
        assert b'"resultcode":1501' in answered

        # Full as it is, everything that needs room says so; what reads goes on.
        await nothing_has_changed()
        mail = Mail("later", CALLED, (tiff,))
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as put_off:
            await stage.send(mail)
        assert put_off.value.code == 452, "it waits with who has it"
        answer = await client.act({"action": "sendfax", "recipient": CALLED, "attachment": tiff.name})
        assert (answer.status, {key: answer.json[key] for key in NO_SPACE}) == (507, NO_SPACE)

        (small_disk / BALLAST).unlink()
        assert (await stage.send(mail)).code == 250
        assert (await client.upload(tiff)).status == 200
        await gateway.tells("call answered", within_s=60)
        assert (await client.act({"action": "history", "fields": "result"})).json == {"data": [{"result": "sending"}]}
