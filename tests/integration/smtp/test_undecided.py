"""What cannot be decided now is for later: the client keeps the mail and comes again."""

from mail2fax.admission.undecided import Undecided
from mail2fax.ingest.smtp import UNDECIDED
from mail2fax.model.mail_proof import MailProof
from tests.integration.smtp.client import Client
from tests.integration.smtp.conftest import OpenHouse


async def test_a_client_hears_451_while_the_name_servers_do_not_answer(open_house: OpenHouse) -> None:
    """Trap: DNS trouble that is answered with 5xx loses a fax."""
    smtp = await open_house(dkim=True)
    smtp.gateway.doubt = Undecided("name: the name servers do not answer")
    async with Client(smtp.port) as client:
        await client.begin()
        assert await client.ask("From: anna@example.com\r\n\r\nhello\r\n.") == UNDECIDED
        smtp.gateway.doubt = None
        await client.begin_again()
        assert (await client.ask("From: anna@example.com\r\n\r\nhello\r\n.")).startswith("250")
    assert smtp.gateway.arrivals[0].counts == MailProof(dkim=True)
    assert not smtp.unfinished()
