"""Tells programs how faxes have ended: signed, from the outbox, again and again until they have heard it.

Whom we call stands in the configuration, and nobody can bend that: the address of a host is looked up, judged, and then
that very address is called; redirections are not followed. What is said is signed with the time, so that a stranger can
neither make it up nor say it again later.
"""

import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit, urlunsplit

import structlog

from mail2fax.api.fax import fax_answer
from mail2fax.api.history import result_of
from mail2fax.dispatch import next_delay
from mail2fax.jobs.reading import JobReader
from mail2fax.jobs.webhooks import News, Webhooks
from mail2fax.model.incoming import IncomingFax, IncomingState
from mail2fax.reply.words import Words
from mail2fax.store import to_text

log = structlog.get_logger(__name__)

BATCH = 10
LIMIT_S = 10.0
"""For all of one call, from the look-up to the status line."""
GIVE_UP_AFTER = timedelta(hours=24)

_WITH_IPV4 = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""NAT64, and addresses of the first days of IPv6: the last 32 bits are an address of IPv4."""
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
"""RFC 8215: a network's own translator. Where in such an address that of IPv4 stands only the network knows
(RFC 6052 2.2), so it may lead anywhere."""

TIMESTAMP_FIELD, SIGNATURE_FIELD, EVENT_FIELD = "X-Mail2fax-Timestamp", "X-Mail2fax-Signature", "X-Mail2fax-Event"


@dataclass(frozen=True, slots=True)
class Hook:
    """Where the news of one domain go. With `private` the host may be on our own network."""

    url: str
    secret: str = field(repr=False)
    private: bool = False


class NotHeard(Exception):
    """The program has not taken its news; the words say why."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over the time and the body, in hexadecimal."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class WebhookPost:
    """Sends what is owed; a chore of the dispatcher."""

    def __init__(
        self,
        webhooks: Webhooks,
        jobs: JobReader,
        hooks: Mapping[str, Hook],
        words: Words,
        clock: Callable[[], datetime],
    ) -> None:
        self._webhooks = webhooks
        self._jobs = jobs
        self._hooks = hooks
        self._words = words
        self._clock = clock

    async def send_owed(self) -> datetime | None:
        """Sends all news that are due; returns when the next are."""
        owed = await self._webhooks.owed(self._clock(), BATCH)
        # Side by side: one program that is slow must not hold up the others.
        await asyncio.gather(*(self._send(news) for news in owed))
        return await self._webhooks.next_owed()

    async def _send(self, news: News) -> None:
        hook = self._hooks.get(news.domain)
        if hook is None:
            await self._webhooks.given_up(news, "the domain has no webhook any more")
            return
        try:
            body = await self._body(news)
            if body is None:
                await self._webhooks.given_up(news, "its fax is gone")
                return
            await call(hook, news.event, body, self._clock())
        except NotHeard as error:
            await self._failed(news, str(error))
        except Exception as fault:
            # One that cannot be written must not hold up the others.
            log.exception("webhook failed inside", event_id=news.event)
            await self._failed(news, repr(fault))
        else:
            await self._webhooks.heard(news)
            log.info("webhook heard", event_id=news.event, domain=news.domain)

    async def _body(self, news: News) -> bytes | None:
        said: dict[str, object] = {"event": "fax", "event_id": news.event, "domain": news.domain, "type": news.kind}
        if news.incoming:
            fax = await self._webhooks.incoming(news.fax_id)
            return _written(said | _come_in(fax)) if fax else None
        job = await self._jobs.find(news.fax_id)
        if job is None:
            return None
        number = (job.number or job.submission.subject).removeprefix("+")
        answer = fax_answer(job, await self._jobs.attempts_of(job.id), self._words)
        return _written(said | {"remotenum": number, "stop_dt": to_text(job.changed_at), **answer})

    async def _failed(self, news: News, error: str) -> None:
        now = self._clock()
        if now - news.created_at > GIVE_UP_AFTER:
            log.error("webhook given up", event_id=news.event, domain=news.domain, error=error)
            await self._webhooks.given_up(news, error)
            return
        delay = next_delay(news.tries)
        log.warning("webhook not heard, will be tried again", event_id=news.event, domain=news.domain, error=error)
        await self._webhooks.postponed(news, now + delay, error)


def _come_in(fax: IncomingFax) -> dict[str, object]:
    complete = fax.state is IncomingState.COMPLETE
    return {
        "id": fax.uuid,
        "remotenum": fax.caller.removeprefix("+"),
        "stop_dt": to_text(fax.ended_at) if fax.ended_at else None,
        "status": fax.state.value,
        "success": "true" if complete else "false",
        "result": result_of(fax.state),
        "pages": fax.pages,
    }


def _written(said: Mapping[str, object]) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")


async def call(hook: Hook, event: str, body: bytes, now: datetime) -> None:
    """Says `body` to a program; raises `NotHeard` unless it answers with 2xx."""
    timestamp = str(int(now.timestamp()))
    fields = {
        "Content-Type": "application/json",
        "User-Agent": "mail2fax",
        EVENT_FIELD: event,
        TIMESTAMP_FIELD: timestamp,
        SIGNATURE_FIELD: f"sha256={signature(hook.secret, timestamp, body)}",
    }
    try:
        async with asyncio.timeout(LIMIT_S):
            status = await _posted(hook, fields, body)
    except (TimeoutError, OSError) as error:
        raise NotHeard(_words(error)) from error
    if not 200 <= status < 300:  # noqa: PLR2004 - RFC 9110: 2xx
        raise NotHeard(f"HTTP {status}")


async def _posted(hook: Hook, fields: Mapping[str, str], body: bytes) -> int:
    """The status of the answer; raises `NotHeard`, and `OSError`."""
    # Here, and beside the loop, for it takes a while to load: who has no webhook does not pay for it at each start.
    await asyncio.to_thread(import_module, "httpx")
    import httpx  # noqa: PLC0415

    place = urlsplit(hook.url)
    host = place.hostname or ""
    address = await _address_of(host, place.port or (443 if place.scheme == "https" else 80), private=hook.private)
    literal = f"[{address}]" if ":" in address else address
    at = urlunsplit(place._replace(netloc=f"{literal}:{place.port}" if place.port else literal))
    # The address that was judged is called, and its certificate must still be the host's: a name that leads somewhere
    # else at the second look-up leads nowhere.
    try:
        async with (
            httpx.AsyncClient(follow_redirects=False, timeout=LIMIT_S, trust_env=False) as client,
            client.stream(
                "POST", at, content=body, headers={**fields, "Host": place.netloc}, extensions={"sni_hostname": host}
            ) as answer,
        ):
            return answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotHeard(_words(error)) from error


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


async def _address_of(host: str, port: int, *, private: bool) -> str:
    """One address of `host`, if all of them may be called; raises `NotHeard`, and `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    # One that was written down as an address of this very machine is what the admin wants.
    if not private and not _is_loopback(host):
        for address in addresses:
            if not _is_public(address):
                raise NotHeard(f"{host} is {address}, on our own network: see api.webhook_private")
    return addresses[0]


def _is_public(address: str) -> bool:
    """Whether this address is somebody's on the Internet; one of IPv6 that leads to one of IPv4 (RFC 6052, RFC 3056)
    leads there."""
    judged = ip_address(address.partition("%")[0])
    if isinstance(judged, IPv6Address):
        if judged.is_site_local or judged in _LOCAL_NAT64:
            return False
        lowest = IPv4Address(int(judged) & 0xFFFFFFFF) if any(judged in network for network in _WITH_IPV4) else None
        judged = judged.ipv4_mapped or judged.sixtofour or lowest or judged
    return judged.is_global and not judged.is_multicast


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
