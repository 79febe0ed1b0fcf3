"""What carries faxes. The rest of the house imports `interface` alone."""
