"""Room for so many connections, and so many of one address: one client must not take every place."""

from collections import Counter


class Places:
    """The places of a door. Who comes takes one, names his address once it is known, and gives the place back."""

    def __init__(self) -> None:
        self._taken: set[Place] = set()
        self._addresses: Counter[str] = Counter()

    def take(self, most: int) -> "Place | None":
        """A place, None when `most` are taken."""
        if len(self._taken) >= most:
            return None
        place = Place(self, self._addresses)
        self._taken.add(place)
        return place

    def free(self, place: "Place") -> None:
        """Gives `place` back. Twice is as good as once."""
        self._taken.discard(place)


class Place:
    """One taken place."""

    def __init__(self, places: Places, addresses: Counter[str]) -> None:
        self._places = places
        self._addresses = addresses
        self._address: str | None = None

    def claim(self, address: str, most: int) -> bool:
        """Whether it may be used by `address`, which has not yet `most` others."""
        if self._addresses[address] >= most:
            return False
        self._address = address
        self._addresses[address] += 1
        return True

    def free(self) -> None:
        """Gives the place back. Twice is as good as once."""
        self._places.free(self)
        if self._address is not None:
            self._addresses[self._address] -= 1
            if not self._addresses[self._address]:
                del self._addresses[self._address]
            self._address = None
