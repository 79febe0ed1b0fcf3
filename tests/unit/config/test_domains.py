"""Who may fax as whom: names lead from a rule to its domain and terminal, and never to another tenant's."""

from pathlib import Path

import pytest

from mail2fax.config import Config, load
from mail2fax.config.domains import default_terminal, inboxes, sender_rules, tenants
from mail2fax.config.errors import ConfigError
from mail2fax.config.told import wishes_of_all
from mail2fax.model.domain import Terminal
from mail2fax.model.rule import SenderRule
from mail2fax.model.wishes import Copy, News, Report, Wishes

TENANTS = """
[senders]
allow = ["*@example.com"]
rules = [
  { allow = ["sales{*}@example.com", "shop@example.com"], terminal = "sales" },
  { allow = ["*@example.org"], domain = "tenant" },
  { allow = ["boss@example.net"], terminal = "second" },
]
[terminal]
caller_id = "1500"
[[terminal.named]]
name = "sales"
number = "+375172001501"
header = "Sales"
[[terminal.named]]
name = "first"
domain = "tenant"
caller_id = "1600"
station_id = "1600"
[[terminal.named]]
name = "second"
domain = "tenant"
number = "+375172001601"
caller_id = "375172001601"
[[domain.named]]
name = "tenant"
terminal = "first"
"""


def loaded(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return load(path)


def rules_of(config: Config) -> tuple[SenderRule, ...]:
    return sender_rules(config.senders, config.terminal, config.domain)


def test_a_plain_list_of_masks_is_the_default_rule_with_the_default_terminal(tmp_path: Path) -> None:
    config = loaded(tmp_path, '[senders]\nallow = ["*@example.com"]\n[terminal]\ncaller_id = "1500"\n')
    (rule,) = rules_of(config)
    assert (rule.mask.text, rule.domain, rule.terminal) == ("*@example.com", "default", Terminal("1500", "", ""))


def test_each_rule_has_its_terminal_and_its_domain_and_the_plain_list_comes_last(tmp_path: Path) -> None:
    found = [(rule.mask.text, rule.terminal.name, rule.domain) for rule in rules_of(loaded(tmp_path, TENANTS))]
    assert found == [
        ("sales{*}@example.com", "sales", "default"),
        ("shop@example.com", "sales", "default"),
        ("*@example.org", "first", "tenant"),
        ("boss@example.net", "second", "tenant"),
        ("*@example.com", "default", "default"),
    ]


def test_a_rule_names_who_is_told_of_its_automatic_mails(tmp_path: Path) -> None:
    config = loaded(tmp_path, '[senders]\nrules = [{ allow = ["scan@example.com"], notify = "clerk@example.com" }]\n')
    assert [rule.notify for rule in rules_of(config)] == ["clerk@example.com"]
    with pytest.raises(ConfigError, match=r"senders\.rules.*notify"):
        loaded(tmp_path, '[senders]\nrules = [{ allow = ["scan@example.com"], notify = "clerk" }]\n')


def test_a_number_is_also_the_caller_and_the_identification_where_these_are_not_named(tmp_path: Path) -> None:
    rules = {rule.terminal.name: rule.terminal for rule in rules_of(loaded(tmp_path, TENANTS))}
    assert rules["sales"] == Terminal("+375172001501", "+375172001501", "Sales", "sales", "+375172001501")
    assert (rules["second"].caller_id, rules["second"].station_id) == ("375172001601", "+375172001601")


def test_without_any_terminal_the_caller_is_called_mail2fax() -> None:
    assert default_terminal(Config().terminal) == Terminal("mail2fax", "", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[senders]\nrules = [{allow = ["a@b.example"], terminal = "x"}]\n',
            'there is no terminal "x"; known are default',
        ),
        ('[senders]\nrules = [{allow = ["a@b.example"], domain = "x"}]\n', 'there is no domain "x"; known are default'),
        ('[domain]\nnamed = [{name = "x", terminal = "y"}]\n', 'there is no terminal "y"'),
        ('[domain]\nnamed = [{name = "default", terminal = "default"}]\n', 'the name "default" is taken'),
        ('[terminal]\nnamed = [{name = "default", number = "+1"}]\n', 'the name "default" is taken'),
        ('[terminal]\nnamed = [{name = "x"}]\n', "x needs a number or a caller_id"),
        ('[terminal]\nnamed = [{name = "x", number = "+1", domain = "y"}]\n', 'there is no domain "y"'),
        ('[terminal]\nnumber = "8 017"\n', "must be a number in international form"),
        ('[terminal]\nnamed = [{name = "A B"}]\n', "terminal.named[0].name"),
    ],
)
def test_a_name_that_leads_nowhere_is_told(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert said in str(caught.value)


SHARED = """
[terminal]
number = "+375172001500"
deliver_to = "reader@example.com"
named = [{{ name = "second", number = "+375172001500", header = "Sales"{} }}]
"""
ANSWERED = "[incoming]\nanswer = true\n"


def test_two_terminals_of_one_number_send_as_ever_and_receive_for_one_reader_alone(tmp_path: Path) -> None:
    """Nobody's configuration stops loading for calls that it does not want answered."""
    own = ', deliver_to = "other@example.com"'
    loaded(tmp_path, SHARED.format(own))
    with pytest.raises(ConfigError, match="calls to 375172001500 cannot be those of two terminals"):
        loaded(tmp_path, SHARED.format(own) + ANSWERED)
    same = loaded(tmp_path, SHARED.format(', deliver_to = "reader@example.com"') + ANSWERED)
    assert inboxes(same.terminal, same.domain)["375172001500"].terminal.name == "default"


def test_calls_that_are_answered_bring_their_faxes_to_somebody(tmp_path: Path) -> None:
    number = '[terminal]\nnumber = "+375172001500"\n'
    with pytest.raises(ConfigError, match="nobody would get the faxes"):
        loaded(tmp_path, number + ANSWERED)
    loaded(tmp_path, number + ANSWERED + '[api]\nlisten = "localhost"\n')
    loaded(tmp_path, number + ANSWERED + '[domain]\ndeliver_to = "reader@example.com"\n')


def test_a_tenant_calls_from_its_own_numbers_only(tmp_path: Path) -> None:
    wrong = TENANTS.replace('domain = "tenant" },', 'domain = "tenant", terminal = "sales" },')
    with pytest.raises(ConfigError, match='the terminal "sales" belongs to the domain "default", not to "tenant"'):
        loaded(tmp_path, wrong)


def test_a_domain_knows_its_own_terminals_by_name_number_and_caller_id(tmp_path: Path) -> None:
    config = loaded(tmp_path, TENANTS)
    known = tenants(config.terminal, config.domain)
    assert set(known) == {"default", "tenant"}
    tenant = known["tenant"]
    assert tenant.terminal.name == "first"
    found = {word: (tenant.terminal_of(word) or Terminal("", "", "", "nobody's")).name for word in ("1600", "second")}
    assert found == {"1600": "first", "second": "second"}
    for word in ("+375172001601", "375172001601"):
        assert (tenant.terminal_of(word) or tenant.terminal).name == "second"
    for word in ("sales", "default", "1500", "+375172001501", "", "+"):
        assert tenant.terminal_of(word) is None, "not its own"


def test_a_rule_says_how_its_senders_are_told_and_leaves_the_rest_to_reply(tmp_path: Path) -> None:
    text = """
[senders]
allow = ["*@example.com"]
rules = [
  { allow = ["a@example.com"], language = "ru", news = ["delayed"], copy = "pdf" },
  { allow = ["b@example.com"], news = ["none"], copy = "none", report = "mail" },
]
[reply]
news = ["accepted"]
copy = "thumbnail"
report = "dsn"
"""
    config = loaded(tmp_path, text)
    told = wishes_of_all(config.reply)
    first, second, others = (rule.wishes for rule in sender_rules(config.senders, config.terminal, config.domain, told))
    assert first == Wishes("ru", (News.DELAYED,), Copy.PDF, Report.DSN)
    assert second == Wishes("", (), Copy.NONE, Report.MAIL)
    assert others == told == Wishes("", (News.ACCEPTED,), Copy.THUMBNAIL, Report.DSN)


def test_a_webhook_is_one_of_a_domain_that_there_is(tmp_path: Path) -> None:
    """A name with a slip in it would tell nobody anything, and nobody that."""
    hook = '[[api.webhook]]\nurl = "https://crm.example.com/faxes"\nsecret = "0123456789abcdef0123456789abcdef"\n'
    for domain in ("default", "tenant"):
        assert loaded(tmp_path, f'{TENANTS}\n{hook}domain = "{domain}"\n').api.webhook[0].domain == domain
    with pytest.raises(ConfigError, match=r'api.webhook: there is no domain "tenat"; known are default, tenant'):
        loaded(tmp_path, f'{TENANTS}\n{hook}domain = "tenat"\n')
