"""Everything that changes money and subscriptions, one function an action."""
