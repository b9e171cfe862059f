"""Everything that changes a complaint, a refund, an incident or a policy: one function an action."""
