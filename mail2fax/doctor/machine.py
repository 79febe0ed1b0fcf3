"""The machine: directories, disk, clock."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from mail2fax.doctor.finding import Finding, Patient, doubtful, ill, unseen, well

_MEGABYTE = 1_000_000
_MANY_MEGABYTES = 5
"""Times the reserve below which the disk is worth a word."""
_NETWORKED = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"})
_BORN = datetime(2026, 1, 1, tzinfo=UTC)


async def directories(patient: Patient) -> Sequence[Finding]:
    """Whether data_dir is there, ours, closed to others and on a disk of this machine."""
    path, about = patient.config.gateway.data_dir, "directories"
    if not path.is_dir():
        return [ill(about, f"{path} is not there", f"Make it: install -d -m 700 -o mail2fax -g mail2fax {path}")]
    found: list[Finding] = []
    mode = path.stat().st_mode & 0o777
    if mode & 0o007:
        found.append(ill(about, f"{path} is open to everybody ({mode:o})", f"Close it: chmod 700 {path}"))
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        step = "Run the doctor as the gateway's user or root, or give the directory to that user (chown)."
        found.append(doubtful(about, f"{path} cannot be written by the user who asks", step))
    kind = await asyncio.to_thread(_filesystem, path)
    if kind in _NETWORKED:
        found.append(ill(about, f"{path} is on {kind}", "Use a disk of this machine: a database on NFS gets broken."))
    return found or [well(about, f"{path} is there and closed to others")]


async def disk(patient: Patient) -> Sequence[Finding]:
    """How much room there is."""
    path = patient.config.gateway.data_dir
    if not path.is_dir():
        return [unseen("disk", f"{path} is not there")]
    free, reserve = shutil.disk_usage(path).free / _MEGABYTE, patient.config.smtp.disk_reserve_mb
    words = f"{free:.0f} MB are free, {reserve:.0f} MB are the reserve"
    if free < reserve:
        return [ill("disk", words, "Make room, or no mail is taken; shorter times in [retention] help.")]
    if free < _MANY_MEGABYTES * reserve:
        return [doubtful("disk", words, "Make room before it is needed.")]
    return [well("disk", words)]


async def clock(_patient: Patient) -> Sequence[Finding]:
    """Whether the time is set, and kept right: it stands on every fax and in every certificate's check."""
    now = datetime.now(UTC)
    if now < _BORN:
        return [ill("clock", f"it says {now:%Y-%m-%d %H:%M}", "Set it: timedatectl set-ntp true")]
    synchronised = await _said("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if synchronised == "yes":
        return [well("clock", f"{now:%Y-%m-%d %H:%M} UTC, kept right by NTP")]
    if synchronised == "no":
        step = "Let it be kept: timedatectl set-ntp true (or install chrony)."
        return [doubtful("clock", f"{now:%Y-%m-%d %H:%M} UTC, and nobody keeps it right", step)]
    return [unseen("clock", f"{now:%Y-%m-%d %H:%M} UTC; whether NTP keeps it right cannot be seen here")]


def _filesystem(path: Path) -> str:
    """The kind of the filesystem that holds `path`, "" when that cannot be told."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    here = path.resolve()
    places = [(fields[1].replace("\\040", " "), fields[2]) for line in mounts if len(fields := line.split()) > 2]  # noqa: PLR2004 - device, place, kind
    holding = [(place, kind) for place, kind in places if here.is_relative_to(place)]
    return max(holding, key=lambda each: len(each[0]), default=("", ""))[1]


async def _said(*command: str) -> str:
    """The first line that a program prints, "" when it is not there or does not work."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return ""
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return out.decode("utf-8", "replace").strip() if process.returncode == 0 else ""
