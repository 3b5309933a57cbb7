"""The keys of links, and how pages look, at the command line."""

import struct

from gateway.app.configuration import read
from gateway.model.token import Purpose, unseal

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 120, 40) + bytes(5)


def test_a_new_key_signs_and_the_old_one_opens_for_ever(typed) -> None:
    before = read(typed.config)
    names = (1, 2, bytes(16), "0" * 26)
    old = before.links.why(*names).rpartition("/")[2]
    assert "key 2 signs new links" in typed.good("key", "rotate")
    assert typed.json("key", "rotate") == {"current": 3, "keys": [1, 2, 3]}
    after = read(typed.config)
    new = after.links.why(*names).rpartition("/")[2]
    assert new != old
    for text in (old, new):
        assert unseal(text, after.tokens.keys, Purpose.WHY).list_id == 2
    assert typed.json("key", "list") == {"current": 3, "keys": [1, 2, 3]}
    assert [line.split() for line in typed.good("key", "list").splitlines()[1:]] == [
        ["1", "no"],
        ["2", "no"],
        ["3", "yes"],
    ]
    assert (typed.config.parent / "secrets/token.keys").stat().st_mode & 0o777 == 0o600


def test_keys_that_somebody_else_keeps_are_not_rotated_here(typed, tmp_path, monkeypatch) -> None:
    text = typed.config.read_text()
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "links").write_bytes((typed.config.parent / "secrets/token.keys").read_bytes())
    (credentials / "links").chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    typed.config.write_text(
        text.replace('token_keys = "secrets/token.keys"', 'token_keys = "credential:links"')
    )
    assert "handed over by systemd" in typed.refused("key", "rotate")


def test_a_full_set_of_keys(typed) -> None:
    file = typed.config.parent / "secrets/token.keys"
    file.write_text(f"255 {'ab' * 32}\n")
    assert "all 255 ids are used" in typed.refused("key", "rotate")


def test_a_brand(bakery, tmp_path) -> None:
    logo = tmp_path / "logo.svg"  # the name's ending means nothing
    logo.write_bytes(PNG)
    assert "none" in bakery.good("account", "brand", "bakery")
    words = ["account", "brand", "bakery", "--colour", "#FFE600", "--logo", str(logo)]
    assert bakery.json(*words) == {"colour": "#ffe600", "logo": "image/png", "width": 120, "height": 40}
    assert bakery.json("account", "brand", "bakery", "--colour", "#000001")["logo"] == "image/png"
    assert "image/png, 120 by 40 pixels" in bakery.good("account", "brand", "bakery")
    cleared = {"colour": None, "logo": None, "width": 0, "height": 0}
    assert bakery.json("account", "brand", "bakery", "--clear") == cleared


def test_a_brand_that_is_refused(bakery, tmp_path) -> None:
    picture = tmp_path / "logo.png"
    picture.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert "neither PNG nor JPEG nor WebP" in bakery.refused(
        "account", "brand", "bakery", "--logo", str(picture)
    )
    assert "No such file" in bakery.refused(
        "account", "brand", "bakery", "--logo", str(tmp_path / "none.png")
    )
    for colour in ("red", "#12345", "#1234567", "0c5a55", "#0c5a5g", "#0c5a55;}"):
        assert "is no colour" in bakery.refused("account", "brand", "bakery", "--colour", colour)
    assert "there is no account" in bakery.refused("account", "brand", "nobody", "--clear")
