"""Everything that changes customers, staff and approval limits, one function an action."""
