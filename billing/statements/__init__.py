"""The account of a client: open invoices by age, statements, and interest for late payment."""
