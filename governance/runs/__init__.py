"""Runs: the same work for many engagements, in chunks that nothing can break."""
