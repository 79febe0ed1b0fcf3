"""Which keys of a changed configuration a running gateway takes."""

from collections.abc import Mapping

import pytest
from pydantic import BaseModel, SecretStr

from mail2fax.config import Config
from mail2fax.config.errors import ConfigError
from mail2fax.config.reload import AT_START_ONLY, reloaded

Changes = Mapping[str, Mapping[str, object]]


def changed(config: Config, changes: Changes) -> Config:
    sections: dict[str, BaseModel] = dict(config)
    return config.model_copy(update={name: sections[name].model_copy(update=keys) for name, keys in changes.items()})


def test_masks_terminals_and_limits_are_taken() -> None:
    changes: Changes = {
        "senders": {"allow": ("*@example.org",)},
        "terminal": {"station_id": "+375 17"},
        "smtp": {"max_mail_mb": 5.0},
        "document": {"max_pages": 3},
    }
    news = reloaded(Config(), changed(Config(), changes))
    assert news.config == changed(Config(), changes)
    assert set(news.changed) == {"senders.allow", "terminal.station_id", "smtp.max_mail_mb", "document.max_pages"}
    assert news.waiting == ()


def test_what_the_house_is_built_from_stays_and_is_named() -> None:
    changes: Changes = {
        "trunk": {"host": "sip.example.net", "password": SecretStr("new"), "ring_limit_s": 5.0},
        "sip": {"port": 5099},
    }
    news = reloaded(Config(), changed(Config(), changes))
    assert news.config == changed(Config(), {"trunk": changes["trunk"]})
    assert news.waiting == ("sip.port",)


def test_the_same_configuration_changes_nothing() -> None:
    news = reloaded(Config(), Config())
    assert (news.config, news.changed, news.waiting) == (Config(), (), ())


def test_a_mixture_that_would_not_be_right_as_a_file_is_refused() -> None:
    """The ports stay, the lines stay: but a reply account without TLS must not come in by the back door."""
    bad: Changes = {"reply": {"host": "mail.example.com", "user": "fax"}, "sip": {"port": 5099}}
    with pytest.raises(ConfigError, match=r"needs a restart because of sip.port: .*clear text"):
        reloaded(Config(), changed(Config(), bad))


def test_every_key_that_waits_for_a_restart_exists() -> None:
    known = {name for name, _ in Config()}
    known |= {f"{name}.{key}" for name, section in Config() for key in type(section).model_fields}
    assert known >= AT_START_ONLY
