"""The schema's steps. ``gatekeeper.store.migrate`` walks them; ``docs/development.md`` says how to add one."""
