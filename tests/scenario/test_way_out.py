"""A way out of the sender's own that nobody sees, and templates of another service, through the real gateway."""

import pytest
from scene import House, eventually

pytestmark = pytest.mark.scenario

SENDER = "news@acme.example"
HEAD = (
    b"From: news@acme.example\r\nTo: reader@example.net\r\nSubject: x\r\nX-Marker: %b\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
)
HIDDEN = b"<html><body><p>Hello</p><p style='color:#fff'><a style='color:inherit' href='https://example.com/u?to=%b'>"
HIDDEN += b"Unsubscribe</a></p></body></html>\r\n"


def _sent(house: House, reader: str, content: bytes) -> str:
    with house.client() as client:
        client.mail(SENDER)
        client.rcpt(reader)
        code, text = client.data(content)
    assert code == 250
    return text.decode().rpartition(" ")[2]


def test_a_hidden_way_out_is_made_good_and_recorded(house: House, reader: str) -> None:
    before = house.metric("consentry_tampering_total", verdict="hidden", rule="same-colour")
    header = b"List-Unsubscribe: <https://example.com/leave>\r\n\r\n"
    identity = _sent(house, reader, HEAD % b"hidden" + header + HIDDEN % reader.encode())
    message = house.sink.copy("hidden").message
    link = message["List-Unsubscribe"].partition(">")[0].removeprefix("<")
    assert f'href="{link}"' in message.get_content()
    assert house.metric("consentry_tampering_total", verdict="hidden", rule="same-colour") == before + 1

    def told() -> str:
        said = house.call("explain", identity).stdout
        return said if "way out" in said else ""

    story = " ".join(eventually(told).split())
    assert "the message's own way out is hidden: same-colour; ours was added" in story
    assert "at html > body > p > a with color:#ffffff on #ffffff" in story
    assert "it came with List-Unsubscribe: <https://example.com/leave>" in story
    assert reader not in house.log()


def test_templates_of_another_service_go_out_filled_in(house: House, reader: str) -> None:
    html = (
        b"\r\n<html><body><p>Hello</p><p><% Leave this list %> or "
        b'<a href="http://%5Bunsubscribe%5D/">here</a></p></body></html>\r\n'
    )
    _sent(house, reader, HEAD % b"template" + html)
    message = house.sink.copy("template").message
    link = message["List-Unsubscribe"].partition(">")[0].removeprefix("<")
    assert (
        f'<p><a href="{link}">Leave this list</a> or <a href="{link}">here</a></p></body>'
        in message.get_content()
    )
    assert "Acme News" in house.get(link)


def test_a_list_has_its_footer_in_its_language(house: House, reader: str) -> None:
    head = HEAD.replace(b"text/html", b"text/plain") + b"\r\nGuten Tag\r\n"

    def footer(marker: str) -> str:
        _sent(house, reader, head % marker.encode())
        return house.sink.copy(marker).message.get_content()

    house.call("list", "set", "acme", "news.acme.example", "--language", "de")
    try:
        markers = (f"german-{number}" for number in range(1000))
        eventually(lambda: "\r\nAbmelden: http" in footer(next(markers)).replace("\n", "\r\n"))
    finally:
        house.call("list", "set", "acme", "news.acme.example", "--language", "")
    markers = (f"english-{number}" for number in range(1000))
    eventually(lambda: "Unsubscribe: http" in footer(next(markers)))
