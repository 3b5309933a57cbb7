"""Settings of several policies that must go together."""

import policies


def test_keep_wants_our_link_in_every_text() -> None:
    keep = {"list_headers": {"own": "keep"}}
    assert [path for path, _ in policies.at_odds(keep)] == [
        ("footer", "own_header_counts"),
        ("footer", "own_link_counts"),
    ]
    half = keep | {"footer": {"own_header_counts": False}}
    assert [path for path, _ in policies.at_odds(half)] == [("footer", "own_link_counts")]
    assert not policies.at_odds(keep | {"footer": {"own_header_counts": False, "own_link_counts": False}})
    assert not policies.at_odds({})
    assert not policies.at_odds({"list_headers": {"own": "augment"}})
