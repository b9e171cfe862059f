"""The demonstration company: invented people whose cases cover everything the product can do.

Nothing here writes a row by itself where an action exists: staff, terms, subscriptions, money, complaints and refunds
come about as they would at work, day by day on a clock that is set back, so events and history are real.
"""
