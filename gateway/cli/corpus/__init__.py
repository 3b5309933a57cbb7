"""``consentry corpus``: a folder of messages through the rewriting policies, checked by another parser."""
