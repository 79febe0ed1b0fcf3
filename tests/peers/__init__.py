"""Small real servers that the tests meet: nothing in them is pretended."""
