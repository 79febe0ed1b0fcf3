from pathlib import Path

import pytest

from mail2fax.store import StoreUnfit, place

MOUNTS = r"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:25 / /var rw - xfs /dev/sdb1 rw
31 30 0:26 / /var/lib/mail2fax rw,noatime master:1 propagate_from:2 - nfs4 server:/fax rw,vers=4.2
32 22 0:27 / /srv/two\040words rw - cifs //server/share rw
33 30 0:28 / /var rw - btrfs /dev/sdc1 rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/home/fax", "ext4"),
        ("/variable", "ext4"),
        ("/var/lib", "btrfs"),
        ("/var/lib/mail2fax", "nfs4"),
        ("/var/lib/mail2fax/data", "nfs4"),
        ("/srv/two words/fax", "cifs"),
    ],
)
def test_a_folder_lies_on_the_longest_mount_above_it_and_the_last_one_there(folder: str, kind: str) -> None:
    assert place.filesystem_of(Path(folder), MOUNTS) == kind


def test_a_network_filesystem_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap: SQLite turns the log on over NFS without a word, and loses rows there."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text("22 1 0:40 / / rw - nfs4 server:/ rw\n")
    monkeypatch.setattr(place, "_MOUNTS", mounts)
    with pytest.raises(StoreUnfit, match="nfs4"):
        place.require_local(tmp_path)


def test_the_disk_of_this_machine_will_do(tmp_path: Path) -> None:
    place.require_local(tmp_path)
