"""Both sides agree on a period's figures, item by item, until they are sealed."""
