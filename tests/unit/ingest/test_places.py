"""Room is limited in all and for each address, and a place comes back exactly once."""

from mail2fax.ingest.places import Place, Places


def taken(places: Places, most: int = 10) -> Place:
    place = places.take(most)
    assert place
    return place


def test_the_last_place_taken_none_is_left_until_one_is_given_back() -> None:
    places = Places()
    first, _ = taken(places, 2), taken(places, 2)
    assert places.take(2) is None
    first.free()
    first.free()
    assert places.take(2)
    assert places.take(2) is None


def test_one_address_gets_its_share_and_others_theirs() -> None:
    places = Places()
    first = taken(places)
    assert first.claim("192.0.2.1", 1)
    assert not taken(places).claim("192.0.2.1", 1)
    assert taken(places).claim("192.0.2.2", 1)
    first.free()
    first.free()
    assert taken(places).claim("192.0.2.1", 1)
    assert not taken(places).claim("192.0.2.1", 1)
