"""What plain text encloses that is not text: uuencoded and yEnc files, and PGP's armour.

What it promises: a line put at ``end_of_plain`` damages none of them. Decoders take all lines from the one
that begins a file to the one that ends it; a file that is complete may be followed by text, one that is cut
off (its rest comes in another message, or never) swallows what follows, so the line goes in front of it.
"""

import re

_BEGINS = re.compile(rb"^(?:begin [0-7]{3,4} [^\r\n]|=ybegin [^\r\n]*name=)", re.MULTILINE)
_UU_ENDS = re.compile(rb"^end[ \t]*\r?$", re.MULTILINE)
_YENC_ENDS = re.compile(rb"^=yend ", re.MULTILINE)
_ARMOUR = re.compile(rb"^-----BEGIN PGP (?:SIGNED )?MESSAGE-----[ \t]*\r?$", re.MULTILINE)


def end_of_plain(view: bytes) -> int:
    """Return where a line of ours goes."""
    if view.rfind(b"begin ") < 0:
        return len(view)
    at = 0
    while (begun := _BEGINS.search(view, at)) is not None:
        ends = _YENC_ENDS if begun[0].startswith(b"=") else _UU_ENDS
        ended = ends.search(view, begun.end())
        if ended is None:
            return begun.start()
        at = ended.end()
    return len(view)


def is_armoured(view: bytes) -> bool:
    """Whether the text is signed or encrypted in itself (RFC 4880 section 6.2, section 7)."""
    return view.rfind(b"-----BEGIN PGP ") >= 0 and _ARMOUR.search(view) is not None
