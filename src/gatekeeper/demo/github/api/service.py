"""GitHub about itself: rate limits and addresses."""

from __future__ import annotations

from flask import Blueprint, current_app

from gatekeeper.demo.github.api.endpoint import Answer, Ask, endpoint

blueprint = Blueprint("api_service", __name__)


@endpoint(blueprint, "GET", "/rate_limit", "open")
def rate_limit(ask: Ask) -> Answer:
    """What is left of the caller's hour; asking is free."""
    quota = current_app.extensions["github"].limits.quota(str(ask.caller), ask.world.now()).shape()
    return {"resources": {"core": quota, "search": quota, "graphql": quota}, "rate": quota}


@endpoint(blueprint, "GET", "/meta", "open")
def meta(ask: Ask) -> Answer:
    """The addresses GitHub calls from."""
    del ask
    return {
        "verifiable_password_authentication": False,
        "hooks": ["127.0.0.1/32"],
        "web": ["127.0.0.1/32"],
        "api": ["127.0.0.1/32"],
        "git": ["127.0.0.1/32"],
    }
