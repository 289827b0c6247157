"""What Gatekeeper remembers: SQLAlchemy Core over SQLite or PostgreSQL."""
