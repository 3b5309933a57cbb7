"""A name server for TXT records, on the loopback and at the port of DNS, for programs that ask the system's."""

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

# One for each process: the port is always the same.
ADDRESS = f"127.53.{os.getpid() >> 8 & 0xFF}.{os.getpid() & 0xFE | 1}"


@contextmanager
def serve_zone(zone: Mapping[str, str]) -> Iterator[str]:
    """Answer for the zone until left; give the address. Raise OSError where the port is not ours to take."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind((ADDRESS, 53))
        thread = threading.Thread(target=_answer_all, args=(listening, zone))
        thread.start()
        try:
            yield ADDRESS
        finally:
            listening.sendto(b"", (ADDRESS, 53))
            thread.join()


def _answer_all(listening: socket.socket, zone: Mapping[str, str]) -> None:
    while True:
        packet, client = listening.recvfrom(4096)
        if not packet:
            return
        listening.sendto(_answer(dns.message.from_wire(packet), zone), client)


def _answer(query: dns.message.Message, zone: Mapping[str, str]) -> bytes:
    question = query.question[0]
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.AA
    record = zone.get(question.name.to_text().lower())
    if record is None:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    elif question.rdtype == dns.rdatatype.TXT:
        # A character-string has 255 octets at most (RFC 1035 section 3.3.14).
        texts = " ".join(f'"{record[start : start + 255]}"' for start in range(0, len(record), 255))
        answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", "TXT", texts))
    return answer.to_wire(max_size=4096)
