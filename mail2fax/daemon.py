"""The life of the daemon: it opens the house, runs until it is told to stop, takes a changed configuration, and lets
the calls under way come to their end."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import structlog

from mail2fax import log as logs
from mail2fax import wiring
from mail2fax.config import Config
from mail2fax.config.errors import ConfigError, Fault
from mail2fax.config.reload import reloaded
from mail2fax.house import House, open_house, open_log
from mail2fax.service import ServiceManager

log = structlog.get_logger(__name__)

CLOSING_S = 90.0
"""Seconds that closing the doors and hanging up may take at the most, beside the wait for calls."""


async def run(config: Config, read_again: Callable[[], Config]) -> None:
    """Runs the gateway until SIGTERM or SIGINT; a second one hangs up the calls under way. Raises `CannotStart`.

    SIGHUP takes over what `read_again` returns, as far as that can be done without a restart.
    """
    open_log(config)
    signals, manager = _signals(), ServiceManager()
    async with open_house(config) as house:
        running = asyncio.create_task(_run(house))
        alive = asyncio.create_task(manager.keep_alive())
        log.info("gateway running", version=version("mail2fax"), data=str(config.gateway.data_dir))
        manager.ready()
        await _first(signals.stop.wait(), _done(running), _reload_when_told(house, read_again, signals, manager))
        stop_wait_s = house.config.gateway.stop_wait_s
        log.info("gateway stopping")
        manager.stopping(stop_wait_s + CLOSING_S)
        house.office.dispatcher.hold()
        calls = [work.finish(stop_wait_s, signals.hurry) for work in (house.office.dispatcher, house.office.answering)]
        await asyncio.gather(house.doors.stop(), *calls)
        alive.cancel()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    log.info("gateway stopped")


async def _run(house: House) -> None:
    """What the house does until it is cancelled: it moves jobs and, if it is to, answers calls."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(house.office.dispatcher.run())
        if house.config.incoming.answer:
            log.info("calls are answered", numbers=sorted(wiring.answering(house.config).inboxes))
            tasks.create_task(house.office.answering.run())


# Reloading


async def _reload_when_told(
    house: House, read_again: Callable[[], Config], signals: "_Signals", manager: ServiceManager
) -> None:
    """At each SIGHUP the log file is opened anew and the configuration read again; runs until cancelled."""
    while True:
        await signals.reload.wait()
        signals.reload.clear()
        manager.reloading()
        _reopen_log(house)
        try:
            await _reload(house, read_again)
        except Exception:
            # The calls under way must outlive a fault in reading a file.
            log.exception("configuration not taken, the old one stays in force")
        manager.ready()


async def _reload(house: House, read_again: Callable[[], Config]) -> None:
    try:
        # In a thread: telling the line of an error in a long file takes a while.
        news = reloaded(house.config, await asyncio.to_thread(read_again))
        house.adopt(news.config)
    except ConfigError as error:
        _refused(error.faults)
        return
    except OSError as error:
        _refused([Fault("", str(error.filename), error.strerror or str(error))])
        return
    log.info("configuration taken", changed=", ".join(news.changed) or "nothing")
    if news.waiting:
        log.warning("takes effect after a restart", keys=", ".join(news.waiting))


def _refused(faults: Sequence[Fault]) -> None:
    for fault in faults:
        log.error("configuration refused", key=fault.key or None, where=fault.where, problem=fault.problem)
    log.error("the old configuration stays in force, whole", faults=len(faults))


def _reopen_log(house: House) -> None:
    """logrotate has moved the file: that holds whatever becomes of the new configuration."""
    settings = wiring.log_settings(house.config)
    try:
        logs.configure(settings)
    except OSError as error:
        log.error("log file not opened", file=settings.file, error=str(error))
    house.workers.engine.log_as(settings)


# Stopping


@dataclass(frozen=True, slots=True)
class _Signals:
    """Events for the first and for a second SIGTERM or SIGINT, and for SIGHUP."""

    stop: asyncio.Event
    hurry: asyncio.Event
    reload: asyncio.Event


def _signals() -> _Signals:
    signals = _Signals(asyncio.Event(), asyncio.Event(), asyncio.Event())

    def told() -> None:
        (signals.hurry if signals.stop.is_set() else signals.stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    loop.add_signal_handler(signal.SIGHUP, signals.reload.set)
    return signals


async def _done(task: asyncio.Task[Any]) -> None:
    await asyncio.wait({task})


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    """Returns when the first of `waits` is over, and ends the others."""
    tasks = {asyncio.ensure_future(wait) for wait in waits}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
