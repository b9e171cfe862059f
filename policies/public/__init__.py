"""Pages for everybody, without a login: the policies in force, earlier ones, and what changed (F10, F11)."""
