"""What goes wrong inside, as a program hears it."""

import errno

import httpx
import pytest
from fastapi import FastAPI

from mail2fax.api.faults import add_faults


@pytest.mark.parametrize(
    ("number", "status", "resultcode", "code"),
    [
        (errno.ENOSPC, 507, 1501, "disk-low"),
        (errno.EDQUOT, 507, 1501, "disk-low"),
        (errno.EIO, 500, 500, "fault"),
    ],
)
async def test_a_full_disk_is_told_wherever_it_is_met_and_other_faults_of_it_are_ours(
    number: int, status: int, resultcode: int, code: str
) -> None:
    app = FastAPI()
    add_faults(app)

    @app.get("/")
    async def write() -> None:
        raise OSError(number, "as a disk says it")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        answer = await client.get("/")
    said = answer.json()
    assert (answer.status_code, said["resultcode"], said["code"], said["success"]) == (
        status,
        resultcode,
        code,
        "false",
    )
