"""A tenant's message goes in by SMTP, is judged, rewritten, kept safe, signed and relayed."""

import re
import smtplib
import urllib.request
from datetime import UTC, datetime

import pytest
from conftest import House, Sink, eventually, newsletter

pytestmark = pytest.mark.scenario


def test_each_recipient_gets_a_copy_with_a_link_of_their_own(house: House, sink: Sink) -> None:
    with house.client() as client:
        refused = client.sendmail(
            "news@acme.example", ["ann@example.net", "bob@example.net", "stranger@example.net"], newsletter()
        )
    assert refused == {"stranger@example.net": (550, b"5.7.1 No opt-in of this recipient is on record")}
    received = sink.wait(2)
    assert sorted(one.recipients for one in received) == [("ann@example.net",), ("bob@example.net",)]
    links = set()
    for one in received:
        message = one.message
        link = re.fullmatch(
            r"<(http://[^>]+)>, <mailto:unsubscribe@gateway\.example\?subject=[^>]+>",
            message["List-Unsubscribe"],
        )
        assert link
        links.add(link[1])
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert "news.acme.example" in message["List-Id"]
        assert message["Feedback-ID"]
        assert message["Date"]
        assert message["Message-ID"]
        assert message["Received"]
        for kind in ("plain", "html"):
            assert link[1] in message.get_body((kind,)).get_content()
    assert len(links) == 2
    assert house.end() == 0


def test_one_click_works_at_once(house: House, sink: Sink) -> None:
    with house.client() as client:
        client.sendmail("news@acme.example", ["ann@example.net"], newsletter())
        link = re.search(r"<(http[^>]+)>", sink.wait(1)[0].message["List-Unsubscribe"])[1]
        page = house.get(link)
        assert "Acme News" in page
        assert client.sendmail("news@acme.example", ["ann@example.net"], newsletter()) == {}
        request = urllib.request.Request(link, data=b"List-Unsubscribe=One-Click")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
            assert answer.url == link
        client.ehlo()
        client.mail("news@acme.example")
        today = datetime.now(UTC).date().isoformat()
        assert client.rcpt("ann@example.net") == (550, f"5.7.1 Recipient unsubscribed on {today}".encode())


def test_a_list_that_has_no_consent_is_refused_after_the_content(house: House, sink: Sink) -> None:
    house.call(
        "subscriber",
        "add",
        "acme",
        "offers.acme.example",
        "bob@example.net",
        "--basis",
        "asserted",
        "--source",
        "x",
    )
    with house.client() as client, pytest.raises(smtplib.SMTPDataError) as refusal:
        client.sendmail(
            "news@acme.example", ["ann@example.net"], newsletter(X_Consentry_List="offers.acme.example")
        )
    assert refusal.value.smtp_code == 550
    assert b"5.7.1" in refusal.value.smtp_error
    with house.client() as client:
        client.sendmail(
            "news@acme.example", ["ann@example.net", "bob@example.net"],
            newsletter("2", X_Consentry_List="offers.acme.example"),
        )  # fmt: skip
    received = sink.wait(2)
    copy = next(one for one in received if one.marker == "2")
    report = next(one for one in received if one.sender == "")
    assert copy.recipients == ("bob@example.net",)
    assert "X-Consentry-List" not in copy.message
    assert report.recipients == ("news@acme.example",)
    assert report.message.get_content_type() == "multipart/report"
    assert b"ann@example.net" in report.content


def test_suspended_mail_is_held_and_goes_on_after_reinstate(house: House, sink: Sink) -> None:
    sink.stop()
    with house.client() as client:
        client.sendmail("news@acme.example", ["ann@example.net"], newsletter())
        house.call("account", "suspend", "acme", "--reason", "too many complaints")

        def refused() -> bool:
            client.rset()
            code, text = client.mail("news@acme.example")
            return code == 550 and b"too many complaints" in text

        eventually(refused, seconds=2)
    sink.start()
    eventually(lambda: any(one["state"] == "held" for one in house.json("queue", "list")))
    assert sink.received == []
    house.call("account", "reinstate", "acme")
    assert sink.wait(1)[0].recipients == ("ann@example.net",)


def test_a_refusal_of_the_next_hop_is_reported(house: House, sink: Sink) -> None:
    sink.script = lambda recipient: "550 5.1.1 No such user" if recipient.startswith("bob") else None
    with house.client() as client:
        client.sendmail("news@acme.example", ["ann@example.net", "bob@example.net"], newsletter())
    received = sink.wait(2)
    report = next(one for one in received if one.sender == "")
    assert b"5.1.1" in report.content
    assert b"Final-Recipient: rfc822; bob@example.net" in report.content
    eventually(lambda: house.json("queue", "list") == [])
    assert house.metric("consentry_messages_fail_total") == 1


def test_explain_tells_the_story(house: House, sink: Sink) -> None:
    with house.client() as client:
        client.mail("news@acme.example")
        client.rcpt("ann@example.net")
        code, text = client.data(newsletter())
    assert code == 250
    identity = text.decode().rpartition(" ")[2]
    sink.wait(1)
    told = eventually(lambda: "Delivery" in (said := house.call("explain", identity).stdout) and said)
    assert "Reception" in str(told)
    assert "ann@example.net" in str(told)


def test_no_address_in_the_logs(house: House, sink: Sink) -> None:
    with house.client() as client:
        client.sendmail("news@acme.example", ["ann@example.net", "stranger@example.net"], newsletter())
    sink.wait(1)
    house.end()
    assert "example.net" not in house.log()
    for path in house.folder.joinpath("state").rglob("*"):
        if path.is_file():
            assert b"ann@example.net" not in path.read_bytes(), path
