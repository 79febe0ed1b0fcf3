"""A Dovecot of our own: a mail server with mailboxes, as an office has it. Any user may log in with PASSWORD.

It runs as an ordinary user (as nobody, when the tests run as root). Mails are put into its maildirs as a delivery agent
does, and looked for there.
"""

import asyncio
import grp
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from pwd import getpwnam, getpwuid

from tests.harness.peers import need
from tests.harness.ports import free_port

PASSWORD = 'open "sesame" \\ (фю)'  # noqa: S105 - nobody's
"""With everything in it that a quoted string, or a server's parser, could stumble over."""

LOOKS = 20
"""How often a folder is looked into whose files move under one's eyes."""

SETTINGS = """\
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
first_valid_uid = 100
mail_location = maildir:{base}/mail/%u
auth_mechanisms = plain login
auth_username_chars =
auth_failure_delay = 0
disable_plaintext_auth = no
ssl = {ssl}
{certificate}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {base}/passwd
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={base}/mail/%u allow_all_users=yes
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
protocol imap {{
  mail_max_userip_connections = 200
}}
namespace inbox {{
  inbox = yes
}}
{more}
"""

_serials = count(1)


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running Dovecot. `base` is its directory; ports with an s at the end speak TLS."""

    base: Path
    owner: tuple[int, int]
    imap: int
    imaps: int
    pop3: int
    pop3s: int

    def put(self, user: str, mail: EmailMessage | bytes, *, age_s: float = 0.0, folder: str = "") -> None:
        """Delivers a mail, so long ago."""
        raw = mail.as_bytes() if isinstance(mail, EmailMessage) else mail
        directory = self.folder(user, folder)
        name = f"{time.time():.6f}.{os.getpid()}_{next(_serials)}.example"
        written = directory / "tmp" / name
        written.write_bytes(raw)
        os.chown(written, *self.owner)
        moment = time.time() - age_s
        os.utime(written, (moment, moment))
        written.rename(directory / "new" / name)

    def folder(self, user: str, folder: str = "") -> Path:
        """The maildir of a folder, "" for the inbox; made when it is not there."""
        directory = self.base / "mail" / user
        for place in (directory, directory / f".{folder}" if folder else directory):
            for room in ("", "tmp", "new", "cur"):
                (place / room).mkdir(exist_ok=True)
                os.chown(place / room, *self.owner)
        return directory / f".{folder}" if folder else directory

    def mails(self, user: str, folder: str = "") -> list[bytes]:
        """What lies in a folder, but for what is marked as deleted."""
        directory = self.base / "mail" / user / (f".{folder}" if folder else "")
        # Dovecot moves and renames files meanwhile: then it is another look that counts.
        for _ in range(LOOKS):
            with suppress(FileNotFoundError):
                return [path.read_bytes() for path in _files(directory) if "T" not in path.name.rpartition(":2,")[2]]
        raise AssertionError(f"{directory} does not come to rest")

    def there(self, user: str) -> int:
        """How many mails lie in the inbox, those that are marked as deleted among them."""
        return len(_files(self.base / "mail" / user))

    async def until(self, user: str, folder: str, mails: int, within_s: float = 30.0) -> list[bytes]:
        """The mails in a folder, as soon as there are so many."""
        try:
            async with asyncio.timeout(within_s):
                while len(found := self.mails(user, folder)) != mails:  # noqa: ASYNC110 - in another process
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(
                f"{folder or 'inbox'} of {user} has {len(self.mails(user, folder))} mails, not {mails}:\n{self.log}"
            ) from None
        return found

    def rebuild(self, user: str) -> None:
        """The inbox gets a new UIDVALIDITY, and its mails new names, as when it is restored from a backup."""
        directory = self.base / "mail" / user
        for path in directory.glob("dovecot*"):
            path.unlink()

    @property
    def log(self) -> str:
        """The last of what it has said."""
        return "\n".join((self.base / "dovecot.log").read_text(errors="replace").splitlines()[-60:])


def _files(directory: Path) -> list[Path]:
    """The mails in a maildir, new and seen."""
    rooms = [room for room in (directory / "new", directory / "cur") if room.is_dir()]
    return [path for room in rooms for path in sorted(room.iterdir()) if path.is_file()]


@asynccontextmanager
async def dovecot(
    users: Iterable[str] = ("fax",), certificate: Path | None = None, *, more: str = ""
) -> AsyncIterator[Dovecot]:
    """Dovecot with these users, and `more` settings; with a certificate (PEM, with its key) it speaks TLS, too."""
    program = need("dovecot")
    account = getpwnam("nobody") if os.geteuid() == 0 else getpwuid(os.geteuid())
    with tempfile.TemporaryDirectory(prefix="mail2fax-dovecot-") as name:
        base, owner = Path(name), (account.pw_uid, account.pw_gid)
        running = Dovecot(base, owner, *(free_port() for _ in range(4)))
        _lay_out(running, users, certificate, more)
        command = [program, "-F", "-c", str(base / "dovecot.conf")]
        if os.geteuid() == 0:
            process = await asyncio.create_subprocess_exec(*command, user=owner[0], group=owner[1], extra_groups=[])
        else:
            process = await asyncio.create_subprocess_exec(*command)
        try:
            await _listens(running, process)
            yield running
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _lay_out(running: Dovecot, users: Iterable[str], certificate: Path | None, more: str) -> None:
    base = running.base
    tls = ""
    if certificate:
        (base / "tls.pem").write_bytes(certificate.read_bytes())
        tls = f"ssl_cert = <{base}/tls.pem\nssl_key = <{base}/tls.pem"
    (base / "dovecot.conf").write_text(
        SETTINGS.format(
            base=base,
            user=getpwuid(running.owner[0]).pw_name,
            group=_group(running.owner[1]),
            ssl="yes" if certificate else "no",
            certificate=tls,
            imap=running.imap,
            imaps=running.imaps,
            pop3=running.pop3,
            pop3s=running.pop3s,
            more=more,
        )
    )
    (base / "passwd").write_text("".join(f"{user}:{{PLAIN}}{PASSWORD}\n" for user in users))
    (base / "mail").mkdir()
    for path in (base, *base.iterdir()):
        os.chown(path, *running.owner)
    for user in users:
        running.folder(user)


def _group(gid: int) -> str:
    return grp.getgrgid(gid).gr_name


async def _listens(running: Dovecot, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(20):
        while True:
            assert process.returncode is None, f"Dovecot has ended:\n{running.log}"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", running.imap)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return
