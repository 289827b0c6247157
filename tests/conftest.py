pytest_plugins = ["databases", "worlds.fixtures"]
