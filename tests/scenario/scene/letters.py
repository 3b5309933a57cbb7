"""Messages as tenants send them."""

from email import policy
from email.message import EmailMessage


def newsletter(marker: str = "1", recipient: str = "ann@example.net", **headers: str) -> bytes:
    """Return a message with a text and an HTML part and CRLF ends; ``X_Some_Field`` becomes X-Some-Field."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = "Acme News <news@acme.example>"
    message["To"] = recipient
    message["Subject"] = f"News {marker}"
    message["X-Marker"] = marker
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Hello,\n\nthis is the text.\n")
    message.add_alternative(
        "<html><body><p>Hello, this is the <b>HTML</b>.</p></body></html>\n", subtype="html"
    )
    return message.as_bytes()
