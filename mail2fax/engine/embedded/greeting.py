"""A voice message, played to the far end before the fax begins, or until a fax machine is heard there."""

from mail2fax.engine.embedded.spandsp.task import Law
from mail2fax.engine.embedded.spandsp.tones import FaxTones


def _mu_of_a() -> bytes:
    """For each octet of A-law the octet of mu-law for it (G.711 Tables 3 and 4, by way of the linear value)."""
    return bytes(_mu(_linear_of_a(octet)) for octet in range(256))


def _linear_of_a(octet: int) -> int:
    octet ^= 0x55
    segment, step = octet >> 4 & 7, octet & 15
    value = (step << 4) + 8 if segment == 0 else (step << 4) + 0x108 << segment - 1
    return value if octet & 0x80 else -value


def _mu(linear: int) -> int:
    sign, value = (0x80, -linear) if linear < 0 else (0, linear)
    value = min(value, 32_635) + 132
    segment = max(value.bit_length() - 8, 0)
    return ~(sign | segment << 4 | value >> segment + 3 & 15) & 0xFF


_MU_OF_A = _mu_of_a()


class Greeting:
    """The message `voice` (A-law, 8000 samples a second) on its way."""

    def __init__(self, voice: bytes) -> None:
        self._voice = voice
        self._at = 0
        self._tones = FaxTones()
        self.fax_heard = False
        """The far end has sent fax tones: nobody is listening to us."""

    @property
    def over(self) -> bool:
        return self.fax_heard or self._at >= len(self._voice)

    def hear(self, samples: bytes, law: Law) -> None:
        """What the far end says meanwhile."""
        self.fax_heard = self.fax_heard or self._tones.hear(samples, law)

    def speak(self, count: int, law: Law) -> bytes:
        """The next `count` samples, silence behind the end."""
        piece = self._voice[self._at : self._at + count]
        self._at += count
        spoken = piece if law is Law.A else piece.translate(_MU_OF_A)
        return spoken + law.silence * (count - len(spoken))
