"""Where links lead."""

import pytest

from policies.way_out.target import cleaned, web_host, why_broken


@pytest.mark.parametrize(
    ("href", "why"),
    [
        ("https://example.com/u", ""), ("HTTP://example.com", ""), ("https:example.com/u", ""), ("https:\\\\example.com", ""),
        ("https://example.com./u", ""), ("https://b\u00fccher.de/", ""), ("https://xn--bcher-kva.de/", ""),
        ("https://example.com/?a[]=1&b=%20c%20", ""), ("https://example.com/a@b", ""), ("https://8.8.8.8/", ""),
        ("https://[2606:4700::1111]/", ""), ("mailto:leave@example.com?subject=unsubscribe", ""), ("mailto:a%40example.com", ""),
        (" ht\ntps://example.com/\t", ""), ("https://example.com:8443/u", ""),
        ("", "no-target"), ("   ", "no-target"), ("#", "fragment"), ("#unsubscribe", "fragment"),
        ("/unsubscribe", "relative"), ("unsubscribe.html", "relative"), ("//example.com/u", "relative"),
        ("javascript:void(0)", "scheme"), ("data:text/html,x", "scheme"), ("tel:123", "scheme"), ("http://", "no-host"),
        ("{{unsub}}", "unfilled-placeholder"), ("https://{{host}}/u", "unfilled-placeholder"), ("%7B%7Bx%7D%7D", "unfilled-placeholder"),
        ("https://example.com/*|X|*", "unfilled-placeholder"), ("[link]", "unfilled-placeholder"), ("http://[link]/", "unfilled-placeholder"),
        ("https://example.com/%unsub_link%", "unfilled-placeholder"), ("https://example.com/?e=<%x%>", "unfilled-placeholder"),
        ("##link##", "fragment"), ("https://##host##/", "unfilled-placeholder"), ("${url}", "unfilled-placeholder"),
        ("http://localhost/u", "private-name"), ("http://mail.local/", "private-name"), ("http://x.home.arpa", "private-name"),
        ("http://server/u", "single-label"), ("https://shop.test/", "reserved-name"), ("https://shop.example/", "reserved-name"),
        ("mailto:a@shop.invalid", "reserved-name"),
        ("http://127.0.0.1/", "private-address"), ("http://10.1.2.3/", "private-address"), ("http://169.254.1.1/", "private-address"),
        ("http://0x7f.1/", "private-address"), ("http://2130706433/", "private-address"), ("http://0177.0.0.1/", "private-address"),
        ("http://[::1]/", "private-address"), ("http://[fe80::1%25eth0]/", "private-address"), ("http://[::ffff:10.0.0.1]/", "private-address"),
        ("http://224.0.0.1/", "private-address"), ("http://127.0.0.1./", "private-address"),
        ("http://999.1.1.1/", "host"), ("http://1.2.3.4.5/", "host"), ("http://256.1.1.1/", "host"), ("http://0x/", "private-address"),
        ("http://08/", "host"), ("http://[:::1]/", "host"),
        ("http://a..b/", "host"), ("http://-a.com/", "host"), ("http://a b.com/", "host"), ("https://example.com:99999/", "host"),
        ("http://\u2025.com/", "host"), ("http://b\u00fc" + "x" * 70 + ".de/", "host"), ("http://[::1", "host"),
        ("https://user@example.com/", "userinfo"), ("https://example.com\\@evil.com/", "userinfo"),
        ("mailto:", "no-mailbox"), ("mailto:nobody", "no-mailbox"), ("mailto:a@b@c.com", "no-mailbox"),
    ],
)  # fmt: skip
def test_targets(href: str, why: str) -> None:
    assert why_broken(cleaned(href)) == why


def test_reserved_names_count_where_tests_say_so() -> None:
    assert why_broken("https://shop.example/", frozenset({"example"})) == ""
    assert why_broken("https://shop.test/", frozenset({"example"})) == "reserved-name"


@pytest.mark.parametrize(
    ("href", "host"),
    [
        ("https://Shop.Example.com/u?to=ann@example.net", "shop.example.com"),
        ("HTTP://shop.example.com.", "shop.example.com"),
        ("https://b\u00fccher.de/u", "xn--bcher-kva.de"),
        ("https://shop.example.com:8443/u", ""),  # only the usual ports are asked
        ("mailto:leave@example.com", ""),
        ("https://", ""),
        ("https://[::1", ""),
        ("https://a..b/", ""),
    ],
)
def test_the_host_of_a_web_link(href: str, host: str) -> None:
    assert web_host(href) == host
