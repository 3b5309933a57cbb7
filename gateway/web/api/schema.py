"""The API's answers as types: what openapi.json describes and what goes out are the same.

The data of an event are those of ``gateway.model.notice``; a test sends each type of notice through these.
Every key is always there; null says that nothing is known (any more).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.model.notice import NoticeType

_N = NoticeType


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProblemBody(BaseModel):
    """What is wrong (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[
        str,
        Field(
            description="A page about this kind of problem.",
            examples=["https://mail.example.org/api/v1/problems/bad-cursor"],
        ),
    ]
    title: Annotated[
        str,
        Field(
            description="What is wrong, for people.",
            examples=["The cursor was not given out for this account"],
        ),
    ]
    status: Annotated[int, Field(description="The HTTP status again.", examples=[400])]


class SubscriptionData(_Body):
    """A subscription that has changed."""

    address: Annotated[
        str | None, Field(description="Null when it was erased since.", examples=["ada@example.net"])
    ]
    list: Annotated[str | None, Field(description="The List-Id.", examples=["bread.bakery.example"])]
    state: Annotated[str, Field(examples=["unsubscribed"])]
    basis: Annotated[str | None, Field(description="Why they may be written to.", examples=[None])]
    paused_until: Annotated[
        str | None,
        Field(
            description="When a pause ends, RFC 3339.",
            examples=[None],
            json_schema_extra={"format": "date-time"},
        ),
    ]
    via: Annotated[
        str | None,
        Field(description="How they left: one-click, page, mail, feedback.", examples=["one-click"]),
    ]


class ReceivedData(_Body):
    """A message that the gateway has taken."""

    message: Annotated[
        str, Field(description="The id of the 250 reply.", examples=["01M85C0HBFB5RBX2SYFY8R342Z"])
    ]
    list: str | None
    sender: str | None
    recipients: int | None
    refused: Annotated[int | None, Field(description="Recipients refused after the content.")]
    octets: int | None


class RefusedData(_Body):
    """A message or a recipient that the gateway has not taken."""

    recipient: Annotated[str | None, Field(description="Null where the whole message was refused.")]
    step: Annotated[str | None, Field(examples=["RCPT"])]
    policy: Annotated[str | None, Field(examples=["consent"])]
    reason: Annotated[str | None, Field(examples=["unsubscribed"])]
    code: Annotated[int | None, Field(examples=[550])]
    reply: Annotated[str | None, Field(examples=["550 5.7.1 Recipient unsubscribed on 2026-11-27"])]


class DeliveryData(_Body):
    """What became of one recipient's copy."""

    message: str
    delivery: Annotated[int | None, Field(description="The copy's number within the message.")]
    recipient: str | None
    list: str | None
    attempts: int | None
    code: Annotated[int | None, Field(description="The next hop's reply code.", examples=[550])]
    enhanced: Annotated[str | None, Field(examples=["5.1.1"])]
    reply: Annotated[str | None, Field(examples=["550 5.1.1 No such user"])]
    bounce_class: Annotated[str | None, Field(examples=["InvalidRecipient"])]


class HeldData(_Body):
    """A copy that waits until somebody lets it go on."""

    message: str
    delivery: int | None
    list: str | None
    policy: str | None
    reason: str | None


class AccountData(_Body):
    """The account has another state."""

    state: Annotated[str | None, Field(examples=["suspended"])]
    before: Annotated[str | None, Field(examples=["active"])]
    reason: str | None


class TermsData(_Body):
    """The account has accepted the provider's terms."""

    version: Annotated[str | None, Field(examples=["2026-03"])]
    before: Annotated[str | None, Field(description="What it had accepted before; null: none.")]


class WebhookData(_Body):
    """A webhook that is not called any more."""

    webhook: str | None
    reason: str | None


class _Event(_Body):
    id: Annotated[
        str, Field(description="The same in a webhook's webhook-id.", examples=["01M85C0HBFB5RBX2SYFY8R342Z"])
    ]
    timestamp: Annotated[
        str,
        Field(
            description="When it happened, RFC 3339, in UTC.",
            examples=["2026-11-27T09:30:00.000Z"],
            json_schema_extra={"format": "date-time"},
        ),
    ]


class SubscriptionEvent(_Event):
    """Somebody came, left, or turned out not to be there."""

    type: Literal[
        _N.SUBSCRIPTION_PENDING,
        _N.SUBSCRIPTION_CONFIRMED,
        _N.SUBSCRIPTION_UNSUBSCRIBED,
        _N.SUBSCRIPTION_PAUSED,
        _N.SUBSCRIPTION_RESUMED,
        _N.SUBSCRIPTION_BOUNCED,
        _N.SUBSCRIPTION_COMPLAINED,
    ]
    data: SubscriptionData


class ReceivedEvent(_Event):
    """A message was taken."""

    type: Literal[_N.MESSAGE_RECEIVED]
    data: ReceivedData


class RefusedEvent(_Event):
    """A message or a recipient was refused."""

    type: Literal[_N.MESSAGE_REFUSED]
    data: RefusedData


class DeliveryEvent(_Event):
    """A copy was delivered, deferred, or failed."""

    type: Literal[
        _N.MESSAGE_DELIVERED,
        _N.MESSAGE_DEFERRED,
        _N.MESSAGE_BOUNCED,
        _N.MESSAGE_EXPIRED,
        _N.MESSAGE_STOPPED,
    ]
    data: DeliveryData


class HeldEvent(_Event):
    """A copy was held."""

    type: Literal[_N.MESSAGE_HELD]
    data: HeldData


class AccountEvent(_Event):
    """The account's state was changed."""

    type: Literal[_N.ACCOUNT_CHANGED]
    data: AccountData


class TermsEvent(_Event):
    """The provider's terms were accepted."""

    type: Literal[_N.TERMS_ACCEPTED]
    data: TermsData


class WebhookEvent(_Event):
    """A webhook was given up."""

    type: Literal[_N.WEBHOOK_DISABLED]
    data: WebhookData


Event = Annotated[
    SubscriptionEvent
    | ReceivedEvent
    | RefusedEvent
    | DeliveryEvent
    | HeldEvent
    | AccountEvent
    | TermsEvent
    | WebhookEvent,
    Field(discriminator="type"),
]

EXAMPLE: dict[str, Any] = {
    "data": [
        {
            "id": "01M85C0HBFB5RBX2SYFY8R342Z",
            "type": "subscription.unsubscribed",
            "timestamp": "2026-11-27T09:30:00.000Z",
            "data": {
                "address": "ada@example.net",
                "list": "bread.bakery.example",
                "state": "unsubscribed",
                "basis": None,
                "via": "one-click",
                "paused_until": None,
            },
        }
    ],
    "next": "pQ2yq0m1V3i8mRkq7eJtC2b1wM0YxKfT",
    "has_more": False,
}


class Events(BaseModel):
    """One page of events, in the order in which they came to the store."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: list[Event]
    next: Annotated[str, Field(description="Send it as 'after' to go on; keep it over restarts.")]
    has_more: Annotated[
        bool,
        Field(description="Whether there may be more at once; a page may be empty and yet not the last."),
    ]
