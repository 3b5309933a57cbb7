"""The judging policies as tables of rows: facts in, verdict out."""

from dataclasses import replace

import pytest

from gateway.mime.scan import HEADERS, scan
from gateway.model.address import parse_address
from gateway.model.delivery import Delivery, Recipient, Sender, Submission
from gateway.model.facts import (
    Account,
    AccountState,
    Basis,
    Bonds,
    ConsentLevel,
    DeliveryFacts,
    MailList,
    MessageFacts,
    OverQuota,
    QuotaFact,
    RecipientFacts,
    SenderFacts,
    Subscription,
    SubscriptionState,
    Suppression,
)
from gateway.model.verdict import ACCOUNT_STATE_HOLD, Hold, Pass, Refuse, Verdict
from policies import (
    account_state,
    consent,
    list_choice,
    message_form,
    quota,
    sender_domains,
    suppression,
    terms,
)

NEWS, OFFERS = MailList(1, 7, "news.example.org", "News"), MailList(2, 7, "offers.example.org", "Offers")
ACCOUNT = Account(
    id=7, name="acme", state=AccountState.ACTIVE, state_reason="", consent=ConsentLevel.CONFIRMED, rates=(),
    burst=0, over_quota=OverQuota.REFUSE, domains=frozenset({"example.org", "xn--mller-kva.example"}),
    lists=(NEWS, OFFERS), default_list=NEWS,
)  # fmt: skip
BOB = parse_address("bob@example.net")
DAY = 86400.0
S = SubscriptionState


def bond(mail_list: MailList, state: S, basis: Basis = Basis.DOUBLE_OPT_IN, day: float = 1) -> Subscription:
    return Subscription(mail_list.id, state, basis, day * DAY)


def said(verdict: Verdict) -> str:
    match verdict:
        case Refuse(answer, reason):
            return f"{answer.code} {reason}"
        case Hold(reason, wait):
            return f"hold {reason} {wait}"
        case Pass():
            return "pass"


FREE = QuotaFact()


def delivery_facts(
    account: Account, quota: QuotaFact = FREE, bonds: Bonds | None = None, list_id: int | None = NEWS.id
) -> DeliveryFacts:
    submission = Submission("S", account.id, 0.0, Sender(None), 1, list_id, "example.org")
    return DeliveryFacts(account, Delivery(submission, 0, Recipient(BOB), ()), quota, bonds, 5 * DAY)


@pytest.mark.parametrize(
    ("bonds", "expected"),
    [
        (None, "pass"),  # it came in a moment ago
        (Bonds((bond(NEWS, S.CONFIRMED),)), "pass"),
        (Bonds((bond(NEWS, S.UNSUBSCRIBED), bond(OFFERS, S.CONFIRMED))), "550 unsubscribed"),
        (Bonds((bond(NEWS, S.COMPLAINED),)), "550 complained"),
        (Bonds((replace(bond(NEWS, S.CONFIRMED), paused_until=9 * DAY),)), "550 paused"),
        (Bonds((replace(bond(NEWS, S.CONFIRMED), paused_until=5 * DAY),)), "pass"),
        (Bonds(), "550 no-opt-in"),  # erased
    ],
)
def test_a_copy_that_has_waited(bonds: Bonds | None, expected: str) -> None:
    assert said(consent.release(delivery_facts(ACCOUNT, bonds=bonds))) == expected


def test_a_report_to_the_sender_is_to_no_list() -> None:
    facts = delivery_facts(ACCOUNT, bonds=Bonds(), list_id=None)
    assert said(consent.release(facts)) == "pass"


@pytest.mark.parametrize(
    ("bonds", "expected"),
    [(None, "pass"), (Bonds(), "pass"), (Bonds((), Suppression("left all", 1.0)), "550 suppressed")],
)
def test_an_address_that_was_suppressed_while_a_copy_waited(bonds: Bonds | None, expected: str) -> None:
    assert said(suppression.release(delivery_facts(ACCOUNT, bonds=bonds))) == expected


@pytest.mark.parametrize(
    ("now", "mail_list", "expected"),
    [
        (5.0, NEWS, "550 paused"),
        (5.0, OFFERS, "pass"),
        (5.0, None, "pass"),  # at RCPT the list may be the other one
        (9.9, NEWS, "550 paused"),
        (10.0, NEWS, "pass"),  # it ends by itself
    ],
)
def test_a_pause(now: float, mail_list: MailList | None, expected: str) -> None:
    paused = replace(bond(NEWS, S.CONFIRMED), paused_until=10 * DAY)
    facts = RecipientFacts(
        ACCOUNT, BOB, Bonds((paused, bond(OFFERS, S.CONFIRMED))), mail_list=mail_list, now=now * DAY
    )
    assert said(consent.recipient(facts)) == expected


def test_the_refusal_of_a_pause_says_until_when_and_that_the_address_is_good() -> None:
    bonds = Bonds(
        tuple(
            replace(bond(one, S.CONFIRMED), paused_until=day * DAY) for one, day in ((NEWS, 9), (OFFERS, 5))
        )
    )
    verdict = consent.recipient(RecipientFacts(ACCOUNT, BOB, bonds, now=DAY))
    assert isinstance(verdict, Refuse)
    assert str(verdict.reply) == (
        "550 5.7.1 Recipient wants a pause from this list until 1970-01-06; the address is good"
    )


@pytest.mark.parametrize(
    ("consent_level", "mail_list", "bonds", "expected"),
    [
        ("confirmed", None, [], "550 no-opt-in"),
        ("confirmed", None, [bond(NEWS, S.CONFIRMED)], "pass"),
        ("confirmed", NEWS, [bond(NEWS, S.CONFIRMED)], "pass"),
        ("confirmed", NEWS, [bond(OFFERS, S.CONFIRMED)], "550 no-opt-in"),
        ("confirmed", None, [bond(NEWS, S.UNSUBSCRIBED), bond(OFFERS, S.CONFIRMED)], "pass"),
        ("confirmed", NEWS, [bond(NEWS, S.UNSUBSCRIBED), bond(OFFERS, S.CONFIRMED)], "550 unsubscribed"),
        ("confirmed", NEWS, [bond(NEWS, S.PENDING)], "550 pending"),
        ("confirmed", NEWS, [bond(NEWS, S.BOUNCED)], "550 bounced"),
        ("confirmed", None, [bond(NEWS, S.COMPLAINED), bond(OFFERS, S.UNSUBSCRIBED)], "550 complained"),
        ("confirmed", NEWS, [bond(NEWS, S.CONFIRMED, Basis.ASSERTED)], "550 basis-too-weak"),
        ("asserted", NEWS, [bond(NEWS, S.CONFIRMED, Basis.ASSERTED)], "pass"),
        ("confirmed", NEWS, [bond(NEWS, S.CONFIRMED, Basis.ACCOUNT)], "pass"),
        ("asserted", NEWS, [bond(NEWS, S.CONFIRMED, Basis.RECOMMENDED)], "550 basis-too-weak"),
    ],
)
def test_consent(
    consent_level: str, mail_list: MailList | None, bonds: list[Subscription], expected: str
) -> None:
    account = replace(ACCOUNT, consent=ConsentLevel(consent_level))
    assert (
        said(consent.recipient(RecipientFacts(account, BOB, Bonds(tuple(bonds)), mail_list=mail_list)))
        == expected
    )


def test_who_left_is_said_with_the_latest_date() -> None:
    bonds = Bonds((bond(NEWS, S.UNSUBSCRIBED, day=1), bond(OFFERS, S.UNSUBSCRIBED, day=40)))
    verdict = consent.recipient(RecipientFacts(ACCOUNT, BOB, bonds))
    assert isinstance(verdict, Refuse)
    assert str(verdict.reply) == "550 5.7.1 Recipient unsubscribed on 1970-02-10"


@pytest.mark.parametrize(
    ("state", "at_mail", "at_release"),
    [
        (AccountState.ACTIVE, "pass", "pass"),
        (AccountState.WARNED, "pass", "pass"),
        (AccountState.UNDER_REVIEW, "pass", "pass"),
        (AccountState.THROTTLED, "pass", "pass"),
        (AccountState.SUSPENDED, "550 suspended", f"hold {ACCOUNT_STATE_HOLD} None"),
        (AccountState.CANCELLED, "550 cancelled", f"hold {ACCOUNT_STATE_HOLD} None"),
    ],
)
def test_account_state(state: AccountState, at_mail: str, at_release: str) -> None:
    account = replace(ACCOUNT, state=state)
    assert said(account_state.sender(SenderFacts(account, Sender(None)))) == at_mail
    assert said(account_state.release(delivery_facts(account))) == at_release


def test_a_suspended_sender_hears_why() -> None:
    account = replace(ACCOUNT, state=AccountState.SUSPENDED, state_reason="too many complaints")
    verdict = account_state.sender(SenderFacts(account, Sender(None)))
    assert isinstance(verdict, Refuse)
    assert verdict.reply.text == "Account suspended: too many complaints"


@pytest.mark.parametrize(
    ("settings", "accepted", "expected"),
    [
        ({}, "", "pass"),
        ({"version": "2026-03"}, "", "pass"),  # they are asked for, and not required
        ({"version": "2026-03", "required": True}, "", "550 terms"),
        ({"version": "2026-03", "required": True}, "2025-01", "550 terms"),
        ({"version": "2026-03", "required": True}, "2026-03", "pass"),
    ],
)
def test_terms(settings: dict[str, object], accepted: str, expected: str) -> None:
    policy = terms.build(settings)
    facts = SenderFacts(replace(ACCOUNT, terms=accepted), Sender(None))
    assert (said(policy.sender(facts)) if policy.sender else "pass") == expected


def test_that_the_reply_names_the_terms() -> None:
    rule = terms.build({"version": "2026-03", "required": True}).sender
    assert rule is not None
    verdict = rule(SenderFacts(ACCOUNT, Sender(None)))
    assert isinstance(verdict, Refuse)
    assert str(verdict.reply) == "550 5.7.1 Accept the provider's terms, version 2026-03, before you send"


@pytest.mark.parametrize("settings", [{"required": True}, {"version": "März"}, {"version": "x" * 41}])
def test_terms_that_cannot_be_meant(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="version"):
        terms.build(settings)


def test_suppression() -> None:
    assert said(suppression.recipient(RecipientFacts(ACCOUNT, BOB, Bonds()))) == "pass"
    bonds = Bonds(suppression=Suppression("asked by post", 0.0))
    assert said(suppression.recipient(RecipientFacts(ACCOUNT, BOB, bonds))) == "550 suppressed"


def test_quota() -> None:
    assert said(quota.recipient(RecipientFacts(ACCOUNT, BOB, Bonds()))) == "pass"
    verdict = quota.recipient(RecipientFacts(ACCOUNT, BOB, Bonds(), QuotaFact(1.2, "100/s")))
    assert isinstance(verdict, Refuse)
    assert str(verdict.reply) == "451 4.7.1 Over the quota of 100/s, try again in 2 seconds"
    assert said(quota.release(delivery_facts(ACCOUNT))) == "pass"
    assert said(quota.release(delivery_facts(ACCOUNT, QuotaFact(3.0, "1/s")))) == "hold over-quota 3.0"


@pytest.mark.parametrize(
    ("sender", "subdomains", "expected"),
    [
        ("", False, "pass"),
        ("news@example.org", False, "pass"),
        ("news@EXAMPLE.org", False, "pass"),
        ("news@müller.example", False, "pass"),
        ("news@mail.example.org", False, "550 return-path-not-verified"),
        ("news@mail.example.org", True, "pass"),
        ("news@badexample.org", True, "550 return-path-not-verified"),
        ("news@example.com", True, "550 return-path-not-verified"),
    ],
)
def test_return_path(sender: str, subdomains: bool, expected: str) -> None:
    rule = sender_domains.build({"subdomains": subdomains}).sender
    assert rule is not None
    address = parse_address(sender) if sender else None
    assert said(rule(SenderFacts(ACCOUNT, Sender(address)))) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"From: A <a@example.org>", "pass"),
        (b"From: a@m\xc3\xbcller.example", "pass"),
        (b'From: "ceo@example.org" <x@evil.example>', "550 from-not-verified"),
        (b"From: x@evil.example", "550 from-not-verified"),
        (b"From: nobody", "550 malformed-from"),
        (b"Subject: none", "550 malformed-from"),
    ],
)
def test_from_domain(head: bytes, expected: str) -> None:
    rule = sender_domains.build({}).message
    assert rule is not None
    facts = MessageFacts(ACCOUNT, Sender(None), "", NEWS)
    assert said(rule(scan(head + b"\r\n\r\nhello\r\n"), facts)) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"From: a@example.org\r\nSubject: x\r\nX-Id: 1", "pass"),
        (b"From: a@example.org\r\nX-Id: 1\r\nFrom: b@example.org", "550 malformed-from"),
        (b"From: a@example.org, b@example.org\r\nX-Id: 1", "550 malformed-from"),
        (b"From: a@example.org\r\nX-Id: 1\r\nSubject: x\r\nsubject: y", "550 repeated-field"),
        (b"From: a@example.org", "550 missing-field"),
        (b"", "550 no-headers"),
        (b"this is no header", "550 no-headers"),
        (
            b"From: a@example.org\r\nX-Id: 1\r\n" + b"X: y\r\n" * 2000 + b"Bcc: c@example.org",
            "550 too-many-fields",
        ),
        (b"From: a@example.org\r\nX-Id: " + b"1" * HEADERS, "550 header-too-large"),
    ],
)
def test_message_form(head: bytes, expected: str) -> None:
    rule = message_form.build({"required": ["X-Id"]}).message
    assert rule is not None
    facts = MessageFacts(ACCOUNT, Sender(None), "", NEWS)
    assert said(rule(scan(head + b"\r\n\r\nhello\r\n"), facts)) == expected


@pytest.mark.parametrize(
    ("named", "mail_list", "expected"),
    [
        ("", NEWS, "pass"),
        ("offers.example.org", OFFERS, "pass"),
        ("other.example", None, "550 unknown-list"),
        ("", None, "550 no-list"),
    ],
)
def test_list_choice(named: str, mail_list: MailList | None, expected: str) -> None:
    facts = MessageFacts(ACCOUNT, Sender(None), named, mail_list)
    assert said(list_choice.message(scan(b"From: a@b\r\n\r\n"), facts)) == expected


@pytest.mark.parametrize("policy", [account_state, consent, suppression, quota, list_choice])
def test_unknown_settings_are_errors(policy: object) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        policy.build({"nonsense": 1})  # type: ignore[attr-defined]
    assert policy.build({}).name == policy.__name__.removeprefix("policies.")  # type: ignore[attr-defined]
