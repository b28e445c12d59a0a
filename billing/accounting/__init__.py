"""What fees, payments and write-offs are in the books of the provider and of the client."""
