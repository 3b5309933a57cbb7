"""Rewriting: every policy's splices for one copy, as one ordered list. Pure."""

from gateway.mime.splice import check
from gateway.model.facts import RewriteFacts
from gateway.model.message import Message
from gateway.model.splice import Splice
from gateway.pipeline.shelf import Shelf


def rewrite(shelf: Shelf, message: Message, facts: RewriteFacts) -> tuple[Splice, ...]:
    """Collect the splices in the order of the bytes; raise SpliceConflict where two policies collide.

    What could not be rendered at delivery must not be accepted, so it is looked at here.

    The sort is stable on offsets alone: of two insertions at one place, the earlier policy's stands first.
    """
    splices = [splice for _, policy in shelf.rewrite for splice in policy(message, facts)]
    splices.sort(key=lambda splice: (splice.start, splice.end))
    check(splices, len(message.raw))
    return tuple(splices)
