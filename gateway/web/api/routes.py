"""The routes of the API: one table, from which the application and openapi.json follow."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from gateway.model.api_key import Scope
from gateway.web.api import imports, lists, newsletters, subscriptions
from gateway.web.api.bodies import keyed
from gateway.web.api.desks import Desks
from gateway.web.api.once import HEADER
from gateway.web.api.problems import MEDIA_TYPE, ROOT
from gateway.web.api.schema import Events

PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
_LATER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A string made anew for each change. The same key with the same request gets the answer "
    "of the first time, for a day.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"},
}
_ROWS = {
    "description": "The file.",
    "required": True,
    "content": {kind: {"schema": {"type": "string"}} for kind in imports.TYPES},
}
_READ = {
    400: "A parameter, the cursor or the body is wrong.",
    401: "There is no good key.",
    403: "The key has not the scope that this needs.",
    429: "Too many requests of this key, or too many wrong keys from this source.",
    503: "The store is away.",
}
_BODY = {413: "The body is too long.", 415: "The body is no JSON."}
_CHANGE = {
    409: "It cannot be done as things stand; or the same request is being answered.",
    410: "It was done before, and its answer was erased with the person whom it named.",
    422: "What it says breaks a rule; or the Idempotency-Key came with another request.",
}
_FILE = {
    408: "The file comes too slowly.",
    409: "The import takes no file now.",
    413: "The file is too long.",
    415: "It is of another type, or packed.",
    422: "Nothing can be made of the file.",
}
_LIST = {404: "The account has no such list."}


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked for; ``told``: what can come of it, beside what it answers."""

    method: str
    path: str
    scope: Scope
    name: str
    summary: str
    call: Callable[..., Any]
    model: type[BaseModel] | None
    told: Mapping[int, str]
    status: HTTPStatus = HTTPStatus.OK
    others: Mapping[int, type[BaseModel]] | None = None

    @property
    def changes(self) -> bool:
        """Whether it changes something, and would do so again: a PUT is the same however often."""
        return 409 in self.told and self.method != "PUT"


def add_routes(app: FastAPI, desks: Desks) -> None:
    """Add all of them."""
    for one in _operations(desks):
        app.router.add_api_route(
            f"{ROOT}{one.path}",
            one.call,
            methods=[one.method],
            operation_id=one.name,
            summary=one.summary,
            tags=[one.path.split("/")[1]],
            status_code=one.status,
            response_model=one.model,
            responses=_responses(one),
            openapi_extra=_extra(one),
            # The desk of events asks the doorman itself: what it is asked for is checked first.
            route_class_override=None if one.scope is Scope.EVENTS_READ else keyed(desks.doorman, one.scope),
        )


def _extra(one: Operation) -> dict[str, Any]:
    body = {"requestBody": _ROWS} if one.method == "PUT" else {}
    return {"security": [{"key": []}]} | body | ({"parameters": [_KEY]} if one.changes else {})


def _responses(one: Operation) -> dict[int | str, dict[str, Any]]:
    found: dict[int | str, dict[str, Any]] = {
        status: {"description": text, **PROBLEM, **({"headers": _LATER} if status in {429, 503} else {})}
        for status, text in one.told.items()
    }
    for status, model in (one.others or {}).items():
        found[status] = {"model": model, "description": HTTPStatus(status).phrase}
    return found | {"default": {"description": "Any other problem.", **PROBLEM}}


def _operations(desks: Desks) -> Iterator[Operation]:
    yield Operation(
        "GET", "/events", Scope.EVENTS_READ, "listEvents", "What happened", desks.events.events, Events, _READ
    )
    yield from _of_lists(desks.lists)
    yield from _of_subscriptions(desks.subscriptions)
    yield from _of_imports(desks.imports)
    yield Operation(
        "GET",
        "/newsletters",
        Scope.NEWSLETTERS_READ,
        "listNewsletters",
        "How newsletters went",
        desks.newsletters.page,
        newsletters.Newsletters,
        _READ | _LIST,
    )


def _of_lists(desk: lists.ListDesk) -> Iterator[Operation]:
    read, write, all_of_them, one = Scope.LISTS_READ, Scope.LISTS_WRITE, "/lists", "/lists/{name:path}"
    made = _READ | _BODY | _CHANGE
    yield Operation("GET", all_of_them, read, "listLists", "All lists", desk.page, lists.Lists, _READ)
    yield Operation(
        "POST", all_of_them, write, "createList", "Make a list", desk.create, lists.ListBody, made,
        HTTPStatus.CREATED,
    )  # fmt: skip
    yield Operation("GET", one, read, "showList", "A list", desk.show, lists.ListBody, _READ | _LIST)
    yield Operation(
        "PATCH", one, write, "changeList", "Change a list", desk.change, lists.ListBody, made | _LIST
    )
    yield Operation(
        "DELETE", one, write, "deleteList", "Delete a list", desk.delete, None, _READ | _LIST | _CHANGE,
        HTTPStatus.NO_CONTENT,
    )  # fmt: skip


def _of_subscriptions(desk: subscriptions.SubscriptionDesk) -> Iterator[Operation]:
    read, write, root = Scope.SUBSCRIPTIONS_READ, Scope.SUBSCRIPTIONS_WRITE, "/subscriptions"
    made = _READ | _LIST | _BODY | _CHANGE
    yield Operation(
        "GET", root, read, "listSubscriptions", "Who is on a list", desk.page,
        subscriptions.SubscriptionPage, _READ | _LIST,
    )  # fmt: skip
    yield Operation(
        "POST", root, write, "addSubscription", "Put somebody on a list, or ask them", desk.add,
        subscriptions.SubscriberBody, made, HTTPStatus.CREATED,
        {200: subscriptions.SubscriberBody, 202: subscriptions.AskedBody},
    )  # fmt: skip
    yield Operation(
        "POST", f"{root}/lookup", read, "lookUpSubscriptions", "Where an address stands", desk.lookup,
        subscriptions.Subscriptions, _READ | _BODY | {422: "It is no address."},
    )  # fmt: skip
    yield Operation(
        "POST", f"{root}/unsubscribe", write, "endSubscription", "Take somebody off a list",
        desk.unsubscribe, subscriptions.SubscriberBody, made,
    )  # fmt: skip


def _of_imports(desk: imports.ImportDesk) -> Iterator[Operation]:
    read, write, root, one = Scope.IMPORTS_READ, Scope.IMPORTS_WRITE, "/imports", "/imports/{name}"
    known = {404: "The account has no such import."}
    yield Operation("GET", root, read, "listImports", "All imports", desk.page, imports.Imports, _READ)
    yield Operation(
        "POST", root, write, "createImport", "Begin an import", desk.create, imports.ImportBody,
        _READ | _LIST | _BODY | _CHANGE, HTTPStatus.CREATED,
    )  # fmt: skip
    yield Operation(
        "GET", one, read, "showImport", "An import, and how far it has come", desk.show, imports.ImportBody,
        _READ | known,
    )  # fmt: skip
    yield Operation(
        "PUT", f"{one}/rows", write, "sendImport", "Send an import's file", desk.receive, imports.ImportBody,
        _READ | known | _FILE, HTTPStatus.ACCEPTED,
    )  # fmt: skip
    yield Operation(
        "GET", f"{one}/faults", read, "listFaults", "The lines that were not taken", desk.faults,
        imports.Faults, _READ | known,
    )  # fmt: skip
