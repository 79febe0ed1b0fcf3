"""What `--help` shows below each verb: a line to copy. And its paragraphs, without the line ends of our source."""

import re
from typing import Any

EXAMPLES = {
    "run": "mail2fax run --config config.toml",
    "demo": "mail2fax demo --keep",
    "doctor": "mail2fax doctor --call +375172001515",
    "jobs": "mail2fax jobs --state failed --state unconfirmed --since 3d",
    "show": "mail2fax show 42 --trace",
    "preview": "mail2fax preview letter.tif -o letter.pdf",
    "send": "mail2fax send letter.tif +375172001515",
    "tail": "mail2fax tail 42",
    "retry": "mail2fax retry 42",
    "cancel": "mail2fax cancel 42",
    "hold": "mail2fax hold --all",
    "release": "mail2fax release --all",
    "resend": "mail2fax resend 12 --to office@example.com",
    "answer": "mail2fax answer --listen 192.0.2.10:5070 --out received",
    "password": "mail2fax password",
    "path": "mail2fax path default tokens/letter.tif",
    "mask explain": "mail2fax mask explain anna@example.com --number 80172001515 --proof network:192.0.2.0/28",
    "mask replay": "mail2fax mask replay changed.toml",
    "token create": "mail2fax token create crm --scope send --scope history --days 365",
    "token list": "mail2fax token list",
    "token revoke": "mail2fax token revoke 2",
    "config show": "mail2fax config show",
    "config check": "mail2fax config check --config changed.toml",
}

_LINE_END = re.compile(r"(?<!\n)\n(?!\n)")


def teach(command: Any, verb: str) -> None:
    """Gives `command`, and each verb below it, its example."""
    for name, below in getattr(command, "commands", {}).items():
        teach(below, f"{verb} {name}")
    command.help = _LINE_END.sub(" ", command.help or "")
    if verb in EXAMPLES:
        command.epilog = f"Example: {EXAMPLES[verb]}"
