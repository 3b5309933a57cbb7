"""The mapped file: made whole, replaced when it is not, locked by one at a time."""

import errno
import fcntl
import os
import struct
from pathlib import Path

import pytest

from gateway.store.shared_file import HEADER, Layout, SharedFile

LAYOUT = Layout(b"TESTING1", 8192)


class Secrets:
    """Entropy that never repeats, and can be told apart."""

    def __init__(self) -> None:
        self.given = 0

    def octets(self, count: int) -> bytes:
        self.given += 1
        return bytes([self.given]) * count

    def fraction(self) -> float:
        return 0.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "one.shm"


@pytest.fixture
def entropy() -> Secrets:
    return Secrets()


def sound(path: Path, entropy: Secrets) -> bytes:
    """Return a sound file's octets."""
    SharedFile(path, LAYOUT, entropy).close()
    return path.read_bytes()


def test_the_first_to_open_it_makes_it(path, entropy):
    file = SharedFile(path, LAYOUT, entropy)
    assert path.stat().st_size == LAYOUT.size
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_blocks * 512 >= LAYOUT.size  # reserved, not sparse
    assert file.map[HEADER:] == bytes(8192)
    assert list(path.parent.iterdir()) == [path]
    file.close()


def test_all_see_the_same_octets_and_secret(path, entropy):
    one, two = (SharedFile(path, LAYOUT, entropy) for _ in range(2))
    one.map[HEADER : HEADER + 5] = b"hello"
    assert two.map[HEADER : HEADER + 5] == b"hello"
    assert one.secret == two.secret == bytes([1]) * 16
    one.close()
    two.close()


def test_it_outlives_those_who_map_it(path, entropy):
    one = SharedFile(path, LAYOUT, entropy)
    one.map[HEADER : HEADER + 5] = b"hello"
    one.close()
    two = SharedFile(path, LAYOUT, entropy)
    assert two.map[HEADER : HEADER + 5] == b"hello"
    two.close()


DAMAGE = {
    "empty": lambda good: b"",
    "short": lambda good: good[:-1],
    "long": lambda good: good + b"x",
    "zeros": lambda good: bytes(len(good)),
    "noise": lambda good: os.urandom(len(good)),
    "another version": lambda good: b"TESTING2" + good[8:],
    "another size inside": lambda good: good[:8] + struct.pack("<Q", 4096) + good[16:],
    "a torn secret": lambda good: good[:16] + b"\xff" + good[17:],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_file_that_is_not_sound_is_started_anew(damage, path, entropy):
    path.write_bytes(damage(sound(path, entropy)))
    file = SharedFile(path, LAYOUT, entropy)
    assert path.stat().st_size == LAYOUT.size
    assert file.secret == bytes([2]) * 16
    assert file.map[HEADER:] == bytes(8192)
    assert list(path.parent.iterdir()) == [path]
    file.close()


def test_who_maps_the_old_file_goes_on_undisturbed(path, entropy):
    old = SharedFile(path, LAYOUT, entropy)
    with path.open("r+b") as hand:
        hand.write(b"garbage!")
    new = SharedFile(path, LAYOUT, entropy)
    old.map[HEADER : HEADER + 3] = b"old"
    assert new.map[HEADER : HEADER + 3] == bytes(3)
    old.close()
    new.close()


def test_a_full_disk_is_an_error_and_leaves_nothing_behind(path, entropy, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space"):
        SharedFile(path, LAYOUT, entropy)
    assert list(path.parent.iterdir()) == []


def test_a_folder_in_its_place_is_an_error(path, entropy):
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        SharedFile(path, LAYOUT, entropy)


def test_two_who_make_it_at_once_share_one(path, entropy, monkeypatch):
    # The other is first between our look and our link.
    link = os.link

    def late(source, target):
        monkeypatch.setattr(os, "link", link)
        SharedFile(path, LAYOUT, entropy).close()
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    file = SharedFile(path, LAYOUT, entropy)
    assert file.secret == bytes([2]) * 16  # the other's
    assert list(path.parent.iterdir()) == [path]
    file.close()


def test_two_who_replace_it_at_once_share_one(path, entropy, monkeypatch):
    sound(path, entropy)
    path.write_bytes(b"garbage")
    lockf, other = fcntl.lockf, []

    def late(*arguments):
        # The other has replaced the file while we waited for the lock on the old one.
        monkeypatch.setattr("fcntl.lockf", lockf)
        other.append(SharedFile(path, LAYOUT, entropy))
        lockf(*arguments)

    monkeypatch.setattr("fcntl.lockf", late)
    file = SharedFile(path, LAYOUT, entropy)
    assert file.secret == other[0].secret
    file.close()
    other[0].close()


def test_a_file_that_is_gone_when_it_is_to_be_replaced_is_made(path, entropy, monkeypatch):
    path.write_bytes(b"garbage")
    lockf = fcntl.lockf

    def late(*arguments):
        monkeypatch.setattr("fcntl.lockf", lockf)
        path.unlink()
        lockf(*arguments)

    monkeypatch.setattr("fcntl.lockf", late)
    file = SharedFile(path, LAYOUT, entropy)
    assert path.stat().st_size == LAYOUT.size
    file.close()


def test_a_lock_that_fails_does_not_stay(path, entropy, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    file = SharedFile(path, LAYOUT, entropy)
    with monkeypatch.context() as patch:
        patch.setattr("fcntl.lockf", no_locks)
        with pytest.raises(OSError, match="No locks"):
            file.hold(HEADER)
        with pytest.raises(OSError, match="No locks"):
            SharedFile(path, LAYOUT, entropy)
    file.hold(HEADER)
    file.let_go(HEADER)
    file.close()
