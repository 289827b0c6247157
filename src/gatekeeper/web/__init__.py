"""The HTTP side: the door for webhooks, the API, the pages."""
