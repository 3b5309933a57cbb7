"""Where each key of a TOML text stands: tomllib reads values and forgets their lines.

What it promises: for a text that tomllib takes, ``locate`` gives the line (from 1) of every table, key, array
element and key of an inline table, by its path: ``("submission", "listener", 0, "listen")``. It knows
comments, quoted and dotted keys, all four kinds of strings, arrays and inline tables over several lines.
For a text that tomllib refuses it still ends, with what it has found until then.
"""

from bisect import bisect_right

Path = tuple[str | int, ...]

_BLANK = " \t\r\n"
_ENDS_BARE = ",]}#\n"
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def locate(text: str) -> dict[Path, int]:
    """Return the line of everything that the text names."""
    return _Locator(text).run()


def line_of(lines: dict[Path, int], path: Path) -> int:
    """Return the line of the path, or of the nearest thing around it; 0 where nothing of it stands."""
    for length in range(len(path), 0, -1):
        found = lines.get(path[:length])
        if found is not None:
            return found
    return 0


class _Locator:
    """One walk over the text; ``_at`` is where it stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._starts = [0] + [index + 1 for index, char in enumerate(text) if char == "\n"]
        self._lines: dict[Path, int] = {}
        self._arrays: dict[Path, int] = {}  # arrays of tables: the index of the last one

    def run(self) -> dict[Path, int]:
        table: Path = ()
        while self._more():
            before = self._at
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)
            if self._at == before:  # no TOML: tomllib says so with its own line
                break
        return self._lines

    def _peek(self, length: int = 1) -> str:
        return self._text[self._at : self._at + length]

    def _more(self) -> bool:
        """Go past blanks and comments; say whether anything follows."""
        while char := self._peek():
            if char == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif char in _BLANK:
                self._at += 1
            else:
                return True
        return False

    def _note(self, path: Path) -> None:
        self._lines.setdefault(path, bisect_right(self._starts, self._at))

    def _header(self) -> Path:
        is_array = self._peek(2) == "[["
        start = self._at
        self._at += 2 if is_array else 1
        named = self._key("]")
        after, self._at = self._at, start
        path: Path = ()
        for part in named[:-1]:
            path = self._inside((*path, part))
        path = (*path, *named[-1:])
        if is_array:
            self._note(path)
            self._arrays[path] = self._arrays.get(path, -1) + 1
        path = self._inside(path)
        self._note(path)
        self._at = after + (2 if is_array else 1)
        return path

    def _inside(self, path: Path) -> Path:
        """Return where a table lies that is named by way of an array of tables: in its last element."""
        return (*path, self._arrays[path]) if path in self._arrays else path

    def _pair(self, table: Path) -> None:
        start = self._at
        path = (*table, *self._key("="))
        after, self._at = self._at, start
        for length in range(len(table) + 1, len(path) + 1):
            self._note(path[:length])
        self._at = after + 1
        if self._more():
            self._value(path)

    def _key(self, end: str) -> Path:
        """Read a dotted key up to its end sign, and stand there."""
        parts: list[str] = []
        while (char := self._peek()) and char not in {end, "\n"}:
            if char in "\"'":
                parts.append(self._string())
            elif char in ". \t":
                self._at += 1
            else:
                start = self._at
                while self._peek() not in {"", ".", " ", "\t", "\n", end}:
                    self._at += 1
                parts.append(self._text[start : self._at])
        return tuple(parts)

    def _value(self, path: Path) -> None:
        match self._peek():
            case '"' | "'":
                self._string()
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case _:
                while self._peek() not in {"", *_ENDS_BARE}:
                    self._at += 1

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while self._more() and self._peek() != "]":
            before = self._at
            self._note((*path, index))
            self._value((*path, index))
            if self._more() and self._peek() == ",":
                self._at += 1
            if self._at == before:
                return
            index += 1
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while self._more() and self._peek() != "}":
            before = self._at
            self._pair(path)
            if self._more() and self._peek() == ",":
                self._at += 1
            if self._at == before:
                return
        self._at += 1

    def _string(self) -> str:
        """Go past a string of any kind; return what a one-line string says, for keys."""
        quote = self._peek()
        if self._peek(3) == quote * 3:
            self._long_string(quote)
            return ""
        self._at += 1
        said: list[str] = []
        while (char := self._peek()) and char not in {quote, "\n"}:
            if char == "\\" and quote == '"':
                self._at += 1
                char = _ESCAPES.get(self._peek(), self._peek())
            said.append(char)
            self._at += 1
        self._at += 1
        return "".join(said)

    def _long_string(self, quote: str) -> None:
        self._at += 3
        while self._peek() and self._peek(3) != quote * 3:
            self._at += 2 if quote == '"' and self._peek() == "\\" else 1
        self._at += 3
        while self._peek() == quote:  # up to two quotes may stand right before the closing three
            self._at += 1
