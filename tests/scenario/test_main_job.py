"""A tenant's message goes in by SMTP, is judged, rewritten, kept safe, signed and relayed."""

import re
import smtplib
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from scene import House, eventually, newsletter

pytestmark = pytest.mark.scenario

SENDER = "news@acme.example"


def test_each_recipient_gets_a_copy_with_a_link_of_their_own(house: House, readers: Iterator[str]) -> None:
    ann, bob = next(readers), next(readers)
    with house.client() as client:
        refused = client.sendmail(SENDER, [ann, bob, "stranger@example.net"], newsletter("copies"))
    assert refused == {"stranger@example.net": (550, b"5.7.1 No opt-in of this recipient is on record")}
    received = house.sink.copies("copies", 2)
    assert sorted(one.recipients for one in received) == [(ann,), (bob,)]
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
        assert message["DKIM-Signature"]
        for kind in ("plain", "html"):
            assert link[1] in message.get_body((kind,)).get_content()
    assert len(links) == 2


def test_one_click_works_at_once(house: House, reader: str) -> None:
    with house.client() as client:
        client.sendmail(SENDER, [reader], newsletter("click"))
        link = re.search(r"<(http[^>]+)>", house.sink.copy("click").message["List-Unsubscribe"])[1]
        page = house.get(link)
        assert "Acme News" in page
        assert client.sendmail(SENDER, [reader], newsletter("still subscribed")) == {}
        request = urllib.request.Request(link, data=b"List-Unsubscribe=One-Click")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
            assert answer.url == link
        client.mail(SENDER)
        today = datetime.now(UTC).date().isoformat()
        assert client.rcpt(reader) == (550, f"5.7.1 Recipient unsubscribed on {today}".encode())


def test_who_leaves_while_a_copy_waits_does_not_get_it(house: House, reader: str) -> None:
    with house.client() as client:
        client.sendmail(SENDER, [reader], newsletter("first"))
        link = re.search(r"<(http[^>]+)>", house.sink.copy("first").message["List-Unsubscribe"])[1]
        house.sink.script = lambda recipient: "451 4.7.1 come again" if recipient == reader else None
        client.sendmail(SENDER, [reader], newsletter("second"))

    def deferred() -> list[dict[str, object]]:
        return [one for one in house.json("queue", "list") if one["attempts"] and one["recipient"] == reader]

    (waiting,) = eventually(deferred)
    urllib.request.urlopen(
        urllib.request.Request(link, data=b"List-Unsubscribe=One-Click"), timeout=10
    ).close()
    house.sink.script = lambda _recipient: None
    house.call("queue", "retry", waiting["id"])
    # The tenant is told why; the reader hears nothing more.
    today = datetime.now(UTC).date().isoformat()
    assert f"unsubscribed on {today}".encode() in house.sink.report(f"rfc822;{reader}").content
    assert "second" not in [one.marker for one in house.sink.received]


def test_a_list_that_has_no_consent_is_refused_after_the_content(
    house: House, readers: Iterator[str]
) -> None:
    ann, bob = next(readers), next(readers)
    house.call(
        "subscriber", "add", "acme", "offers.acme.example", bob, "--basis", "asserted",
        "--source", "signed up at the fair",
    )  # fmt: skip
    offer = newsletter("offer", X_Consentry_List="offers.acme.example")
    with house.client() as client, pytest.raises(smtplib.SMTPDataError) as refusal:
        client.sendmail(SENDER, [ann], offer)
    assert refusal.value.smtp_code == 550
    assert b"5.7.1" in refusal.value.smtp_error
    with house.client() as client:
        client.sendmail(SENDER, [ann, bob], offer)
    copy = house.sink.copy("offer")
    report = house.sink.report(about=ann)
    assert copy.recipients == (bob,)
    assert "X-Consentry-List" not in copy.message
    assert report.recipients == (SENDER,)
    assert report.message.get_content_type() == "multipart/report"


def test_suspended_mail_is_held_and_goes_on_after_reinstate(house: House, reader: str) -> None:
    house.sink.stop()
    with house.client() as client:
        client.sendmail(SENDER, [reader], newsletter("suspended"))
        house.call("account", "suspend", "acme", "--reason", "too many complaints")

        def refused() -> bool:
            client.rset()
            code, text = client.mail(SENDER)
            return code == 550 and b"too many complaints" in text

        eventually(refused, seconds=1.5)
    house.sink.start()
    eventually(lambda: house.metric("consentry_scheduled_count", state="held") == 1)
    (held,) = house.json("queue", "list")
    assert held["state"] == "held"
    assert not any(one.marker == "suspended" for one in house.sink.received)
    house.call("account", "reinstate", "acme")
    assert house.sink.copy("suspended").recipients == (reader,)


def test_a_refusal_of_the_next_hop_is_reported(house: House, readers: Iterator[str]) -> None:
    ann, bob = next(readers), next(readers)
    house.sink.script = lambda recipient: "550 5.1.1 No such user" if recipient == bob else None
    failures = house.metric("consentry_messages_fail_total")
    with house.client() as client:
        client.sendmail(SENDER, [ann, bob], newsletter("refused"))
    report = house.sink.report(about=bob)
    assert house.sink.copy("refused").recipients == (ann,)
    assert b"Status: 5.1.1" in report.content
    assert f"Final-Recipient: rfc822;{bob}".encode() in report.content
    house.wait_until_empty()
    assert house.metric("consentry_messages_fail_total") == failures + 1


def test_explain_tells_the_story(house: House, reader: str) -> None:
    with house.client() as client:
        client.mail(SENDER)
        client.rcpt(reader)
        code, text = client.data(newsletter("explained"))
    assert code == 250
    identity = text.decode().rpartition(" ")[2]
    house.sink.copy("explained")
    house.wait_until_empty()

    def told() -> str:
        said = house.call("explain", identity).stdout
        return said if "Nothing of it is in the queue" in said else ""

    story = eventually(told)
    assert f"received from {SENDER} for 1 recipient" in story
    assert f"delivered to {reader} at try 1" in story
    assert "250 2.0.0 kept" in story


def test_no_address_in_logs_or_at_rest(house: House, reader: str) -> None:
    house.sink.stop()
    with house.client() as client:
        client.sendmail(SENDER, [reader, "stranger@example.net"], newsletter("secret"))
        with pytest.raises(smtplib.SMTPSenderRefused):
            client.sendmail("someone@elsewhere.example", [reader], newsletter("secret"))
    at_rest = {path: path.read_bytes() for path in house.state.rglob("*") if path.is_file()}
    house.sink.start()
    house.sink.copy("secret")
    assert "session ended" in house.log()
    for word in (reader, "stranger@", "example.net", "someone@", "elsewhere", SENDER):
        assert word not in house.log()
        for path, content in at_rest.items():
            assert word.encode() not in content, (word, path)
