"""What Refold's own tests stand on, for yours: contracts for backends, and worlds that can be repeated."""
