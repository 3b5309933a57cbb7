"""Whether a text already shows its reader a way to leave: the footer's eyes. No policy of its own.

``placeholders`` finds what other services' users write where the link is to stand; ``header`` reads the
sender's own List-Unsubscribe; ``look`` decides, with evidence, whether what is there can be seen and leads
somewhere. All of it is pure, takes time linear in the text, and is careful: where in doubt, there is no way
out, and ours is added. What counts, and why: docs/decisions/0016-way-out.md.
"""
