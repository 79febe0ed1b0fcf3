"""Where the database may lie: a write-ahead log needs a filesystem of this machine."""

from pathlib import Path

from mail2fax.store.errors import StoreUnfit

# sqlite.org/wal.html: the processes must share memory, so WAL does not work over a network filesystem.
NETWORK_FILESYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "fuse.sshfs", "fuse.glusterfs"})

_MOUNTS = Path("/proc/self/mountinfo")


def require_local(folder: Path) -> None:
    """Raise `StoreUnfit` when `folder` is not a directory or lies on a network filesystem."""
    if not folder.is_dir():
        raise StoreUnfit(f"the data directory {folder} does not exist")
    mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace") if _MOUNTS.exists() else ""
    kind = filesystem_of(folder.resolve(), mounts)
    if kind in NETWORK_FILESYSTEMS:
        raise StoreUnfit(f"{folder} lies on {kind}: SQLite's write-ahead log needs a disk of this machine")


def filesystem_of(folder: Path, mountinfo: str) -> str:
    """The filesystem type of the absolute `folder`, by the text of `/proc/self/mountinfo` (proc(5))."""
    best, kind = Path("/"), ""
    for line in mountinfo.splitlines():
        place, _, origin = line.partition(" - ")
        mount = Path(_unescaped(place.split(" ")[4]))
        if folder.is_relative_to(mount) and mount.is_relative_to(best):
            best, kind = mount, origin.split(" ")[0]  # the last mount on one place is the one that is seen
    return kind


def _unescaped(path: str) -> str:
    for code, character in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        path = path.replace(code, character)
    return path
