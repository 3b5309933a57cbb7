import os
from pathlib import Path

import pytest

from gateway.settings.secret_files import BadSecret, create_secret, read_secret, replace_secret


def test_a_secret_is_born_private_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key"
    create_secret(path, b"content")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert read_secret(str(path)) == b"content"


def test_a_secret_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "key"
    create_secret(path, b"old")
    with pytest.raises(BadSecret, match="there already"):
        create_secret(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSecret, match="file"):
        create_secret(tmp_path / "file" / "key", b"")


def test_a_secret_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "key"
    create_secret(path, b"old")
    (tmp_path / "key.new").write_bytes(b"left by one who crashed")
    replace_secret(path, b"new")
    assert read_secret(str(path)) == b"new"
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    create_secret(path, b"content")
    path.chmod(mode)
    with pytest.raises(BadSecret, match="chmod 600 "):
        read_secret(str(path))


def test_a_secret_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    create_secret(path, b"content")
    if os.geteuid() == 0:
        os.chown(path, 4711, -1)
    else:
        monkeypatch.setattr("gateway.settings.secret_files.os.geteuid", lambda: 4711)
    with pytest.raises(BadSecret, match="another user"):
        read_secret(str(path))


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(BadSecret, match="no regular file"):
        read_secret(str(tmp_path / "fifo"))
    with pytest.raises(BadSecret, match="No such file"):
        read_secret(str(tmp_path / "missing"))


def test_a_credential_is_systemds_to_protect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "master").write_bytes(b"content")
    (tmp_path / "master").chmod(0o440)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(BadSecret, match="LoadCredential"):
        read_secret("credential:master")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_secret("credential:master") == b"content"
    for name in ("", "../master", ".hidden"):
        with pytest.raises(BadSecret, match="no name of a credential"):
            read_secret(f"credential:{name}")
