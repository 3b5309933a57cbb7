"""Declarations as they are read, and what they come to."""

import pytest

from gateway.model.way_out import WayOut
from policies.way_out.circumstances import Circumstances
from policies.way_out.colour import colour_attribute, colour_of
from policies.way_out.declarations import Declared, declared
from policies.way_out.length import length_of
from policies.way_out.look import in_html

GOOD = '<a href="https://example.com/u">Unsubscribe</a>'


def _said(style: str) -> dict[str, str]:
    return {one.name: one.value + ("!" if one.important else "") for one in declared(style)}


@pytest.mark.parametrize(
    ("style", "want"),
    [
        ("", {}),
        ("COLOR : Red ; display:NONE!important", {"color": "red", "display": "none!"}),
        ("margin-bottom:1px;border:0;font-family:'a;b', \"c:d\";color:red", {"color": "red"}),
        ("background:url('a;b') #FFF", {"background-color": "#fff", "background-image": "url('')"}),
        ("background:no-repeat", {"background-color": "transparent", "background-image": "none"}),
        (
            "background:rgb(1, 2, 3) !important",
            {"background-color": "rgb(1, 2, 3)!", "background-image": "none!"},
        ),
        (
            "background:linear-gradient(red, blue)",
            {"background-color": "transparent", "background-image": "linear-gradient(red, blue)"},
        ),
        ("font:italic bold 12px/1.5 Arial", {"font-size": "12px"}),
        ("font:x-small serif", {"font-size": "x-small"}),
        ("font:inherit", {}),
        ("margin:1px", {"margin-top": "1px", "margin-left": "1px"}),
        ("margin:1px 2px", {"margin-top": "1px", "margin-left": "2px"}),
        ("margin:1px 2px 3px", {"margin-top": "1px", "margin-left": "2px"}),
        ("margin:1px 2px 3px 4px", {"margin-top": "1px", "margin-left": "4px"}),
        ("margin:1px 2px 3px 4px 5px", {}),
        ("inset:1px", dict.fromkeys(("top", "right", "bottom", "left"), "1px")),
        ("overflow-y:hidden", {"overflow": "hidden"}),
        (r"d\69splay:none", {"display": "none"}),
        ("/* a */ display/* b */:/* c */none", {"display": "none"}),
        ("display", {}),
        ("{display:none}", {}),
    ],
)
def test_declarations(style: str, want: dict[str, str]) -> None:
    assert _said(style) == want


def test_a_declaration_is_read_once() -> None:
    assert declared("color:red") is declared("color:red") == (Declared("color", "red", False),)


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("#fff", (1, 1, 1, 1)), ("black", (0, 0, 0, 1)), ("transparent", (0, 0, 0, 0)), ("rgb(100%, 0%, 0%)", (1, 0, 0, 1)),
        ("rgb(300,0,0)", (1, 0, 0, 1)), ("hsl(120,100%,50%)", (0, 1, 0, 1)), ("rgba(0,0,0,.5)", (0, 0, 0, 0.5)),
        ("currentcolor", None), ("nonsense", None), ("lab(50% 40 59)", None), ("var(--x)", None), ("", None),
    ],
)  # fmt: skip
def test_colours(value: str, want: tuple[float, ...] | None) -> None:
    assert colour_of(value) == (want and pytest.approx(want))


def test_colours_in_attributes() -> None:
    assert colour_attribute(" FFFFFF ") == colour_attribute("#fff") == (1, 1, 1, 1)
    assert colour_attribute("chucknorris") is None


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("0", 0), ("10px", 10), ("-1e3px", -1000), ("1in", 96), ("2em", 40), ("50%", 512), (".5rem", 8), ("3pt", 4),
        ("auto", None), ("", None), ("5q", None), ("calc(1px)", None),
    ],
)  # fmt: skip
def test_lengths(value: str, want: float | None) -> None:
    assert length_of(value, 20, 1024) == want


@pytest.mark.parametrize(
    "html",
    [
        f"<style>b , p /**/ {{display:inline}} , {{}}</style><p>{GOOD}",
        f'<p style="filter:blur(1px) opacity(.5)">{GOOD}',
        f'<p style="opacity:inherit;filter:opacity(none)">{GOOD}',
        f'<p style="position:absolute;clip:auto">{GOOD}',
        f'<p style="position:absolute;clip:inset(0 0 0 0)">{GOOD}',
        f'<p style="clip-path:circle(50px)">{GOOD}',
        f'<p style="clip-path:polygon(0 0, 100px 0, 0 100px)">{GOOD}',
        f'<p style="transform:rotate(10deg) scale(2) translate(-50%)">{GOOD}',
        f'<p style="position:absolute;left:auto;top:3px">{GOOD}',
        f'<p style="font-size:larger">{GOOD}',
        '<p style="color:inherit"><a style="-webkit-text-fill-color:nonsense" href="https://example.com/u">Unsubscribe</a>',
        f'<table background="x.png"><tr><td style="color:#fff">{GOOD}',
        f'<div style="background:url(x.png)"><p style="background:rgba(0,0,0,.5)">{GOOD}',
        f'<div style="background:url(x.png)"><p style="background:#fff">{GOOD}',
        f"<div>{'<i>' * 30}{GOOD}",
        f"<style>.x.y{{display:none}}</style><p class=x>{GOOD}",
        f"<style>.x .y a{{display:none}}</style><div class=y><div class=x>{GOOD}",
        f"<style>p:not(.x){{color:red}}</style><p>{GOOD}<p>{GOOD}",
        f"<style>i:not(.x){{color:red}}</style><i><i>{GOOD}",
        '<a href="https://example.com/u">Unsubscribe <img src=x alt=""> <img src=y alt=z></a>',
        '<img usemap="#other" src=x><img usemap="#m" src=x alt=x><map name=m><area href="https://example.com/unsubscribe"></map>',
        f"<a href='https://example.com/'>Shop</a><!-- <a href=x>One</a> <a href=y>Two</a> --><p>{GOOD}",
    ],
)
def test_what_hides_nothing(html: str) -> None:
    assert str(in_html(html, Circumstances()).verdict) == "sender"


@pytest.mark.parametrize(
    "html",
    [
        "<map><area href='https://example.com/unsubscribe'></map>",
        "<style>div p.x a{display:none}</style><div><p class=x><b>" + GOOD,
        "<style>#x p a{display:none}</style><section ID=X><div><p>" + GOOD,
    ],
)
def test_what_hides(html: str) -> None:
    assert str(in_html(html, Circumstances()).verdict) == "hidden"


def test_comments_without_a_way_out() -> None:
    html = "<a href='https://example.com/'>Shop</a><!-- <a href=x>One</a> <a href=y>Two</a> --><!-- z -->"
    assert str(in_html(html, Circumstances()).verdict) == "missing"


@pytest.mark.parametrize(
    "style",
    [
        *("rotate:1e999deg", "transform:skewX(1e999deg)", "transform:matrix(1e200,1e200,1e200,1e200,0,0)", "zoom:1e999"),
        *("scale:nan", "scale:inf", "transform:matrix()", "rotate:", "rotate:foo 1deg", "rotate:1 2 1deg", "scale:1 2 3 4"),
        *("transform:rotate()", "transform:scale(1 2)", "transform:foo(1)", "transform:x", "translate:1 foo", "rotate:5"),
        "transform:" + "(" * 4000,
        "color:" + "(" * 4000,
        "z-index:" + "9" * 4000,
        "transform:" + "scale(.5) " * 60,
    ],
    ids=lambda style: style[:40],
)  # fmt: skip
def test_nothing_that_is_written_stops_the_reading(style: str) -> None:
    for html in (
        f'<div style="{style}">{GOOD}</div>',
        f'<style>div{{{style}}}</style><div style="position:relative">{GOOD}</div><div style="position:absolute">x</div>',
    ):
        assert in_html(html, Circumstances()).verdict in WayOut


def test_an_integer_too_long_to_be_read() -> None:
    html = f"<style>.x{{z-index:{'9' * 5000}}}</style>{GOOD}"
    assert in_html(html, Circumstances()).evidence.rule == "doubtful"


def test_what_is_larger_than_all_numbers_hides_nothing_less() -> None:
    html = f'<div style="scale:0"><p style="zoom:1e999">{GOOD}</p></div>'
    assert in_html(html, Circumstances()).verdict is WayOut.HIDDEN
