"""The table of RFC clauses: what is cited beside the code, where, and which tests hold it.

A citation is ``RFC NNNN section X`` in a comment or a string of ``gateway/`` or ``policies/``. The words
of the table are the ones that stand beside it there.
"""

# ruff: noqa: INP001 - part of a script

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_GAP = r"[\s#]+"
_NUMBER = r"(?:\d+(?:\.\d+)*|[A-Z](?:\.\d+)*)"
CITATION = re.compile(
    rf"RFC{_GAP}(?P<rfc>\d+){_GAP}(?:sections?|appendix){_GAP}"
    rf"(?P<clauses>{_NUMBER}(?:(?:,|{_GAP}and|{_GAP}to){_GAP}\d+(?:\.\d+)+)*)(?!\.?\d)"
)
# A citation that is no part of the sentence: at its head, or in parentheses of its own.
_APART = re.compile(
    rf"\A{CITATION.pattern}(?:[:.,]|\Z)\s*|\s*\({CITATION.pattern}\)|,\s+{CITATION.pattern}\.?\Z".replace(
        "?P<rfc>", ""
    ).replace("?P<clauses>", "")
)
_SENTENCE = re.compile(r"(?<=[.?!])\s+")
_LONGEST = 260  # characters of words
_HEAD = "| section | what the code says | where | tests |\n| --- | --- | --- | --- |\n"
_ENTITIES = str.maketrans({"|": "\\|", "<": "&lt;", "[": "&#91;"})  # what Markdown would read
_IN_CODE = str.maketrans({"|": "\\|"})

TITLES = {  # an RFC that is missing here has no title on the page
    1035: ": Domain names",
    1870: ": SMTP SIZE",
    2034: ": SMTP ENHANCEDSTATUSCODES",
    2045: ": MIME, bodies",
    2046: ": MIME, media types",
    2047: ": MIME, encoded words in fields",
    2104: ": HMAC",
    2142: ": Mailbox names for common services",
    2183: ": Content-Disposition",
    2369: ": List-* fields",
    2387: ": multipart/related",
    2919: ": List-Id",
    2920: ": SMTP PIPELINING",
    3030: ": SMTP CHUNKING",
    3207: ": SMTP STARTTLS",
    3461: ": SMTP DSN",
    3463: ": Enhanced status codes",
    3464: ": Delivery status notifications",
    3676: ": format=flowed",
    3834: ": Automatic replies",
    3848: ": Transmission types in Received",
    4616: ": SASL PLAIN",
    4954: ": SMTP AUTH",
    5280: ": X.509",
    5321: ": SMTP",
    5322: ": The message format",
    5646: ": Language tags",
    6152: ": SMTP 8BITMIME",
    6177: ": IPv6 assignments to end sites",
    6376: ": DKIM",
    6409: ": Message submission",
    6522: ": multipart/report",
    6531: ": SMTPUTF8",
    6532: ": Internationalised header fields",
    6533: ": DSN with internationalised addresses",
    7435: ": Opportunistic security",
    7489: ": DMARC",
    8058: ": One-click unsubscribe",
    8301: ": DKIM, algorithms and keys",
    8314: ": TLS for submission",
    8463: ": DKIM with Ed25519",
    9110: ": HTTP",
    9422: ": SMTP LIMITS",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One citation: where it stands, and what is said there."""

    path: str
    line: int
    symbol: str
    words: str


Clauses = dict[int, dict[str, list[Place]]]


def clauses_page(root: Path) -> str:
    """Return the generated part of docs/compliance.md."""
    found = _collect(root)
    tests = Tests(root)
    text = ""
    for rfc in sorted(found):
        text += f"\n### RFC {rfc}{TITLES.get(rfc, '')}\n\n{_HEAD}"
        for clause in sorted(found[rfc], key=_order):
            text += "".join(_row(rfc, clause, place, tests) for place in found[rfc][clause])
    return text + "\n"


def _row(rfc: int, clause: str, place: Place, tests: "Tests") -> str:
    where = f"[{place.path}](../{place.path}#L{place.line}) `{place.symbol}`".removesuffix(" ``")
    files = tests.of(rfc, clause, place.path)
    held = "<br>".join(f"[{name.removeprefix('tests/')}](../{name})" for name in files)
    words = place.words.translate(_IN_CODE if place.words.startswith("`") else _ENTITIES)
    return f"| {clause} | {words} | {where} | {held or 'none of its own'} |\n"


def _order(clause: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(piece), "") if piece.isdigit() else (0, piece) for piece in clause.split("."))


def citations(text: str) -> Iterator[tuple[int, str, int]]:
    """Give each cited RFC, clause, and the offset of the citation."""
    for match in CITATION.finditer(text):
        for clause in re.findall(rf"(?<![\w.]){_NUMBER}(?!\w)", match["clauses"]):
            yield int(match["rfc"]), clause, match.start()


def _collect(root: Path) -> Clauses:
    found: Clauses = defaultdict(lambda: defaultdict(list))
    for folder in ("gateway", "policies"):
        for path in sorted((root / folder).rglob("*.py")):
            text = path.read_text()
            source = _Source(text)
            for rfc, clause, at in citations(text):
                line = text.count("\n", 0, at) + 1
                symbol, words = source.symbol(line), source.words(rfc, clause, line)
                place = Place(str(path.relative_to(root)), line, symbol, words)
                places = found[rfc][clause]
                if all((one.path, one.symbol) != (place.path, symbol) for one in places):
                    places.append(place)
    return found


class _Source:
    """One file: which name a line belongs to, and which words stand there."""

    def __init__(self, text: str) -> None:
        self._tree = ast.parse(text)
        self._said = list(_passages(text))
        self._lines = text.splitlines()

    def symbol(self, line: int) -> str:
        """Return the dotted name of the function, class or constant at a line; "" for the module."""
        names: list[str] = []
        body = self._tree.body
        while True:
            node = next((one for one in body if _first(one) <= line <= (one.end_lineno or 0)), None)
            if node is None and not names:
                node = next((one for one in body if one.lineno > line), None)
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                names.append(node.name)
                body = node.body
                continue
            if not names and isinstance(node, ast.Assign | ast.AnnAssign):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                names.append(ast.unparse(target))
            return ".".join(names)

    def words(self, rfc: int, clause: str, line: int) -> str:
        """Return the sentence with the citation, without it where it stands apart; else the line of code."""
        for first, last, words in self._said:
            if not first <= line <= last:
                continue
            for sentence in _SENTENCE.split(words.replace("``", "")):
                if (rfc, clause) in {(one, other) for one, other, _ in citations(sentence)}:
                    return _shortened(_APART.sub("", sentence)) or self._code(line)
        return ""

    def _code(self, line: int) -> str:
        code = self._lines[line - 1].partition("  # ")[0].strip()
        return "" if '"""' in code or code.startswith("#") or not code else f"`{code}`"


def _shortened(sentence: str) -> str:
    words = sentence.strip(" .")
    return words if len(words) <= _LONGEST else words[: _LONGEST - 4].rstrip() + " ..."


def _first(node: ast.stmt) -> int:
    """Return the first line, decorators included."""
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])


def _passages(text: str) -> Iterator[tuple[int, int, str]]:
    """Give the comments (a row of them is one) and the paragraphs of strings, each with its lines."""
    block: list[tuple[int, str]] = []
    for token in _tokens(text):
        if token.type == tokenize.COMMENT:
            own_line = not token.line[: token.start[1]].strip()
            if block and not (own_line and token.start[0] == block[-1][0] + 1):
                yield _block(block)
                block = []
            block.append((token.start[0], token.string.lstrip("#").strip()))
            if not own_line:
                yield _block(block)
                block = []
        elif token.type == tokenize.STRING:
            yield from _paragraphs(token)
    if block:
        yield _block(block)


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    """Give the tokens of a module; an f-string is one, as it was before Python 3.12 took it apart."""
    begins, ends = getattr(tokenize, "FSTRING_START", None), getattr(tokenize, "FSTRING_END", None)
    lines = text.splitlines(keepends=True)
    opened: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == begins:
            opened.append(token)
        elif token.type == ends:
            first = opened.pop()
            if not opened:
                yield _joined(first, token, lines)
        elif not opened:
            yield token


def _joined(first: tokenize.TokenInfo, last: tokenize.TokenInfo, lines: list[str]) -> tokenize.TokenInfo:
    (top, left), (bottom, right) = first.start, last.end
    rows = lines[top - 1 : bottom]
    rows[-1] = rows[-1][:right]
    rows[0] = rows[0][left:]
    return tokenize.TokenInfo(tokenize.STRING, "".join(rows), first.start, last.end, first.line)


def _block(block: list[tuple[int, str]]) -> tuple[int, int, str]:
    return block[0][0], block[-1][0], " ".join(words for _, words in block)


def _paragraphs(token: tokenize.TokenInfo) -> Iterator[tuple[int, int, str]]:
    content = re.sub(r"\A[a-zA-Z]*(\"{3}|'{3}|\"|')|(\"{3}|'{3}|\"|')\Z", "", token.string)
    line = token.start[0]
    for paragraph in re.split(r"(?<=\n)[ \t]*\n", content):
        last = line + paragraph.count("\n")
        yield line, last, " ".join(paragraph.split())
        line = last + 1


class Tests:
    """Which tests hold a clause: those that cite it, else those of its module."""

    def __init__(self, root: Path) -> None:
        files = [*root.glob("tests/**/test_*.py"), *root.glob("tests/transcripts/*.txt")]
        self._texts = {
            str(path.relative_to(root)): path.read_text()
            for path in sorted(files)
            if "node_modules" not in path.parts
        }
        self._cited: dict[tuple[int, str], list[str]] = defaultdict(list)
        for name, text in self._texts.items():
            for rfc, clause, _ in citations(text):
                if name not in self._cited[rfc, clause]:
                    self._cited[rfc, clause].append(name)

    def of(self, rfc: int, clause: str, path: str) -> list[str]:
        """Return up to three test files."""
        named = [*self._cited.get((rfc, clause), []), *self._of_module(path)]
        return list(dict.fromkeys(named))[:3]

    @cache  # noqa: B019 - one of these in a process that lives for a second
    def _of_module(self, path: str) -> tuple[str, ...]:
        package, _, module = path.removesuffix(".py").removesuffix("/__init__").rpartition("/")
        inner = package.removeprefix("gateway/")
        mirrored = f"tests/unit/{inner}/test_{module}.py"
        if mirrored in self._texts:
            return (mirrored,)
        dotted = package.replace("/", ".")
        importing = re.compile(
            rf"^\s*(?:from|import) {dotted}\.{module}\b|^\s*from {dotted} import [^\n]*\b{module}\b",
            re.MULTILINE,
        )
        users = [name for name, text in self._texts.items() if importing.search(text)]
        users.sort(key=lambda name: (not name.startswith("tests/unit/"), name))
        if not users and package in {"gateway/smtp", "gateway/submission"}:
            return ("tests/transcripts/test_transcripts.py",)  # plays every dialogue against the real server
        folder = f"tests/unit/{inner}"
        if not users and any(name.startswith(f"{folder}/") for name in self._texts):
            return (folder,)  # no file of its own: its package's tests go through it
        return tuple(users[:2])
