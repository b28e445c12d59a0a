"""Reminders of invoices that are due, and what they charge for late payment."""
