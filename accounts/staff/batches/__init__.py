"""Approving several things at once: an act of its own, with a limit of its own (RULES 8)."""
