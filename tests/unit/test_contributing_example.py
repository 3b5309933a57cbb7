"""The worked examples of CONTRIBUTING.md, done as they are written there, in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
OWN_PACKAGE = "### A policy of your own"
_BLOCK = re.compile(
    r"<!-- (?:file: (?P<file>\S+)|insert: (?P<into>\S+), after: (?P<after>.+?)) -->\n```\w+\n(?P<text>.*?)```\n",
    re.DOTALL,
)


def write_blocks(text: str, folder: Path) -> None:
    for block in _BLOCK.finditer(text):
        if block["file"]:
            path = folder / block["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"])
            continue
        path = folder / block["into"]
        before, line, after = path.read_text().partition(f"\n{block['after']}\n")
        assert line, f"{block['into']} has no line {block['after']!r} any more"
        path.write_text(before + line + block["text"] + after)


def run(folder: Path, *arguments: str, path: Path | None = None) -> str:
    environment = {**os.environ, "PYTHONPATH": str(path or folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("gateway", "policies", "config"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    write_blocks(TEXT.partition(OWN_PACKAGE)[0], tmp_path)
    return tmp_path


def test_the_first_party_policy_and_its_own_test(copy: Path) -> None:
    said = run(
        copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/policies/test_role_addresses.py"
    )
    assert "4 passed" in said
    shelf = (
        "import tomllib, pathlib, policies\n"
        "from gateway.app.configuration import check_policies\n"
        "tables = tomllib.loads(pathlib.Path('config/policy.toml').read_text())\n"
        "assert tables['role_addresses']['names'] == list(policies.role_addresses.Settings().names)\n"
        "print(policies.__file__, [policy.name for policy in check_policies(tables)])\n"
    )
    said = run(copy, "-c", shelf)
    assert str(copy) in said
    assert said.index("'suppression'") < said.index("'role_addresses'") < said.index("'consent'")


def test_the_first_party_policy_keeps_the_house_rules(copy: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", copy)
    run(copy, "-m", "ruff", "check", "--no-cache", "policies", "tests", "gateway/model/reply.py")
    run(copy, "-m", "ruff", "format", "--no-cache", "--check", "policies/role_addresses.py")


def test_the_third_party_policy_comes_in_by_its_entry_point(tmp_path: Path) -> None:
    write_blocks(TEXT.partition(OWN_PACKAGE)[2], tmp_path)
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]
    (group, points), *others = project["entry-points"].items()
    assert not others
    installed = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    installed.mkdir()  # what pip makes of the pyproject.toml
    (installed / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    lines = [f"{name} = {target}" for name, target in points.items()]
    (installed / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
    script = (
        "import tomllib, pathlib\n"
        "from gateway.app.configuration import check_policies\n"
        "from gateway.mime.scan import scan\n"
        "tables = tomllib.loads(pathlib.Path('policy.toml').read_text())\n"
        "policy = check_policies(tables)[-1]\n"
        "assert policy.name == 'fake_reply'\n"
        "def says(*fields): return policy.message(scan(b'\\r\\n'.join([*fields, b'', b''])), None)\n"
        "print(says(b'Subject: RE: your order').reply)\n"
        "print(says(b'Subject: Re: your order', b'In-Reply-To: <1@example.net>'))\n"
        "print(says(b'Subject: Bread on Friday'))\n"
    )
    said = run(tmp_path, "-c", script, path=tmp_path).splitlines()
    assert said == [
        "550 5.6.0 Subject: it poses as a reply, and the message answers none",
        "Pass()",
        "Pass()",
    ]
