"""Domains looked up with a name server of the test's own."""

import asyncio
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from gateway.imports.mail_domains import MailDomains, Taking

ZONE = {
    ("takes.example.", "MX"): ["10 mx.takes.example."],
    ("null.example.", "MX"): ["0 ."],
    ("plain.example.", "A"): ["192.0.2.1"],
    ("six.example.", "AAAA"): ["2001:db8::1"],
}
NAMES = {name for name, _ in ZONE} | {"nothing.example."}


class NameServer(asyncio.DatagramProtocol):
    def __init__(self):
        self.asked = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, source):
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = str(question.name), question.rdtype.name
        self.asked.append((name, kind))
        if name == "silent.example.":
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name == "broken.example.":
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name not in NAMES:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif records := ZONE.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(question.name, 300, "IN", kind, *records))
        self.transport.sendto(answer.to_wire(), source)


@pytest.fixture
async def server():
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        NameServer, local_addr=("127.0.0.1", 0)
    )
    protocol.place = transport.get_extra_info("sockname")
    yield protocol
    transport.close()


async def test_what_domains_say(server):
    domains = MailDomains([server.place])
    names = ["takes.example", "null.example", "plain.example", "six.example", "nothing.example", "gone.example",
             "broken.example", "[192.0.2.1]", "x" * 70 + ".example"]  # fmt: skip
    found = await domains.look(names, 10.0)
    assert [found[name] for name in names] == [
        Taking.YES,
        Taking.NULL,
        Taking.YES,
        Taking.YES,
        Taking.NO,
        Taking.NO,
        Taking.UNKNOWN,
        Taking.UNKNOWN,
        Taking.UNKNOWN,
    ]


async def test_answers_are_remembered(server):
    domains = MailDomains([server.place])
    for _ in range(3):
        await domains.look(["takes.example", "gone.example"], 10.0)
    assert server.asked == [("takes.example.", "MX"), ("gone.example.", "MX")]


async def test_what_is_not_answered_in_time_is_left_out(server):
    found = await MailDomains([server.place]).look(["silent.example", "takes.example"], 0.3)
    assert found == {"takes.example": Taking.YES}
    assert await MailDomains([server.place]).look([], 0.3) == {}


async def test_it_can_be_asked_from_a_thread(server):
    found = {}

    def ask():
        found.update(MailDomains([server.place]).ask(["null.example"], 10.0))

    thread = threading.Thread(target=ask)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert found == {"null.example": Taking.NULL}


def test_a_system_without_name_servers_is_no_trouble(monkeypatch):
    def no_configuration(*_args, **_named):
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr("dns.asyncresolver.Resolver", no_configuration)
    assert MailDomains().ask(["a.example"], 1.0) == {}
