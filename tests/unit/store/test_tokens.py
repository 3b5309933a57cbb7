from pathlib import Path

import pytest

from gateway.model import token
from gateway.settings.secret_files import BadSecret
from gateway.store.tokens import create_token_keys, load_token_keys, rotate_token_keys

A, B = "aa" * 32, "bb" * 32


def _file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "token.keys"
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def test_the_last_line_signs(tmp_path: Path) -> None:
    keys = load_token_keys(_file(tmp_path, f"1 {A}\n\n7 {B}\n"))
    assert keys.current_id == 7
    assert keys.keys == {1: b"\xaa" * 32, 7: b"\xbb" * 32}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no key"),
        (f"{A}\n", "line 1: write an id"),
        (f"0 {A}\n", "line 1: write an id"),
        (f"256 {A}\n", "line 1: write an id"),
        (f"99999999999 {A}\n", "line 1: write an id"),
        (f"x {A}\n", "line 1: write an id"),
        (f"1 {A} more\n", "line 1: write an id"),
        (f"1 {A}\n2 abcd\n", "line 2: a key is 64"),
        ("1 " + "zz" * 32, "line 1: a key is 64"),
        ("1 " + "é" * 32, "line 1: a key is 64"),
        (f"1 {A}\n1 {B}\n", "line 2: the id 1 is there twice"),
    ],
)
def test_anything_else_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadSecret, match=message) as caught:
        load_token_keys(_file(tmp_path, text))
    assert A not in str(caught.value)


def test_an_old_link_works_after_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "token.keys"
    old = create_token_keys(path)
    link = token.seal(
        token.Token(token.Purpose.UNSUBSCRIBE, 1, 2, bytes(16), bytes(16)), old.current_id, old.keys[1]
    )
    new = rotate_token_keys(path)
    assert new == load_token_keys(str(path))
    assert new.current_id == 2
    assert new.keys[1] == old.keys[1] != new.keys[2]
    assert token.unseal(link, new.keys, token.Purpose.UNSUBSCRIBE).list_id == 2
    assert path.stat().st_mode & 0o777 == 0o600


def test_there_are_255_ids(tmp_path: Path) -> None:
    path = Path(_file(tmp_path, f"255 {A}\n"))
    with pytest.raises(BadSecret, match="all 255 ids"):
        rotate_token_keys(path)
    assert load_token_keys(str(path)).current_id == 255


def test_keys_do_not_show_themselves(tmp_path: Path) -> None:
    assert A not in repr(load_token_keys(_file(tmp_path, f"1 {A}\n"))).lower()
