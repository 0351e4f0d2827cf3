"""Floor 1: the AWS wire. Knows no contact center; could be a library of its own."""
