"""Every SMTP reply that the gateway gives, in one table.

What it promises: the class of the enhanced status code (RFC 2034, RFC 3463) follows from the reply code and
is never written down; the text is ASCII without CR or LF, checked when the reply is built; a text that
takes values names them, and a value that is no ASCII is escaped before it reaches the wire.
``docs/reference/replies.md`` is generated from this table.
"""

from gateway.model.values import dataclass

_TEXT_LIMIT = 400  # octets; RFC 5321 section 4.5.3.1.5 allows 512 for the whole line


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP answer. ``subject`` and ``detail`` are the last two numbers of the enhanced code."""

    code: int
    subject: int
    detail: int
    text: str

    def __post_init__(self) -> None:
        if not self.text.isascii() or not self.text.isprintable():
            raise ValueError(f"a reply's text is printable ASCII: {self.text!r}")
        if self.code // 100 not in {2, 4, 5}:
            raise ValueError(f"a reply with an enhanced code is 2xx, 4xx or 5xx, not {self.code}")

    @property
    def enhanced(self) -> str:
        """The enhanced status code; its class is the code's first digit (RFC 2034 section 4)."""
        return f"{self.code // 100}.{self.subject}.{self.detail}"

    @property
    def is_positive(self) -> bool:
        """Whether the command was taken."""
        return self.code < 400

    @property
    def is_transient(self) -> bool:
        """Whether the client is asked to try again later."""
        return 400 <= self.code < 500

    def __str__(self) -> str:
        return f"{self.code} {self.enhanced} {self.text}"

    def wire(self) -> bytes:
        """Return the reply as it goes out, CRLF included."""
        return f"{self.code} {self.code // 100}.{self.subject}.{self.detail} {self.text}\r\n".encode("ascii")

    def fill(self, **values: object) -> "Reply":
        """Return this reply with the values put into its text, made printable and cut to the line limit."""
        shown = {name: _printable(str(value)) for name, value in values.items()}
        return Reply(self.code, self.subject, self.detail, self.text.format(**shown)[:_TEXT_LIMIT])


def _printable(value: str) -> str:
    """Escape what may not stand in a reply: the value may come from a client."""
    value = value[:200]
    if value.isascii() and value.isprintable():
        return value
    return "".join(c if " " <= c <= "~" else f"\\x{ord(c):02x}" for c in value)


@dataclass(frozen=True, slots=True)
class Intermediate:
    """An answer without an enhanced code: the greeting and every 3yz (RFC 2034 section 4)."""

    code: int
    text: str

    def __post_init__(self) -> None:
        if not self.text.isascii() or not self.text.isprintable():
            raise ValueError(f"a reply's text is printable ASCII: {self.text!r}")
        if self.code // 100 not in {2, 3}:
            raise ValueError(f"a reply without an enhanced code is 2xx or 3xx, not {self.code}")

    def __str__(self) -> str:
        return f"{self.code} {self.text}"

    def wire(self) -> bytes:
        """Return the answer as it goes out, CRLF included."""
        return f"{self.code} {self.text}\r\n".encode("ascii")


START_INPUT = Intermediate(354, "End data with <CR><LF>.<CR><LF>")
CHALLENGE_EMPTY = Intermediate(334, "")  # RFC 4954 section 4: "334", a space and nothing
CHALLENGE_USERNAME = Intermediate(334, "VXNlcm5hbWU6")  # "Username:" in base64
CHALLENGE_PASSWORD = Intermediate(334, "UGFzc3dvcmQ6")  # "Password:" in base64

# The session
GREETING_BUSY = Reply(421, 3, 2, "Too many connections from here, try again later")
CLOSING = Reply(221, 0, 0, "Bye")
SHUTTING_DOWN = Reply(421, 3, 2, "The gateway is shutting down, try again soon")
IDLE_TIMEOUT = Reply(421, 4, 2, "Nothing heard for too long, closing")
TOO_MANY_ERRORS = Reply(421, 7, 0, "Too many errors, closing")
TOO_MANY_COMMANDS = Reply(421, 7, 0, "Too many commands, closing")
OK = Reply(250, 0, 0, "OK")
HELP = Reply(214, 0, 0, "EHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP QUIT")
VRFY_NO = Reply(252, 1, 5, "Addresses are not verified here; RCPT says what may be sent")
START_TLS = Reply(220, 0, 0, "Ready to start TLS")
NOT_SMTP = Reply(421, 7, 0, "This is not SMTP, closing")
TOO_MANY_MESSAGES = Reply(421, 7, 0, "Too many messages in one session, the limit is {limit}")
UNKNOWN_COMMAND = Reply(500, 5, 1, "Command not recognized")
NOT_IMPLEMENTED = Reply(502, 5, 1, "Command not implemented")
LINE_TOO_LONG = Reply(500, 5, 6, "Command line too long")
BAD_SYNTAX = Reply(501, 5, 4, "Syntax: {syntax}")
BAD_PARAMETER = Reply(555, 5, 4, "Parameter not recognized or malformed: {parameter}")
BAD_SEQUENCE = Reply(503, 5, 1, "Bad sequence: {hint}")
NOT_ASCII = Reply(501, 5, 2, "Command is not valid UTF-8")
TLS_FIRST = Reply(530, 7, 0, "Must issue a STARTTLS command first")
TLS_ALREADY = Reply(503, 5, 1, "TLS is already active")
TLS_UNAVAILABLE = Reply(454, 7, 0, "TLS is not available")
PIPELINED_EARLY = Reply(503, 5, 0, "Commands were sent ahead of the reply to {command}")

# AUTH, RFC 4954 section 6
AUTH_OK = Reply(235, 7, 0, "Authentication successful")
AUTH_FAILED = Reply(535, 7, 8, "Authentication credentials invalid")
AUTH_REQUIRED = Reply(530, 7, 0, "Authentication required")
AUTH_NEEDS_TLS = Reply(538, 7, 11, "Encryption required for authentication")
AUTH_ALREADY = Reply(503, 5, 1, "Already authenticated")
AUTH_MECHANISM = Reply(504, 5, 4, "Authentication mechanism not offered")
AUTH_BAD_BASE64 = Reply(501, 5, 2, "Cannot decode the response: not base64")
AUTH_BAD_RESPONSE = Reply(501, 5, 2, "The response does not have the form that {mechanism} wants")
AUTH_CANCELLED = Reply(501, 7, 0, "Authentication cancelled")
AUTH_LINE_TOO_LONG = Reply(500, 5, 6, "Authentication exchange line is too long")
AUTH_BLOCKED = Reply(421, 7, 0, "Too many failed logins from here, try again in {seconds} seconds")
AUTH_UNAVAILABLE = Reply(454, 7, 0, "Temporary authentication failure")

# MAIL and RCPT
SENDER_OK = Reply(250, 1, 0, "Sender OK")
RECIPIENT_OK = Reply(250, 1, 5, "Recipient OK")
BAD_SENDER_ADDRESS = Reply(553, 1, 7, "Malformed sender address: {why}")
BAD_RECIPIENT_ADDRESS = Reply(553, 1, 3, "Malformed recipient address: {why}")
NEEDS_SMTPUTF8 = Reply(553, 6, 7, "The address needs SMTPUTF8 on MAIL FROM")
TOO_MANY_RECIPIENTS = Reply(452, 5, 3, "Too many recipients, the limit is {limit}")
TOO_BIG = Reply(552, 3, 4, "Message too big, the limit is {limit} octets")
ACCOUNT_BUSY = Reply(421, 7, 0, "Too many connections for this account, try again later")
ACCOUNT_SUSPENDED = Reply(550, 7, 1, "Account suspended: {why}")
ACCOUNT_CANCELLED = Reply(550, 7, 1, "Account cancelled")
TERMS_NOT_ACCEPTED = Reply(550, 7, 1, "Accept the provider's terms, version {version}, before you send")
SENDER_NOT_YOURS = Reply(550, 7, 1, "The domain {domain} is not a verified sending domain of this account")
NO_CONSENT = Reply(550, 7, 1, "No opt-in of this recipient is on record")
CONSENT_PENDING = Reply(550, 7, 1, "The opt-in of this recipient is not confirmed yet")
CONSENT_TOO_WEAK = Reply(550, 7, 1, "This account may write to confirmed (double opt-in) recipients only")
UNSUBSCRIBED = Reply(550, 7, 1, "Recipient unsubscribed on {date}")
COMPLAINED = Reply(550, 7, 1, "Recipient reported this sender on {date}")
BOUNCED = Reply(550, 1, 1, "Recipient address has been dead since {date}")
# A policy's no, and no word about the mailbox: programs that clean lists by codes leave the address alone,
# and 5xx keeps the tenant from trying this message for the months that a pause may last.
PAUSED = Reply(550, 7, 1, "Recipient wants a pause from this list until {date}; the address is good")
SUPPRESSED = Reply(550, 7, 1, "Recipient address is suppressed: {why}")
OVER_QUOTA = Reply(451, 7, 1, "Over the quota of {rate}, try again in {seconds} seconds")

# Content
QUEUED = Reply(250, 6, 0, "Queued as {id}")
CHUNK_OK = Reply(250, 0, 0, "{octets} octets received")
BDAT_FAILED = Reply(503, 5, 1, "BDAT failed before, RSET first")
NO_RECIPIENTS = Reply(503, 5, 1, "No valid recipients")
BARE_NEWLINE = Reply(550, 6, 0, "Content has a bare CR or LF, which SMTP forbids")
HAS_NUL = Reply(550, 6, 0, "Content has a NUL octet, which mail forbids")
NO_HEADERS = Reply(550, 6, 0, "The message has no header section")
BAD_HEADER = Reply(550, 6, 0, "Header {field}: {why}")
BAD_FROM = Reply(550, 6, 0, "The message must have exactly one From: field with one valid address")
UNKNOWN_LIST = Reply(550, 7, 1, "The account has no list {list}")
NO_LIST = Reply(550, 7, 1, "The message names no list and the account has no default list")
ALL_REFUSED = Reply(550, 7, 1, "No recipient may get this message; the first: {why}")
MIME_TOO_DEEP = Reply(550, 6, 0, "The message's structure is beyond the limits: {why}")
PLACEHOLDER_STAYS = Reply(550, 6, 0, "The unsubscribe placeholder stands where it cannot be replaced: {why}")

# Strangers' mail
INBOUND_HELP = Reply(214, 0, 0, "EHLO STARTTLS MAIL RCPT DATA BDAT RSET NOOP QUIT")
NO_RELAY = Reply(550, 7, 1, "Relaying denied: no mail for {domain} is taken here")
NO_MAILBOX = Reply(550, 1, 1, "No such mailbox here")
MAILBOX_UNMANNED = Reply(450, 3, 5, "Nobody is named to read {mailbox} yet, try again later")
LETTER_TAKEN = Reply(250, 6, 0, "Message taken")
NO_TOKEN = Reply(
    550, 6, 0, "Nothing here says which mail to stop: leave the subject as the unsubscribe link wrote it"
)
TOO_MANY_HOPS = Reply(554, 4, 6, "Too many Received lines: the message goes round in circles")

# Our own state; always transient, and the cause never leaves the house
LOCAL_ERROR = Reply(451, 3, 0, "Local error in processing, try again later")
STORE_AWAY = Reply(451, 3, 0, "A service that is needed is away, try again later")
SPOOL_FULL = Reply(452, 3, 1, "Insufficient storage, try again later")
CONTENTS_FULL = Reply(452, 3, 1, "Too much is being received at once, try again later")


class PublicError(Exception):
    """A failure that knows what a client may hear of it; the cause goes to the log only."""

    reply: Reply = LOCAL_ERROR


class StoreAway(PublicError):
    """The store of accounts and consent cannot be asked now."""

    reply = STORE_AWAY


class SpoolFull(PublicError):
    """The spool cannot take more: its limit, or the disk's."""

    reply = SPOOL_FULL


def table() -> dict[str, Reply]:
    """Return every reply of this module by its name, in the order written."""
    return {name: value for name, value in globals().items() if isinstance(value, Reply)}
