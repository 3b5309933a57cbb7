"""The visibility table: pieces of HTML, what must be found in each, by which rule, and what Chromium shows.

``LINK`` stands for a link that says what it is for and can work. ``shown`` is what a reader at Chromium sees;
where that is not what is found, ``note`` says why mail is not read as a browser reads. Pieces with media
queries are seen on a wide screen and on a narrow one; a way out counts when both show it.
"""

from typing import NamedTuple

LINK = '<a href="https://example.com/unsubscribe">Unsubscribe</a>'


class Row(NamedTuple):
    """One piece of HTML. ``rule`` is the evidence's; "words" for what is seen."""

    name: str
    html: str
    verdict: str
    rule: str
    shown: bool
    note: str = ""


def _seen(name: str, html: str) -> Row:
    return Row(name, html.replace("LINK", LINK), "sender", "words", shown=True)


def _hidden(name: str, rule: str, html: str, note: str = "") -> Row:
    return Row(name, html.replace("LINK", LINK), "hidden", rule, shown=False, note=note)


def _shown(name: str, rule: str, html: str, note: str) -> Row:
    """A browser shows it, and it counts as hidden all the same."""
    return Row(name, html.replace("LINK", LINK), "hidden", rule, shown=True, note=note)


def _not_judged(name: str, html: str, note: str) -> Row:
    """A browser does not show it, and it counts as seen all the same."""
    return Row(name, html.replace("LINK", LINK), "sender", "words", shown=False, note=note)


def _styled(style: str, words: str = "Unsubscribe") -> str:
    return f'<p>Hello</p><a style="{style}" href="https://example.com/unsubscribe">{words}</a>'


ROWS = (
    # Plainly there.
    _seen("a plain link", "<p>LINK</p>"),
    _seen("a link in a table, as newsletters are", "<table width=600 align=center><tr><td>LINK</td></tr></table>"),
    _seen("grey on white", _styled("color:#999999")),
    _seen("a small font, 9px", _styled("font-size:9px")),
    _seen("light on a dark ground", '<div style="background:#222">' + _styled("color:#eee") + "</div>"),
    _seen("white on a ground of its own", _styled("color:#fff;background-color:#1155cc;padding:4px")),
    _seen("an image with words for it", '<a href="https://example.com/unsubscribe"><img src="x.png" alt="Unsubscribe"></a>'),
    _seen("an image with a size", '<a href="https://example.com/unsubscribe"><img src="x.png" width="120" height="30"></a>'),
    _seen("aria-hidden is for screen readers", '<p aria-hidden="true">LINK</p>'),
    _seen("words beside the link", '<p>To unsubscribe, <a href="https://example.com/t/1">click here</a>.</p>'),
    # Not displayed.
    _hidden("display none", "display-none", _styled("display:none")),
    _hidden("display none around it", "display-none", '<div style="display:none"><p>LINK</p></div>'),
    _hidden("display none, loud and spaced", "display-none", _styled("DISPLAY : NONE ! important")),
    _hidden("display none by escapes", "display-none", _styled(r"d\69splay:n\6fne")),
    _hidden("display none behind a comment", "display-none", _styled("/* ; */display:none")),
    _seen("display none that is taken back", _styled("display:none;display:inline")),
    _seen("a declaration that is no CSS", _styled("display none;color red")),
    _hidden("display none in a sheet, by class", "display-none", "<style>.u{display:none}</style><p class=u>LINK</p>"),
    _hidden("display none in a sheet, by id", "display-none", "<style>#u{display:none}</style><p id=u>LINK</p>"),
    _hidden("display none in a sheet, by tag", "display-none", "<style>a{display:none}</style><p>LINK</p>"),
    _hidden("by a descendant selector", "display-none", "<style>.f p a{display:none}</style><div class=f><p>LINK</p></div>"),
    _hidden("by a child selector", "display-none", "<style>.f > a{display:none}</style><div class=f>LINK</div>"),
    _seen("a child selector that is not met", "<style>.f > a{display:none}</style><div class=f><p>LINK</p></div>"),
    _seen("a descendant selector that is not met", "<style>.g p a{display:none}</style><div class=f><p>LINK</p></div>"),
    _hidden("by an attribute selector", "display-none", '<style>a[href*="unsub"]{display:none}</style><p>LINK</p>'),
    _hidden("by :last-child", "display-none", "<style>p:last-child{display:none}</style><p>x</p><p>LINK</p>"),
    _hidden("by :not()", "display-none", "<style>p:not(.x){display:none}</style><p>LINK</p>"),
    _hidden("by a sibling", "display-none", "<style>h1 + p{display:none}</style><h1>x</h1><p>LINK</p>"),
    _hidden("by everything", "display-none", "<style>p *{display:none}</style><p>LINK</p>"),
    _hidden("by :link", "display-none", "<style>a:link{display:none}</style><p>LINK</p>"),
    _seen("only under the mouse", "<style>a:hover{display:none}</style><p>LINK</p>"),
    _seen("only before it", "<style>a::before{display:none}</style><p>LINK</p>"),
    _seen("the more specific rule shows it", "<style>p.u{display:block}.u{display:none}</style><p class=u>LINK</p>"),
    _hidden("the important rule hides it", "display-none", '<style>.u{display:none!important}</style><p class=u style="display:block">LINK</p>'),
    _seen("the inline style shows it", '<style>.u{display:none}</style><p class=u style="display:block">LINK</p>'),
    _seen("a later rule shows it", "<style>.u{display:none}.u{display:block}</style><p class=u>LINK</p>"),
    _hidden("a sheet in the body", "display-none", "<p class=u>LINK</p><style>.u{display:none}</style>"),
    _hidden("a rule behind a comment of HTML", "display-none", "<style><!-- .u{display:none} --></style><p class=u>LINK</p>"),
    _hidden("by @supports", "display-none", "<style>@supports (display:block){.u{display:none}}</style><p class=u>LINK</p>"),
    _hidden("by @layer", "display-none", "<style>@layer x{.u{display:none}}</style><p class=u>LINK</p>"),
    _hidden("the hidden attribute", "hidden-attribute", "<p hidden>LINK</p>"),
    _seen("the hidden attribute, overruled", '<p hidden style="display:block">LINK</p>'),
    _hidden("a closed details", "details-closed", "<details><summary>More</summary><p>LINK</p></details>"),
    _seen("an open details", "<details open><summary>More</summary><p>LINK</p></details>"),
    _seen("the summary of a closed details", "<details><summary>LINK</summary><p>x</p></details>"),
    _hidden("a closed dialog", "dialog-closed", "<dialog>LINK</dialog>"),
    _hidden("content-visibility", "content-visibility", '<div style="content-visibility:hidden">LINK</div>'),
    # Not in the page at all.
    _hidden("in a comment", "comment", "<p>Hello <a href='https://example.com/'>shop</a></p><!-- LINK -->"),
    _hidden("in a comment that never ends", "comment", "<p>Hello <a href='https://example.com/'>shop</a></p><!-- LINK"),
    _hidden("in a template", "template", "<p><a href='https://example.com/'>shop</a></p><template><p>LINK</p></template>"),
    _hidden("for Outlook only", "mso-only", "<p>Hello</p><!--[if mso]><p>LINK</p><![endif]-->",
            "Chromium sees a comment, and so do all mail programs but Outlook with Word's engine"),
    _seen("for all but Outlook", "<p>Hello</p><!--[if !mso]><!--><p>LINK</p><!--<![endif]-->"),
    _hidden("noscript", "noscript", "<p>Hello</p><noscript><p>LINK</p></noscript>",
            "with scripts off a browser would show it; mail programs drop the element with all in it"),
    _shown("mso-hide", "mso-hide", _styled("mso-hide:all"),
            "a browser does not know it; Outlook with Word's engine does not show it"),
    # Visibility, opacity.
    _hidden("visibility hidden", "visibility-hidden", '<p style="visibility:hidden">LINK</p>'),
    _hidden("visibility collapse", "visibility-hidden", '<p style="visibility:collapse">LINK</p>'),
    _seen("visibility taken back within", '<p style="visibility:hidden"><span style="visibility:visible">LINK</span></p>'),
    _hidden("opacity 0", "opacity", '<p style="opacity:0">LINK</p>'),
    _hidden("opacity of two elements", "opacity", '<div style="opacity:.2"><p style="opacity:20%">LINK</p></div>'),
    _seen("opacity .6", '<p style="opacity:.6">LINK</p>'),
    _hidden("a filter", "opacity", '<p style="filter:opacity(0%)">LINK</p>'),
    # Fonts.
    _hidden("font-size 0", "tiny-font", _styled("font-size:0")),
    _hidden("font-size 1px", "tiny-font", '<p style="font-size:1px;line-height:1px">LINK</p>'),
    _hidden("font-size 0 in the shorthand", "tiny-font", _styled("font:0/0 sans-serif")),
    _hidden("font-size .1em", "tiny-font", '<p style="font-size:20px"><span style="font-size:.1em">LINK</span></p>'),
    _seen("font-size 0 around a sized child, as MJML has it", '<td><div style="font-size:0px;text-align:center"><div style="font-size:13px">LINK</div></div></td>'),
    _seen("font-size 0 around a sized link", '<div style="font-size:0">' + _styled("font-size:12px") + "</div>"),
    _seen("keywords and points", '<p style="font-size:x-small">LINK</p><p style="font-size:8pt">LINK</p>'),
    _seen("smaller than small", '<p style="font-size:small"><span style="font-size:smaller">LINK</span></p>'),
    _seen("font size=1", "<p><font size=1>LINK</font></p>"),
    _seen("a negative size is no size", _styled("font-size:-1px")),
    # Colours.
    _hidden("white on white", "same-colour", _styled("color:#ffffff")),
    _hidden("nearly white on white", "same-colour", _styled("color:#fafafa")),
    _hidden("white on white by name", "same-colour", _styled("color:white")),
    _hidden("white on white by hsl", "same-colour", _styled("color:hsl(0, 0%, 100%)")),
    _hidden("white on white by rgb", "same-colour", _styled("color:rgb(100% 100% 100%)")),
    _hidden("the ground's colour by bgcolor", "same-colour", '<table bgcolor="#336699"><tr><td>' + _styled("color:#336699") + "</td></tr></table>"),
    _hidden("bgcolor without its sign", "same-colour", '<table bgcolor="336699"><tr><td>' + _styled("color:#336699") + "</td></tr></table>"),
    _hidden("the ground's colour by the shorthand", "same-colour", '<div style="background:#123456 none">' + _styled("color:#123456") + "</div>"),
    _hidden("the ground's colour in a sheet", "same-colour", "<style>.f{background:#eee} .f a{color:#efefef}</style><div class=f>LINK</div>"),
    _hidden("inherited by the link", "same-colour", '<div style="color:#fff">' + _styled("color:inherit") + "</div>"),
    _seen("the text around is white, a link is blue", '<div style="color:#fff">LINK</div>'),
    _hidden("white words within the link", "same-colour", _styled("", '<span style="color:#fff">Unsubscribe</span>')),
    _hidden("white words by font", "same-colour", _styled("", '<font color="#ffffff">Unsubscribe</font>')),
    _hidden("links of the body are white", "same-colour", '<body link="#ffffff"><p>LINK</p></body>'),
    _hidden("transparent letters", "transparent", _styled("color:transparent")),
    _hidden("letters of no alpha", "transparent", _styled("color:rgba(0,0,0,.02)")),
    _hidden("the fill colour", "same-colour", _styled("-webkit-text-fill-color:#fff")),
    _hidden("a ground that lets through", "same-colour", '<div style="background:#000"><div style="background:rgba(255,255,255,.99)">' + _styled("color:#fff") + "</div></div>"),
    _seen("as bright, but another colour", '<div style="background:#ff0000">' + _styled("color:#008f00") + "</div>"),
    _seen("white on an image", '<div style="background:#000 url(x.png)">' + _styled("color:#fff") + "</div>"),
    _seen("white on a gradient", '<div style="background:linear-gradient(#222,#000)">' + _styled("color:#fff") + "</div>"),
    _seen("a colour that is none", _styled("color:nonsense")),
    _seen("currentcolor", '<div style="color:#333">' + _styled("color:currentcolor") + "</div>"),
    _seen("the body's text and ground", '<body bgcolor="#000000" text="#ffffff"><p>' + _styled("color:inherit") + "</p></body>"),
    # Gradients and images below the letters.
    _hidden("white on a gradient of whites", "same-colour", '<div style="background:linear-gradient(#fff, rgb(250,250,250))">' + _styled("color:#fff") + "</div>"),
    _hidden("white on rings of whites", "same-colour", '<div style="background-image:radial-gradient(circle at center, #fff 10%, hsl(0,0%,99%))">' + _styled("color:#fff") + "</div>"),
    _seen("white on a gradient from white to black", '<div style="background:linear-gradient(#fff,#000)">' + _styled("color:#fff") + "</div>"),
    _hidden("a gradient that lets all through", "same-colour", '<div style="background:linear-gradient(rgba(0,0,0,0), transparent)">' + _styled("color:#fff") + "</div>"),
    _seen("a gradient of half black", '<div style="background:linear-gradient(rgba(0,0,0,.5), rgba(0,0,0,.6))">' + _styled("color:#fff") + "</div>"),
    _hidden("white on white below an image that is not loaded", "same-colour", '<div style="background:#fff url(x.png)">' + _styled("color:#fff") + "</div>"),
    _hidden("a gradient over an image", "same-colour", '<div style="background:linear-gradient(#fff,#fff),url(x.png)">' + _styled("color:#fff") + "</div>"),
    _not_judged("white on an image without a colour", '<div style="background-image:url(x.png)">' + _styled("color:#fff") + "</div>",
            "the image is not loaded here; where it is, nobody but its reader knows what is on it"),
    _not_judged("white on an image by an attribute", '<table background="x.png"><tr><td>' + _styled("color:#fff") + "</td></tr></table>",
            "the same"),
    # Custom properties.
    _hidden("a variable of the root", "same-colour", "<style>:root{--c:#fff}a{color:var(--c)}</style><p>LINK</p>"),
    _hidden("a variable of its own", "display-none", _styled("--d:none;display:var(--d)")),
    _hidden("a variable from above", "same-colour", '<div style="--Paper:#ffffff"><p>' + _styled("color: VAR( --Paper )") + "</p></div>"),
    _seen("a variable that is taken back", '<div style="--c:#fff"><div style="--c:#333">' + _styled("color:var(--c)") + "</div></div>"),
    _hidden("a variable in a sheet, by a variable", "same-colour", "<style>.f{--a:var(--b);--b:#fff}.f a{color:var(--a)}</style><div class=f>LINK</div>"),
    _hidden("the value for a variable that is none", "same-colour", _styled("color:var(--none, #fff)")),
    _seen("a variable that is none takes the rest with it", _styled("color:#fff;color:var(--none)")),
    _hidden("a variable that names itself", "display-none", _styled("--a:var(--b);--b:var(--a);display:var(--a, none)")),
    _hidden("a variable of the initial value is none", "display-none", '<div style="--a:block"><p style="--a:initial;display:var(--a,none)">LINK</p></div>'),
    _hidden("a variable that is inherited by its word", "display-none", '<div style="--a:none"><p style="--a:inherit;display:var(--a)">LINK</p></div>'),
    _seen("names of variables have large and small letters", _styled("--C:#fff;--c:#333;color:var(--c)")),
    _hidden("a variable in a shorthand", "same-colour", '<div style="--g:#123456;background:var(--g) none">' + _styled("color:#123456") + "</div>"),
    _hidden("a variable within a colour", "same-colour", _styled("--n:255;color:rgb(var(--n) var(--n) var(--n))")),
    # Covered by something else.
    _hidden("a sheet of white over all of it", "covered", '<div style="position:relative"><p>LINK</p><div style="position:absolute;top:0;left:0;width:100%;height:100%;background:#fff"></div></div>'),
    _hidden("by inset", "covered", '<div style="position:relative"><p>LINK</p><div style="position:absolute;inset:0;background:#fff"></div></div>'),
    _hidden("by rules of a sheet", "covered", "<style>.r{position:relative}.c{position:absolute;top:0;right:0;bottom:0;left:0}</style><div class=r><p>LINK</p><div class=c></div></div>"),
    _hidden("a pane that takes the clicks", "covered", '<div style="position:relative"><p>LINK</p><div style="position:absolute;inset:0;opacity:0"></div></div>'),
    _seen("a pane that lets clicks through", '<div style="position:relative"><p>LINK</p><div style="position:absolute;inset:0;pointer-events:none"></div></div>'),
    _hidden("white that lets clicks through", "covered", '<div style="position:relative"><p>LINK</p><div style="position:absolute;inset:0;pointer-events:none;background:#fff"></div></div>'),
    _seen("a ground behind it", '<div style="position:relative;z-index:0"><p>LINK</p><div style="position:absolute;inset:0;z-index:-1;background:#fff"></div></div>'),
    _seen("a ground before it in the text", '<div style="position:relative"><div style="position:absolute;inset:0;background:#fff"></div><p style="position:relative">LINK</p></div>'),
    _seen("the link is raised", '<div style="position:relative"><p style="position:relative;z-index:2">LINK</p><div style="position:absolute;inset:0;z-index:1;background:#fff"></div></div>'),
    _hidden("the sheet is raised more", "covered", '<div style="position:relative"><p style="position:relative;z-index:2">LINK</p><div style="position:absolute;inset:0;z-index:3;background:#fff"></div></div>'),
    _hidden("a window of its own", "covered", '<p>LINK</p><div style="position:fixed;left:0;top:0;width:100vw;height:100vh;background:#fff"></div>'),
    _seen("the link in the window", '<p>x</p><div style="position:fixed;inset:0;background:#fff"><p>LINK</p></div>'),
    _hidden("all down the page", "covered", '<p>LINK</p><div style="position:absolute;left:0;top:0;width:100%;height:5000px;background:#fff"></div>'),
    _hidden("in pixels", "covered", '<div style="position:relative;width:400px;height:100px"><p>LINK</p><div style="position:absolute;left:-10px;top:0;width:420px;height:100px;background:#fff"></div></div>'),
    _seen("a badge in the corner", '<div style="position:relative;width:400px;height:100px"><p>LINK</p><div style="position:absolute;right:0;top:0;width:20px;height:20px;background:#c00"></div></div>'),
    _seen("a sheet that is not there", '<div style="position:relative"><p>LINK</p><div style="display:none;position:absolute;inset:0;background:#fff"></div></div>'),
    _seen("a sheet that is not visible", '<div style="position:relative"><p>LINK</p><div style="visibility:hidden;position:absolute;inset:0;background:#fff"></div></div>'),
    _seen("a sheet over something else", '<p>LINK</p><div style="position:relative;height:40px"><div style="position:absolute;inset:0;background:#fff"></div></div>'),
    _hidden("pulled up over it", "covered", '<p>LINK</p><div style="position:relative;margin-top:-60px;height:80px;background:#fff"></div>'),
    _hidden("moved up over it", "covered", '<p>LINK</p><div style="position:relative;top:-60px;height:80px;background:#fff"></div>'),
    _hidden("moved up from below", "covered", '<p>LINK</p><div style="position:relative;bottom:60px;height:80px;background:#fff"></div>'),
    _seen("pulled up a little", '<p>LINK</p><div style="position:relative;margin-top:-6px;height:80px;background:#fff"></div>'),
    _seen("pulled up below it, without a position", '<p>LINK</p><div style="margin-top:-60px;height:80px;background:#fff"></div>'),
    _seen("pulled up beside it", '<p>LINK</p><div style="position:relative;left:400px;margin-top:-60px;height:80px;background:#fff"></div>'),
    _seen("pulled up over what follows it", '<div><p>LINK</p><p>And more</p><p>and more</p></div><div style="position:relative;margin-top:-50px;height:60px;background:#fff"></div>'),
    _hidden("without room, before it", "covered", '<div style="position:absolute;width:100%;height:80px;background:#fff"></div> <!-- x --><p>LINK</p>'),
    _seen("without room, over the lines before it", '<div style="position:absolute;width:100%;height:50px;background:#fff"></div><div><p>Hello</p><p>there</p><p>LINK</p></div>'),
    _seen("without room, and too low", '<div style="position:absolute;width:100%;height:5px;background:#fff"></div><p>LINK</p>'),
    _seen("the sheet comes before another one", '<div style="position:relative"><div style="position:absolute;inset:0;background:#fff"></div><div><p style="position:relative;z-index:0">LINK</p></div><p>x</p></div>'),
    _seen("one that is covered, and another one", '<div style="position:relative"><p>LINK</p><div style="position:absolute;inset:0;background:#fff"></div></div><p>LINK</p>'),
    _seen("a variable within a colour that is none", _styled("color:#fff;color:rgb(var(--n) 1 1)")),
    _hidden("a variable without a name is no declaration", "same-colour", _styled("color:#fff;color:var()")),
    _seen("without room, and narrow", '<div style="position:absolute;width:5px;height:80px;background:#fff"></div><p>LINK</p>'),
    # Places.
    _hidden("far to the left", "off-screen", _styled("position:absolute;left:-9999px")),
    _hidden("far above", "off-screen", '<div style="position:absolute;top:-2000px">LINK</div>'),
    _hidden("far by inset", "off-screen", '<div style="position:fixed;inset:-9999px auto auto -9999px">LINK</div>'),
    _shown("far to the right", "off-screen", '<div style="position:absolute;left:20000px">LINK</div>',
            "a browser could scroll there; no mail program's reader does"),
    _hidden("a negative margin", "off-screen", '<div style="margin:0 0 0 -9999px">LINK</div>'),
    _hidden("a negative margin above", "off-screen", '<div style="margin-top:-3000px">LINK</div>'),
    _hidden("text-indent", "text-indent", '<p style="text-indent:-9999px">LINK</p>'),
    _seen("a hanging indent", '<p style="text-indent:-10px;padding-left:20px">LINK</p>'),
    _hidden("moved away", "off-screen", '<div style="transform:translateX(-9999px)">LINK</div>'),
    _hidden("scaled to nothing", "off-screen", '<div style="transform:scale(0)">LINK</div>'),
    _hidden("scaled to a speck", "off-screen", '<div style="transform:scale(.02)">LINK</div>'),
    _hidden("scaled by a property", "off-screen", '<div style="scale:0">LINK</div>'),
    _hidden("scaled by a percentage", "off-screen", '<div style="scale:1 2%">LINK</div>'),
    _hidden("mirrored to a speck", "off-screen", '<div style="transform:scaleX(-0.01)">LINK</div>'),
    _seen("scaled up", '<div style="transform:scale(1.5);transform-origin:0 0">LINK</div>'),
    _seen("scaled in a line of text", _styled("transform:scale(0);scale:0;translate:-9999px;rotate:x 90deg")),
    _hidden("moved away by a property", "off-screen", '<div style="translate:0 -9999px">LINK</div>'),
    _hidden("moved away by a screen", "off-screen", '<div style="transform:translate3d(-100vw,0,0)">LINK</div>'),
    _seen("moved by half of a screen", '<div style="padding-left:60vw;transform:translate(-50vw)">LINK</div>'),
    _hidden("moved away in a matrix", "off-screen", '<div style="transform:matrix(1,0,0,1,-3000,0)">LINK</div>'),
    _hidden("a matrix of no area", "off-screen", '<div style="transform:matrix(0,0,0,1,0,0)">LINK</div>'),
    _seen("a matrix that does nothing", '<div style="transform:matrix(1,0,0,1,0,0)">LINK</div>'),
    _seen("a matrix that is none", '<div style="transform:matrix(0,0)">LINK</div>'),
    _hidden("turned to its edge", "off-screen", '<div style="transform:rotateY(90deg)">LINK</div>'),
    _hidden("turned to its edge by a property", "off-screen", '<div style="rotate:x .25turn">LINK</div>'),
    _hidden("turned to its edge about a vector", "off-screen", '<div style="rotate:1 0 0 270deg">LINK</div>'),
    _seen("turned in the page", '<div style="rotate:5deg;transform:rotate(-5deg) rotateZ(2deg)">LINK</div>'),
    _hidden("zoomed to a speck", "tiny-font", '<div style="zoom:0.02">LINK</div>'),
    _hidden("a line zoomed to a speck", "tiny-font", _styled("zoom:2%")),
    _seen("a zoom of nothing", '<div style="zoom:0">LINK</div>'),
    _seen("zoomed", '<div style="zoom:1;zoom:normal">LINK</div>'),
    _seen("moved a little", '<div style="position:relative;left:20px;top:-2px;transform:translate(5px,0)">LINK</div>'),
    _hidden("clip", "clipped", '<div style="position:absolute;clip:rect(0,0,0,0)">LINK</div>'),
    _hidden("clip to a pixel", "clipped", '<div style="position:absolute;clip:rect(1px, 1px, 1px, 1px)">LINK</div>'),
    _seen("clip without a position", '<div style="clip:rect(0,0,0,0)">LINK</div>'),
    _seen("clip to a large area", '<div style="position:absolute;clip:rect(0,500px,300px,0)">LINK</div>'),
    _hidden("clip-path inset", "clipped", '<div style="clip-path:inset(50%)">LINK</div>'),
    _hidden("clip-path circle", "clipped", '<div style="clip-path:circle(0)">LINK</div>'),
    _hidden("clip-path polygon", "clipped", '<div style="clip-path:polygon(0 0, 0 0, 0 0)">LINK</div>'),
    _seen("clip-path of a few pixels", '<div style="clip-path:inset(1px)">LINK</div>'),
    # Boxes.
    _hidden("no height, and nothing flows over", "no-room", '<div style="height:0;overflow:hidden">LINK</div>'),
    _hidden("no max-height", "no-room", '<div style="max-height:0px;overflow:hidden">LINK</div>'),
    _seen("no height, and the text flows over", '<div style="height:0">LINK</div>'),
    _hidden("no width", "no-room", '<div style="width:0;overflow-x:hidden;white-space:nowrap">LINK</div>'),
    _hidden("a pixel, for screen readers", "no-room", '<span style="position:absolute;width:1px;height:1px;overflow:hidden">LINK</span>'),
    _seen("no height, but a least one", '<div style="height:0;min-height:40px;overflow:hidden">LINK</div>'),
    _seen("a line of text has no height of its own", '<p><span style="height:0;overflow:hidden">LINK</span></p>'),
    _hidden("a line of text that is made a box", "no-room", '<p><span style="display:inline-block;height:0;overflow:hidden">LINK</span></p>'),
    _hidden("a line of text that floats", "no-room", '<p><span style="float:left;height:0;overflow:hidden">LINK</span></p>'),
    _seen("a cell grows with its text", '<table><tr><td style="height:0;overflow:hidden">LINK</td></tr></table>'),
    _seen("a box with room", '<div style="width:300px;height:40px;overflow:hidden">LINK</div>'),
    # Links without anything to see or to click.
    _hidden("an empty link", "empty", '<p>Hello</p><a href="https://example.com/unsubscribe"></a>'),
    _hidden("blanks only", "empty", '<p>Hello</p><a href="https://example.com/unsubscribe">&nbsp; </a>'),
    _shown("a dot", "no-words", '<p>Hello</p><a href="https://example.com/unsubscribe">.</a>',
            "a browser shows the dot; nobody takes it for a way out"),
    _shown("an image without words and size", "image-without-alt-and-size", '<a href="https://example.com/unsubscribe"><img src="x.png"></a>',
            "a browser in quirks mode shows its own sign for an image that is not there"),
    _hidden("an image of a pixel", "tiny-image", '<a href="https://example.com/unsubscribe"><img src="x.png" alt="Unsubscribe" width="1" height="1"></a>'),
    _hidden("an image of a pixel, by its style", "tiny-image", '<a href="https://example.com/unsubscribe"><img src="x.png" alt="Unsubscribe" style="width:1px;height:1px"></a>'),
    _hidden("an image that is not displayed", "display-none", '<a href="https://example.com/unsubscribe"><img src="x.png" alt="Unsubscribe" style="display:none"></a>'),
    _hidden("pointer-events none", "pointer-events", _styled("pointer-events:none")),
    _shown("the words that say it are hidden", "display-none", '<p>Hello</p><a href="https://example.com/t/1">Read more<span style="display:none"> or unsubscribe</span></a>',
            "a browser shows the link, but not what it is for"),
    _seen("a hidden part, and the words are there", _styled("", '<span style="display:none">x</span>Unsubscribe')),
    # Wide and narrow screens.
    _hidden("not on a narrow screen", "display-none", "<style>@media screen and (max-width:600px){.u{display:none!important}}</style><p class=u>LINK</p>"),
    _hidden("not on a wide screen", "display-none", "<style>@media only screen and (min-width: 601px){.u{display:none}}</style><p class=u>LINK</p>"),
    _seen("one for each", "<style>.m{display:none}@media (max-width:600px){.d{display:none}.m{display:block}}</style><p class=d>LINK</p><p class=m>LINK</p>"),
    _seen("not in print", "<style>@media print{.u{display:none}}</style><p class=u>LINK</p>"),
    _seen("dark mode", "<style>@media (prefers-color-scheme:dark){.u a{color:#fff}}</style><p class=u>LINK</p>"),
    _hidden("by a range", "display-none", "<style>@media (width <= 600px){.u{display:none}}</style><p class=u>LINK</p>"),
    _seen("a media type that nobody is", "<style>@media yahoo{.u{display:none}}</style><p class=u>LINK</p>"),
    _hidden("a sheet for screens", "display-none", "<style media=screen>.u{display:none}</style><p class=u>LINK</p>"),
    _seen("a sheet for print", "<style media=print>.u{display:none}</style><p class=u>LINK</p>"),
    # One that is hidden, and another one.
    _seen("a hidden preheader, and a link below", '<div style="display:none;max-height:0;overflow:hidden">LINK</div><p>Hello</p><p>LINK</p>'),
    _seen("an image map", '<img src="x.png" usemap="#m" width=200 height=50><map name=m><area shape=rect coords="0,0,200,50" href="https://example.com/unsubscribe" alt="Unsubscribe"></map>'),
    _hidden("an image map of a hidden image", "display-none", '<img src="x.png" usemap="#m" width=200 height=50 style="display:none"><map name=m><area shape=rect coords="0,0,200,50" href="https://example.com/unsubscribe" alt="Unsubscribe"></map>'),
    _hidden("an image map without an image", "empty", '<p>x</p><map name=m><area shape=rect coords="0,0,200,50" href="https://example.com/unsubscribe" alt="Unsubscribe"></map>'),
)  # fmt: skip
