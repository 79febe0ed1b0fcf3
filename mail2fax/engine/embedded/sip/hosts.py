"""The names that this machine knows by itself: the text of /etc/hosts (hosts(5))."""

from mail2fax.engine.embedded.sip.uri import address_of


def parse_hosts(text: str) -> dict[str, list[str]]:
    """Name, in lower case, to its addresses in the order of the file. Lines that make no sense are passed over."""
    names: dict[str, list[str]] = {}
    for line in text.splitlines():
        address, *rest = line.partition("#")[0].split() or [""]
        if address_of(address) is not None:
            for name in rest:
                names.setdefault(name.lower(), []).append(address)
    return names
