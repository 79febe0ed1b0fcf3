"""What the sender reads afterwards: composed from facts, sent from the durable outbox."""
