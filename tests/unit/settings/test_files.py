"""A config's files are read once; who is handed them needs no disk."""

from pathlib import Path

import pytest

from gateway.settings.files import LARGEST, Disk, Handed
from gateway.settings.secret_files import BadSecret


def test_that_a_file_is_read_once(tmp_path: Path) -> None:
    file, disk = tmp_path / "gateway.toml", Disk()
    file.write_bytes(b"one")
    assert disk.read(file) == b"one"
    file.write_bytes(b"two")
    assert disk.read(file) == b"one"
    assert disk.found == {str(file): b"one"}


def test_that_a_secret_is_read_once_and_its_rights_are_looked_at_each_time(tmp_path: Path) -> None:
    file, disk = tmp_path / "master.key", Disk()
    file.write_bytes(b"one")
    file.chmod(0o600)
    assert disk.secret(str(file)) == b"one"
    file.write_bytes(b"two")
    assert disk.secret(str(file)) == b"one"
    file.chmod(0o644)
    with pytest.raises(BadSecret, match="chmod 600"):
        disk.secret(str(file))


def test_that_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_bytes(b"#" * LARGEST)
    assert len(Disk().read(file)) == LARGEST
    file.write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(OSError, match="File too large"):
        Disk().read(file)


def test_that_only_what_was_handed_over_is_there(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    handed = Handed({str(file): b"one", "credential:master": b"key"})
    assert handed.read(file) == b"one"
    assert handed.secret("credential:master") == b"key"
    file.with_name("other").write_bytes(b"there")
    with pytest.raises(FileNotFoundError, match="was not handed over"):
        handed.read(file.with_name("other"))
