"""From the configuration to what each room wants to be told: one function for each room."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from mail2fax import log as logs
from mail2fax.admission.attachment import Wanted
from mail2fax.admission.gate import AdmissionRules
from mail2fax.admission.number import NumberPlan, NumberRules
from mail2fax.answering import AnsweringSettings
from mail2fax.api.fax import FaxSettings
from mail2fax.api.files import Quota
from mail2fax.api.settings import DoorSettings, Patience, Public
from mail2fax.config import Config
from mail2fax.config.domains import default_terminal, inboxes, mailbox_rules, numbers_by_domain, sender_rules, tenants
from mail2fax.config.errors import ConfigError, Fault
from mail2fax.config.sections import DocumentSection
from mail2fax.config.told import wishes_of_all
from mail2fax.config.trunk import TrunkEntry, TrunkSection
from mail2fax.control.orders import SendLimits
from mail2fax.dialling import Dialling
from mail2fax.dispatch import ReplyDelivery
from mail2fax.document.cover_template import CoverTemplate
from mail2fax.document.limits import RenderLimits
from mail2fax.engine.settings import EngineSettings, Identity, TlsSettings, TrunkSettings
from mail2fax.ingest import smtp_setup
from mail2fax.ingest.mailbox_door import MailboxesSettings
from mail2fax.ingest.mailbox_setup import mailboxes_settings
from mail2fax.ingest.smtp import SmtpSettings
from mail2fax.ingest.tls import TlsFilesUnusable, server_context
from mail2fax.jobs.retention import KeepFor
from mail2fax.jobs.retry import RetryPolicy
from mail2fax.jobs.settings import JobSettings
from mail2fax.model.document import Kind
from mail2fax.model.mask import NumberMask
from mail2fax.model.outcome import RetryClass
from mail2fax.model.trunk import NumberForm, Rewrite, Trunk
from mail2fax.oauth.setup import grant_of
from mail2fax.oauth.source import TokenSource
from mail2fax.reply.compose import Letterhead
from mail2fax.reply.send import MailServer, Security
from mail2fax.reply.words import Language, words_in
from mail2fax.trunks.national import national_form
from mail2fax.upkeep import Limits
from mail2fax.webhooks import Hook

_MEGABYTE = 1_000_000
_STUN_PORT = 3478  # RFC 8489 2
_DIAL_PREFIXES = {"+e164": "+", "e164": "", "00e164": "00"}


def log_settings(config: Config) -> logs.LogSettings:
    return logs.LogSettings(config.log.level, config.log.format, config.log.file)


def engine_settings(config: Config) -> EngineSettings:
    """What the engine process is told."""
    return EngineSettings(
        listen_host=config.sip.listen,
        listen_also=config.sip.listen_also,
        record_folder=str(config.gateway.data_dir / "engine"),
        listen_port=config.sip.port,
        listen_tcp=config.sip.tcp,
        tls_port=config.sip.tls_port or None,
        tls=_tls_settings(config),
        public_host=config.sip.public_address,
        local_networks=config.sip.local_networks,
        stun=_stun_server(config.sip.stun),
        media_port_low=config.sip.media_port_low,
        media_port_high=config.sip.media_port_high,
        real_time=config.sip.real_time,
        lines=config.engine_lines,
        caller_user=config.sip.user,
        caller_password=config.sip.password.get_secret_value(),
        trunks=tuple(_trunk_settings(trunk) for trunk in config.trunk.trunks),
    )


def _trunk_settings(trunk: TrunkSection | TrunkEntry) -> TrunkSettings:
    return TrunkSettings(
        host=trunk.host,
        port=trunk.port,
        user=trunk.user,
        password=trunk.password.get_secret_value(),
        domain=trunk.domain,
        name=trunk.name,
        transport=trunk.transport,
        auth_user=trunk.auth_user,
        registration_s=trunk.registration_s if trunk.registration else None,
        options_s=trunk.options_s,
        from_user=trunk.user if trunk.from_user == "account" else "",
        identity=Identity(trunk.identity),
        hide_caller=trunk.hide_caller,
        addresses=trunk.addresses,
        codecs=tuple(codec.upper() for codec in trunk.codecs),
        offer_after_s=trunk.t38_offer_after_s,
        ptime_ms=trunk.ptime_ms,
        session_expires_s=trunk.session_expires_s,
        quirks=trunk.quirks,
    )


def _tls_settings(config: Config) -> TlsSettings:
    sip = config.sip
    return TlsSettings(sip.tls_certificate, sip.tls_key, sip.tls_ca, sip.tls_client_ca, sip.tls_minimum)


def _stun_server(text: str) -> tuple[str, int] | None:
    host, _, port = text.partition(":")
    return (host, int(port or _STUN_PORT)) if host else None


def rules(config: Config) -> AdmissionRules:
    numbers = config.numbers
    return AdmissionRules(
        senders=sender_rules(config.senders, config.terminal, config.domain, wishes_of_all(config.reply)),
        plan=NumberPlan(numbers.region, numbers.area_code or None),
        numbers=NumberRules(
            allow=tuple(NumberMask.parse(text) for text in numbers.allow),
            deny=tuple(NumberMask.parse(text) for text in numbers.deny),
        ),
        hostname=config.gateway.hostname,
        by_domain=numbers_by_domain(config.domain),
        wanted=wanted(config.document),
        bindings=config.smtp.bindings(),
        mailboxes=mailbox_rules(config.mailbox.named, config.terminal, config.domain, wishes_of_all(config.reply)),
        signatures=config.proof.rules,
    )


def mailboxes(config: Config) -> MailboxesSettings:
    return mailboxes_settings(config.mailbox, config.smtp)


def smtp_settings(config: Config) -> SmtpSettings:
    """Raises `ConfigError` when the files for TLS cannot be used."""
    try:
        return smtp_setup.smtp_settings(config.smtp, config.gateway.hostname)
    except TlsFilesUnusable as error:
        raise ConfigError([Fault(f"smtp.{error.key}", "TLS", str(error))]) from error


def api_door(config: Config) -> DoorSettings:
    """Raises `ConfigError` when the files for TLS cannot be used."""
    api = config.api
    try:
        tls = server_context(api.tls_certificate, api.tls_key) if api.tls_certificate else None
    except TlsFilesUnusable as error:
        raise ConfigError([Fault(f"api.{error.key}", "TLS", str(error))]) from error
    return DoorSettings(
        host="127.0.0.1" if api.listen == "localhost" else api.listen,
        port=api.port,
        tls=tls,
        proxies=api.proxies,
        max_connections=api.max_connections,
        max_connections_per_address=api.max_connections_per_address,
        max_failures_per_address=api.max_failures_per_address,
        patience=Patience(api.stall_s, api.wait_s),
        public=Public(api.public_url.rstrip("/"), api.url_needs_token),
    )


def api_faxes(config: Config) -> FaxSettings:
    limits = send_limits(config)
    return FaxSettings(
        tenants=tenants(config.terminal, config.domain),
        words=words_in(Language(config.reply.language)),
        hostname=limits.hostname,
        max_bytes=limits.max_bytes,
        min_free_bytes=limits.min_free_bytes,
    )


def hooks(config: Config) -> Mapping[str, Hook]:
    """Who is told how faxes end, by domain."""
    private = config.api.webhook_private
    return {hook.domain: Hook(hook.url, hook.secret.get_secret_value(), private) for hook in config.api.webhook}


def api_quota(config: Config) -> Quota:
    api = config.api
    return Quota(
        total_bytes=round(api.quota_mb * _MEGABYTE),
        files=api.max_files,
        upload_bytes=round(api.max_upload_mb * _MEGABYTE),
        reserve_bytes=send_limits(config).min_free_bytes,
    )


def own_quotas(config: Config) -> Mapping[str, Quota]:
    """Those of the tenants, each with what it leaves out from the one of all."""
    of_all = api_quota(config)
    return {
        entry.name: replace(
            of_all,
            total_bytes=round(entry.quota_mb * _MEGABYTE) if entry.quota_mb else of_all.total_bytes,
            files=entry.max_files or of_all.files,
        )
        for entry in config.domain.named
    }


def domains(config: Config) -> frozenset[str]:
    """The names of the tenants."""
    return frozenset(tenants(config.terminal, config.domain))


def send_limits(config: Config) -> SendLimits:
    smtp = config.smtp
    return SendLimits(
        config.gateway.hostname, round(smtp.max_mail_mb * _MEGABYTE), round(smtp.disk_reserve_mb * _MEGABYTE)
    )


def job_settings(config: Config) -> JobSettings:
    return JobSettings(
        config.gateway.hostname,
        lifetime=timedelta(hours=config.retry.give_up_after_h),
        keep_traces=config.trace.keep,
        told_domains=frozenset(hook.domain for hook in config.api.webhook),
        lines=config.most_lines,
    )


def keep_for(config: Config) -> KeepFor:
    keep = config.retention
    return KeepFor(
        timedelta(days=keep.mails_d),
        timedelta(days=keep.documents_d),
        timedelta(days=keep.journal_d),
        timedelta(days=keep.traces_d),
        timedelta(days=keep.incoming_d),
    )


def limits(config: Config) -> Limits:
    alarm = config.alarm
    return Limits(
        trunk_calls=alarm.trunk_calls,
        reply_age=timedelta(minutes=alarm.reply_age_min),
        queue_age=timedelta(minutes=alarm.queue_age_min),
        reserve_bytes=round(config.smtp.disk_reserve_mb * _MEGABYTE),
    )


def render_limits(config: Config) -> RenderLimits:
    document = config.document
    return RenderLimits(
        document.max_pages,
        page_seconds=document.page_seconds,
        memory_mb=document.memory_mb,
        page_phone_s=document.page_phone_s,
        open_forwarded=document.forwarded == "open",
        open_winmail=document.winmail == "open",
        accept=document.accept,
    )


def cover_page(config: Config) -> CoverTemplate | None:
    """What every fax begins with; None for nothing."""
    document = config.document
    return CoverTemplate(Path(document.cover), Path(document.cover_font)) if document.cover else None


def wanted(document: DocumentSection) -> Wanted:
    """Which attachments are faxed."""
    return Wanted(
        accept=frozenset(Kind(kind) for kind in document.accept),
        several=document.several == "join",
        ignore_others=document.others == "ignore",
    )


def dialling(config: Config) -> Dialling:
    return Dialling(
        terminal=default_terminal(config.terminal),
        hostname=config.gateway.hostname,
        zone=ZoneInfo(config.gateway.time_zone),
        longest_call_s=job_settings(config).calling.total_seconds(),
    )


def answering(config: Config) -> AnsweringSettings:
    incoming = config.incoming
    return AnsweringSettings(
        inboxes=inboxes(config.terminal, config.domain) if incoming.answer else {},
        lines=incoming.lines,
        ring_s=incoming.ring_s,
        longest_call_s=job_settings(config).calling.total_seconds(),
        media_policy=incoming.t38,
        accounts={trunk.name: trunk.user for trunk in config.trunk.trunks},
    )


def trunks(config: Config) -> tuple[Trunk, ...]:
    """The trunks, as far as the gateway needs to know them; the engine is told the rest (`engine_settings`)."""
    return tuple(
        Trunk(
            name=trunk.name,
            form=_number_form(trunk, config.numbers.region),
            allow=tuple(NumberMask.parse(text) for text in trunk.allow),
            lines=trunk.lines,
            calls_per_second=trunk.calls_per_second,
            ring_limit_s=trunk.ring_limit_s,
            follow_redirects=trunk.follow_redirects,
            media_policy=trunk.t38,
            ecm=trunk.ecm,
            max_bit_rate=trunk.max_bit_rate,
            fax_password=trunk.fax_password.get_secret_value(),
        )
        for trunk in config.trunk.trunks
    )


def _number_form(trunk: TrunkSection | TrunkEntry, region: str) -> NumberForm:
    rewrites = tuple(Rewrite(rule.starts, rule.dial) for rule in trunk.rewrite)
    if trunk.dial == "national":
        return national_form(region, rewrites)
    return NumberForm(_DIAL_PREFIXES[trunk.dial], rewrites)


def retries(config: Config) -> RetryPolicy:
    retry = config.retry
    return RetryPolicy(
        {
            RetryClass.BUSY: _minutes(retry.busy_min),
            RetryClass.NO_ANSWER: _minutes(retry.no_answer_min),
            RetryClass.CONGESTION: _minutes(retry.congestion_min),
            RetryClass.OUT_OF_ORDER: _minutes(retry.out_of_order_min),
            RetryClass.NOT_READY: _minutes(retry.not_ready_min),
            RetryClass.NO_FAX: _minutes(retry.no_fax_min),
            RetryClass.NEGOTIATION: _minutes(retry.negotiation_min),
            RetryClass.PROTOCOL: _minutes(retry.protocol_min),
            RetryClass.DROPPED: _minutes(retry.dropped_min),
            RetryClass.LOCAL: _minutes(retry.local_min),
        },
        max_dials=retry.max_dials,
        max_tries=retry.max_tries,
    )


def _minutes(delays: tuple[float, ...]) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=delay) for delay in delays)


def replies(config: Config) -> ReplyDelivery:
    reply, gateway = config.reply, config.gateway
    grant = grant_of(reply, reply.user)
    return ReplyDelivery(
        letterhead=Letterhead(
            reply.sender, ZoneInfo(gateway.time_zone), Language(reply.language), reply.notify, gateway.hostname
        ),
        server=MailServer(
            host=reply.host,
            port=reply.port,
            hostname=gateway.hostname,
            user=reply.user,
            password=reply.password.get_secret_value(),
            security=Security(reply.security),
            tokens=TokenSource(grant) if grant else None,
        ),
        give_up_after=timedelta(hours=reply.give_up_after_h),
        admin=config.alarm.admin,
    )
