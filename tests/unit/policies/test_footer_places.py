"""Which parts of a message get a footer, and what it stands beside."""

import base64
from dataclasses import replace
from email.header import decode_header, make_header

import pytest

from gateway.mime.scan import scan
from gateway.mime.splice import apply
from gateway.model.facts import MessageFacts, RewriteFacts
from gateway.model.verdict import PASS, Refuse
from policies import footer

_TEMPLATES = {
    "text_template": "{{ list_name }} {{ unsubscribe_url }}",
    "html_template": "<i>{{ unsubscribe_url }}</i>",
    "amp_template": "<p>{{ unsubscribe_url }}</p>",
}
_URL = b"https://mail.example.org/u/T?a=1&b=2"


def _multi(kind: str, *parts: str) -> str:
    mark = f"{kind[:3]}-{len(''.join(parts))}"
    head = f"Content-Type: multipart/{kind}; boundary={mark}\n\n"
    return head + "".join(f"--{mark}\n{part}\n" for part in parts) + f"--{mark}--\n"


TEXT, HTML = "Content-Type: text/plain\n\ntext", "Content-Type: text/html\n\n<p>html"
AMP = "Content-Type: text/x-amp-html\n\n<html amp4email><body>amp</body></html>"
BROKEN_AMP = "Content-Type: text/x-amp-html\n\n<html amp4email><body><div>amp"
SHOWS = "Content-Type: text/plain\n\nUnsubscribe: https://example.com/leave"
FILE = "Content-Type: text/html\nContent-Disposition: attachment\n\nfile"
IMAGE = "Content-Type: image/png\n\npng"
ODD = "Content-Type: text/html; charset=cp037\n\nodd"
SIGNED = _multi("signed", TEXT, "Content-Type: application/pgp-signature\n\nsignature")
ARMOUR = (
    "-----BEGIN PGP SIGNED MESSAGE-----\n\nx\n-----BEGIN PGP SIGNATURE-----\n\ny\n-----END PGP SIGNATURE-----"
)


def _put(facts: RewriteFacts, text: str, **settings: object) -> tuple[bytes, bytes, str]:
    raw = text.replace("\n", "\r\n").encode()
    policy = footer.build(_TEMPLATES | settings)
    assert policy.rewrite
    message = scan(raw)
    splices = sorted(policy.rewrite(message, facts), key=lambda splice: splice[:2])
    return raw, apply(raw, splices), footer.explainer(_TEMPLATES | settings)(message, "").outcome


def _without(out: bytes) -> bytes:
    """The message without its footers."""
    for added in (
        b"\r\n\r\nNews " + _URL,
        b"\r\n<i>" + _URL.replace(b"&", b"&amp;") + b"</i>",
        b"\r\n<p>" + _URL.replace(b"&", b"&amp;") + b"</p>\r\n",
    ):
        out = out.replace(added, b"*")
    return out


@pytest.mark.parametrize(
    ("text", "marked", "outcome"),
    [
        (TEXT, "text*", "added"),
        (_multi("alternative", TEXT, AMP, HTML), "text*,amp*,<p>html*", "added"),
        (_multi("alternative", SHOWS, HTML), "leave,<p>html*", "added"),
        # What is read in a row needs one way out, at its end, in the last text that can take it.
        (_multi("mixed", TEXT, IMAGE, HTML, FILE), "text,png,<p>html*,file", "added"),
        (_multi("mixed", SHOWS, HTML), "leave,<p>html", "sender provides"),
        (_multi("mixed", HTML, SHOWS), "<p>html,leave", "sender provides"),
        (_multi("mixed", HTML, ODD), "<p>html*,odd", "added"),
        # A form for a few programs holds up no other.
        (_multi("alternative", TEXT, BROKEN_AMP, HTML), "text*,amp,<p>html*", "added"),
        (_multi("alternative", SHOWS, BROKEN_AMP), "leave,amp", "sender provides"),
        # One that is signed stays as it is, with nothing below it.
        (_multi("alternative", HTML, SIGNED), "<p>html*,text", "added"),
        # Where one form cannot have it, what stands above both may.
        (_multi("mixed", HTML, _multi("alternative", TEXT, ODD)), "<p>html*,text,odd", "added"),
        (_multi("mixed", _multi("alternative", SHOWS, HTML), TEXT), "leave,<p>html,text*", "added"),
        (_multi("mixed", _multi("alternative", SHOWS, SHOWS), TEXT), "leave,leave,text", "sender provides"),
        # Signed text may be looked at; a line beside it does not touch it.
        (_multi("mixed", SIGNED, TEXT), "text,text*", "added"),
        (SIGNED, "text", "headers only: signed"),
        (_multi("signed", SHOWS, IMAGE), "leave,png", "sender provides"),
        ("A: b\n\n" + ARMOUR, "SIGNATURE-----", "headers only: inline-pgp"),
    ],
)
def test_which_text_gets_it(rewrite_facts: RewriteFacts, text: str, marked: str, outcome: str) -> None:
    raw, out, said = _put(rewrite_facts, text)
    assert said == outcome
    bare = _without(out)
    assert bare.replace(b"*", b"") == raw
    at = 0
    for word in marked.split(","):
        at = bare.index(word.encode(), at) + len(word)
        assert word.endswith("*") or not bare.startswith(b"*", at)


def test_amps_boilerplate_hides_nothing(rewrite_facts: RewriteFacts) -> None:
    shown = "<body><a href='https://shop.example.com/leave'>Unsubscribe</a></body></html>"
    hidden = "<style amp4email-boilerplate>body{visibility:hidden}</style>"
    text = f"Content-Type: text/x-amp-html\n\n<html amp4email><head>{hidden}</head>{shown}"
    assert _put(rewrite_facts, text, reserved_hosts=("example",))[2] == "sender provides"
    assert _put(rewrite_facts, text.replace(" amp4email-boilerplate", ""), reserved_hosts=("example",))[
        2
    ] != ("sender provides")


@pytest.mark.parametrize("body", ["A: b\n", "A: b", ""])
def test_a_message_without_a_body_gets_one(rewrite_facts: RewriteFacts, body: str) -> None:
    _, out, outcome = _put(rewrite_facts, body)
    assert outcome == "added"
    assert scan(out).root.body_start == out.index(b"News ")


# Parts of our own -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (ODD, "charset"),
        (_multi("alternative", TEXT, ODD), "charset"),
        (_multi("alternative", SHOWS, ODD), "charset"),
        (_multi("mixed", ODD, ODD), "charset"),
        # It does not stand above forms of which one has it already.
        (_multi("mixed", HTML, _multi("alternative", SHOWS, ODD)), "charset"),
        (_multi("related", ODD, IMAGE), "charset"),
        ("Content-Type: text/html\n\n<html hidden><body>x</body>", "html"),
        ("A: b\n\nx\0\ry", "bare-newline"),
        ("MIME-Version: 1.0\nA: b\n\nx\0\ry", "bare-newline"),
    ],
)
def test_a_text_that_can_have_none_has_one_below(rewrite_facts: RewriteFacts, text: str, why: str) -> None:
    raw, out, outcome = _put(rewrite_facts, text)
    assert outcome == f"added, wrapped: {why}"
    message = scan(out)
    theirs, ours = message.root.parts
    before = scan(raw).root
    assert out[theirs.body_start : theirs.body_end] == raw[before.body_start :]
    assert (theirs.content_type, theirs.charset) == (before.content_type, before.charset)
    assert _URL in out[ours.body_start : ours.body_end].replace(b"=\r\n", b"").replace(b"=3D", b"=")
    assert [field.name for field in message.root.fields if field.name in {b"content-type", b"mime-version"}]
    again = footer.explainer(_TEMPLATES)(message, _URL.decode().partition("T?")[0])
    assert again.outcome == "sender provides"


def test_a_footer_that_is_hidden_stands_below_too(rewrite_facts: RewriteFacts) -> None:
    style = "<html><head><style>body{opacity:0}</style></head>"
    for where in ("<body>Buy</body></html>", "<body>{{unsubscribe_reason}}", ""):
        raw, out, outcome = _put(rewrite_facts, f"Content-Type: text/html\n\n{style}{where}")
        assert outcome == "added, wrapped: opacity"
        theirs, ours = scan(out).root.parts
        html = out[theirs.body_start : theirs.body_end]
        assert html.count(b"<i>") == 1
        assert raw.partition(b"\r\n\r\n")[2].startswith(html.partition(b"\r\n<i>")[0])
        assert _URL in out[ours.body_start : ours.body_end].replace(b"=\r\n", b"").replace(b"=3D", b"=")


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("Buy", "opacity"),
        ("<a href='https://example.com/u'>Unsubscribe</a>", "opacity"),
        ("<a href='https://example.com/u' style='display:none'>Unsubscribe</a>", "opacity"),
        ("<a href='http://localhost/u'>Unsubscribe</a>", "opacity"),
    ],
)
def test_what_else_is_hidden_makes_no_difference(rewrite_facts: RewriteFacts, body: str, rule: str) -> None:
    html = f"<html><head><style>body{{opacity:0}}</style></head><body>{body}</body></html>"
    _, out, outcome = _put(rewrite_facts, f"Content-Type: text/html\n\n{html}")
    assert outcome == f"added, wrapped: {rule}"
    assert footer.explainer(_TEMPLATES)(scan(out), "https://mail.example.org/u/").outcome == "sender provides"


def test_a_form_for_a_few_programs_that_hides_is_no_reason(rewrite_facts: RewriteFacts) -> None:
    watch = "Content-Type: text/watch-html\n\n<style>body{opacity:0}</style>x"
    amp = "Content-Type: text/x-amp-html\n\n<html amp4email><head><style amp-custom>p{opacity:0}</style></head><body>x"
    for form in (watch, amp):
        _, out, outcome = _put(rewrite_facts, _multi("alternative", TEXT, form, HTML))
        assert outcome == "added"
        assert out.count(b"mail.example.org/u/T") == 2
        assert _put(rewrite_facts, form)[2] == "added, wrapped: opacity"


def test_what_is_signed_does_not_hold_up_what_cannot_be_read(rewrite_facts: RewriteFacts) -> None:
    assert _put(rewrite_facts, _multi("mixed", SIGNED, ODD))[2] == "added, wrapped: charset"
    assert _put(rewrite_facts, _multi("mixed", ODD, SIGNED))[2] == "added, wrapped: charset"
    assert _put(rewrite_facts, _multi("mixed", SIGNED, SIGNED))[2] == "headers only: signed"


def test_who_leaves_by_the_header_needs_no_part(rewrite_facts: RewriteFacts) -> None:
    header = "List-Unsubscribe: <https://example.com/leave>\n"
    assert _put(rewrite_facts, header + ODD)[2] == "sender provides"
    hidden = (
        header + "Content-Type: text/html\n\n<body hidden><a href='https://example.com/leave'>Unsubscribe</a>"
    )
    assert _put(rewrite_facts, hidden)[2] == "added, wrapped: html"


def test_a_file_alone_goes_behind_a_text(rewrite_facts: RewriteFacts) -> None:
    text = (
        "Subject: x\nContent-Type: application/pdf; name=x\nContent-Transfer-Encoding: 8bit\n"
        "Content-ID: <1>\nX: y\n\n%PDF\u00e9"
    )
    _, out, outcome = _put(rewrite_facts, text)
    assert outcome == "added, wrapped"
    root = scan(out).root
    assert [out[field.start : field.end].partition(b":")[0] for field in root.fields] == [
        *(b"Subject", b"Content-Type", b"Content-Transfer-Encoding", b"X"),
    ]
    ours, theirs = root.parts
    assert (root.content_type, ours.content_type, ours.charset) == ("multipart/mixed", "text/plain", "utf-8")
    assert (
        out[theirs.start : theirs.body_end]
        == (
            "Content-Type: application/pdf; name=x\r\nContent-Transfer-Encoding: 8bit\r\n"
            "Content-ID: <1>\r\n\r\n%PDF\u00e9"
        ).encode()
    )


def test_a_file_that_says_only_that_it_is_one(rewrite_facts: RewriteFacts) -> None:
    _, out, _ = _put(rewrite_facts, "Content-Disposition: attachment\nX: y\n\nx")
    assert out.startswith(b"Content-Type: multipart/mixed")
    _, out, _ = _put(rewrite_facts, "Content-Type: image/png\n")
    assert scan(out).root.parts[1].content_type == "image/png"
    _, out, _ = _put(rewrite_facts, "Content-Type: image/png")
    assert not scan(out).defects


def test_files_without_a_text_get_one_before_them(rewrite_facts: RewriteFacts) -> None:
    raw, out, outcome = _put(rewrite_facts, _multi("mixed", FILE, IMAGE))
    assert outcome == "added, as a part"
    assert [part.content_type for part in scan(out).root.parts] == ["text/plain", "text/html", "image/png"]
    assert scan(out).root.parts[1].fields[-1].name == b"content-disposition"
    assert out.endswith(raw[scan(raw).root.parts[0].start :])


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (SIGNED, "added, wrapped: signed"),
        ("Content-Type: application/pkcs7-mime\n\nsealed", "added, wrapped"),
    ],
)
def test_a_signed_message_is_wrapped_where_that_is_wanted(
    rewrite_facts: RewriteFacts, text: str, want: str
) -> None:
    raw, out, outcome = _put(rewrite_facts, text, sealed="wrap")
    assert outcome == want
    theirs, ours = scan(out).root.parts
    assert out[theirs.start : theirs.body_end] == raw
    assert _URL in out[ours.body_start :].replace(b"=\r\n", b"").replace(b"=3D", b"=")


def test_inline_pgp_is_followed_by_a_footer_where_that_is_wanted(rewrite_facts: RewriteFacts) -> None:
    raw, out, outcome = _put(rewrite_facts, "A: b\n\n" + ARMOUR, sealed="wrap")
    assert outcome == "added"
    assert out == raw + b"\r\n\r\nNews " + _URL


def test_what_is_too_much_html_together_is_not_read(rewrite_facts: RewriteFacts) -> None:
    link = "<a href='https://example.com/leave'>Unsubscribe</a>"
    first, last = HTML + " " * 4_000_000, f"{HTML}{link}"
    assert _put(rewrite_facts, _multi("mixed", first, last))[2] == "sender provides"
    _, out, outcome = _put(rewrite_facts, _multi("mixed", first, last + " " * 4_000_000))
    assert outcome == "added"
    assert out.index(b"<i>") < out.index(link.encode())


# Placeholders ---------------------------------------------------------------------------------------------

_HOLDER = "{{unsubscribe_url}}"
_BASE64 = "Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (TEXT + _HOLDER, ""),
        (FILE + _HOLDER, ""),
        (_multi("signed", TEXT + _HOLDER, IMAGE), "signed"),
        ("A: b\n\n" + ARMOUR + _HOLDER, "inline-pgp"),
        ("Content-Type: text/plain; charset=cp037\n\n" + _HOLDER, "charset"),
        ("Content-Transfer-Encoding: x-odd\n\n" + _HOLDER, "encoding"),
        ("A: b\n\n" + _HOLDER * 1001, "too-many-placeholders"),
        ("Content-Transfer-Encoding: quoted-printable\n\n== " + _HOLDER, "broken-quoted-printable"),
        ("Content-Type: multipart/mixed\n\n" + _HOLDER, "broken-boundary-missing"),
        ("Content-Type: multipart/mixed\n\nx", ""),
        ("Subject: =?utf-8?Q?=7B{unsubscribe=5Furl}}?=\n\nx", ""),
        ("Subject: =?ebcdic-us?Q?=7B{unsubscribe=5Furl}}?=\n\nx", "encoded-word"),
        ("Subject: =?utf-8?Q?=7B{unsubscribe=5Furl}}=FF?=\n\nx", "encoded-word"),
        ("Subject: {{ =?utf-8?Q?unsubscribe=5Furl?= }}\n\nx", "encoded-word"),
        ("Subject: {{unsubscribe_url}} =?utf-8?Q?x?=\n\nx", ""),
        ("Content-Type: text/plain; charset=cp037\n\nx", ""),
        (
            "Content-Description: {{unsubscribe_url}}\nContent-Type: text/plain; charset=cp037\n\nx",
            "moved-field",
        ),
        (
            "Content-Description: =?utf-8?Q?=7B=7Bunsubscribe=5Furl=7D=7D?=\nContent-Type: image/png\n\nx",
            "moved-field",
        ),
        ("Content-Description: {{unsubscribe_url}}\nContent-Type: text/plain\n\nx", ""),
        ("Content-Transfer-Encoding: base64\n\ne3t1bnN1YnNjcmliZV91cmx9fQ==!", "broken-base64"),
        ("Content-Transfer-Encoding: quoted-printable\n\n{{unsubscribe=5Furl}}\r", "bare-newline"),
    ],
)
def test_a_placeholder_that_cannot_be_replaced_is_refused(text: str, why: str) -> None:
    policy = footer.build({})
    assert policy.message
    facts = MessageFacts(None, None, "", None)  # type: ignore[arg-type]  # whose message it is says nothing here
    verdict = policy.message(scan(text.replace("\n", "\r\n").encode()), facts)
    assert (why in str(verdict.reply)) if isinstance(verdict, Refuse) else (verdict is PASS and not why)


@pytest.mark.parametrize("length", [*range(60_000, 60_006), 300_000])
def test_a_long_part_in_base64_keeps_its_octets(rewrite_facts: RewriteFacts, length: int) -> None:
    html = f"<p><a href='{_HOLDER}'>x</a>{'y' * length}{_HOLDER}{_HOLDER}</body>".encode()
    text = base64.encodebytes(html).decode()
    raw, out, outcome = _put(rewrite_facts, _BASE64 + text)
    assert outcome == "sender provides"
    got = base64.b64decode(out.partition(b"\r\n\r\n")[2])
    url = _URL.replace(b"&", b"&amp;")
    link = b'<a href="%b">%b</a>' % (url, url)
    for filler, bare in (
        (url + b"#u'", url + b"'"),
        (url + b"#'", url + b"'"),
        (b"</a>  ", b"</a>"),
        (b"</a> ", b"</a>"),
    ):
        got = got.replace(filler, bare)
    assert got == html.replace(_HOLDER.encode(), url, 1).replace(_HOLDER.encode(), link)
    assert len(out) - len(raw) < 500


def test_a_footer_in_a_long_part_in_base64(rewrite_facts: RewriteFacts) -> None:
    html = b"<body>x</body><!--" + b"y" * 100_000 + b"-->"
    _, out, outcome = _put(rewrite_facts, _BASE64 + base64.encodebytes(html).decode())
    assert outcome == "added"
    got = base64.b64decode(out.partition(b"\r\n\r\n")[2])
    assert got.replace(b" ", b"").startswith(
        b"<body>x\r\n<i>" + _URL.replace(b"&", b"&amp;") + b"</i>\r\n</body>"
    )


# Charsets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "octets", "want"),
    [
        ("iso-2022-jp", b"\x1b$B$3$s", b"\x1b$B$3$s\x1b(B\r\n\r\nNews "),
        ("iso-2022-jp", b"\x1b$B$3$s\x1b(B\r\n", b"\x1b$B$3$s\x1b(B\r\n\r\nNews "),
        ("gb2312", "\u4f60\u597d".encode("gb2312"), "\u4f60\u597d\r\n\r\nNews ".encode("gb2312")),
        ("utf-7", b"caf+AOk", b"caf+AOk\r\n\r\nNews "),
    ],
)
def test_charsets(rewrite_facts: RewriteFacts, charset: str, octets: bytes, want: bytes) -> None:
    policy = footer.build(_TEMPLATES)
    assert policy.rewrite
    message = scan(f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + octets)
    out = apply(message.raw, policy.rewrite(message, rewrite_facts))
    assert out.partition(b"\r\n\r\n")[2].startswith(want)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=?utf-8?B?e3t1bnN1YnNjcmliZV91cmx9fQ==?=", "^"),
        ("Leave: =?iso-8859-1?q?caf=E9=20{{unsubscribe=5Furl}}?= now", "Leave: caf\u00e9 ^ now"),
        # One placeholder in two words; and a character that is cut in two, as section 5 forbids.
        ("=?utf-8?Q?*|UNS?=\r\n =?utf-8?Q?UB|*_x?=", "^ x"),
        ("=?utf-8?Q?{{unsubscribe=5Furl}}_=C3?= =?utf-8*en?B?qQ?=", "^ \u00e9"),
        ("{{unsubscribe_url}} and =?utf-8?Q?{{unsubscribe=5Furl}}=00?=", "^ and ^"),
        ("=?utf-8?Q?a?= b =?utf-8?B?A?= =?utf-8?Q?{{unsubscribe}}?=", "a b ^"),
    ],
)
def test_placeholders_in_encoded_words(rewrite_facts: RewriteFacts, value: str, shown: str) -> None:
    raw = f"Subject: {value}\r\nX: =?utf-8?Q?unsubscribe?=\r\n\r\nx".encode()
    rewrite = footer.build(_TEMPLATES).rewrite
    assert rewrite
    message = scan(raw)
    splices = sorted(rewrite(message, rewrite_facts))
    after = apply(raw, [one for one in splices if one.end <= message.root.body_start])
    subject, other = scan(after).fields[:2]
    # Python's reader keeps blanks between words and other text as it finds them; folds are none.
    read = str(make_header(decode_header(after[subject.colon : subject.end].decode().replace("\r\n", ""))))
    assert " ".join(read.split()) == shown.replace("^", _URL.decode())
    assert after[other.colon : other.end] == b" =?utf-8?Q?unsubscribe?=\r\n"
    assert all(len(line) <= 76 for line in after[subject.start : subject.end].splitlines())


@pytest.mark.parametrize(
    ("charset", "words"),
    [
        ("utf-8", "Se d\u00e9sabonner"),
        ("iso-8859-1", "Se d\u00e9sabonner"),
        ("iso-8859-2", "Odhl\u00e1sit odb\u011br"),
        ("koi8-r", "\u041e\u0442\u043f\u0438\u0441\u0430\u0442\u044c\u0441\u044f"),
        ("windows-1251", "\u041e\u0442\u043f\u0438\u0441\u0430\u0442\u044c\u0441\u044f"),
        ("shift_jis", "\u914d\u4fe1\u505c\u6b62"),
        ("gb2312", "\u9000\u8ba2"),
    ],
)
def test_words_are_read_in_the_parts_charset(charset: str, words: str) -> None:
    link = f'<p>\u00a0<a href="https://shop.example.com/t">{words}</a></p>'
    head = f"Content-Type: text/html; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    for begin in ("", "<!-- {{unsubscribe_url}} -->"):
        raw = head.encode() + begin.encode() + link.encode(charset, "ignore")
        assert footer.explain(scan(raw)) == "sender provides"


def test_what_counts_from_the_end_does_not_count_our_line() -> None:
    html = "<style>p:last-child{display:none}</style><p>x</p><p><a href='https://shop.example.com/unsub'>y</a></p>"
    message = scan(f"Content-Type: text/html\r\n\r\n<body>{html}</body>".encode())
    finding = footer.explainer({})(message, "").finding
    assert finding.evidence.rule == "display-none"


def test_a_name_that_a_charset_lacks_gives_way_to_the_lists_id(rewrite_facts: RewriteFacts) -> None:
    facts = replace(rewrite_facts, mail_list=replace(rewrite_facts.mail_list, name="\u65b0\u805e"))
    _, out, _ = _put(facts, TEXT)
    assert b"news.example.com " + _URL in out
    _, out, _ = _put(facts, TEXT.replace("plain", "plain; charset=euc-jp").replace("text/", "text/", 1))
    assert b"news.example.com " in out  # 7bit
