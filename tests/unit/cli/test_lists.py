"""What a list says of itself, and the form by which people join it."""

import re


def test_a_list_says_what_it_is_and_how_often(bakery) -> None:
    bakery.good("list", "add", "bakery", "rye.bakery.example", "--name", "Rye")
    said = bakery.json(
        "list", "set", "bakery", "rye.bakery.example", "--description", "Rye & more", "--frequency", "weekly"
    )
    wanted = {"account": "bakery", "list_id": "rye.bakery.example", "name": "Rye", "language": ""}
    assert said == wanted | {"description": "Rye & more", "frequency": "weekly"}
    said = bakery.json("list", "set", "bakery", "RYE.bakery.example", "--frequency", "")
    assert said == wanted | {"description": "Rye & more", "frequency": ""}, "what is not named stays"
    assert "description  Rye & more" in re.sub(
        r":? {2,}", "  ", bakery.good("list", "set", "bakery", "rye.bakery.example")
    )


def test_words_that_cannot_stand_on_a_page(bakery) -> None:
    bakery.good("list", "add", "bakery", "rye.bakery.example")
    refused = bakery.refused("list", "set", "bakery", "rye.bakery.example", "--description", "x" * 501)
    assert "the description is longer than 500 characters" in refused
    refused = bakery.refused("list", "set", "bakery", "rye.bakery.example", "--frequency", "weekly\nBcc: x")
    assert "the frequency holds control characters" in refused
    assert "has no list" in bakery.refused("list", "set", "bakery", "oat.bakery.example", "--name", "Oat")


def test_the_form(bakery) -> None:
    bakery.good("list", "add", "bakery", "rye#1.bakery.example")
    html = bakery.good("list", "form", "bakery", "rye#1.bakery.example")
    assert re.search(r'method="post" action="http[^"]+/subscribe/bakery/rye%231\.bakery\.example"', html)
    assert 'name="email"' in html
    assert 'name="website" tabindex="-1"' in html
    assert "<script" not in html
