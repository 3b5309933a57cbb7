"""The shelf: every first-party policy, in the order in which they run.

Each name is that of the policy's table in ``policy.toml``; each ``build`` takes the table's values, checks
them, and gives the policy. A policy runs whether it has a table or not.
"""

from collections.abc import Callable, Mapping, Sequence

from gateway.model.policy import Policy
from policies import (
    account_state,
    additions,
    consent,
    footer,
    imports,
    list_choice,
    list_headers,
    message_form,
    own_headers,
    quota,
    sender_domains,
    suppression,
    terms,
    trace_headers,
)

Build = Callable[[Mapping[str, object]], Policy]

SHELF: Mapping[str, Build] = {
    # Who may send at all, and in whose name.
    "account_state": account_state.build,
    "terms": terms.build,
    "message_form": message_form.build,
    "sender_domains": sender_domains.build,
    "list_choice": list_choice.build,
    # Who may be written to. The quota is last: what lasts is said before what passes.
    "suppression": suppression.build,
    "consent": consent.build,
    "quota": quota.build,
    # Who may be brought along, many at once: no rule for a message.
    "imports": imports.build,
    # Who may come onto a list by the API: nothing for a message.
    "additions": additions.build,
    # What is taken out and put in, from the top of the message down.
    "own_headers": own_headers.build,
    "trace_headers": trace_headers.build,
    "list_headers": list_headers.build,
    "footer": footer.build,
}


def at_odds(tables: Mapping[str, Mapping[str, object]]) -> Sequence[tuple[tuple[str, ...], str]]:
    """Return the keys of tables, each right by itself, that promise too little together, and why."""
    footer_says = tables.get("footer", {})
    if tables.get("list_headers", {}).get("own") != "keep":
        return ()
    return [
        (
            ("footer", key),
            'it must be false beside [list_headers] own = "keep": the text must show our link',
        )
        for key in ("own_header_counts", "own_link_counts")
        if footer_says.get(key, True)
    ]
