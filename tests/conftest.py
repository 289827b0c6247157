pytest_plugins = ["worlds.fixtures"]
