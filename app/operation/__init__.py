"""What running the application takes: logs, metrics, readiness, backups, privileges."""
