"""``/setup``: registers the GitHub App from a manifest, while there is none. No secret is ever logged."""

import base64
import json
import re
import secrets
from hmac import compare_digest

import structlog
from flask import Blueprint, Response, abort, make_response, render_template, request

from gatekeeper.errors import GitHubError, GitHubRefusedError
from gatekeeper.github.manifest import Credentials, convert, manifest
from gatekeeper.github.needs import EVENTS, HELPFUL_EVENTS, NEEDED, WANTED
from gatekeeper.settings import Settings
from gatekeeper.web.handover import Folder, as_environment, state_of
from gatekeeper.web.links import Pages

COOKIE = "gatekeeper_setup"
COOKIE_SECONDS = 3600  # as long as GitHub's code is good for
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}|")

log = structlog.get_logger()


def create_setup(settings: Settings, policy: str) -> Blueprint:
    """The wizard's routes.

    Args:
        settings: what is set up already.
        policy: the pages' Content-Security-Policy, which allows no form to be sent anywhere.
    """
    blueprint = Blueprint("setup", __name__, url_prefix="/setup")
    folder = Folder(settings.setup_directory) if settings.setup_directory is not None else None
    pages = Pages(settings.github_api_url)

    @blueprint.before_request
    def only_at_first() -> None:
        _refuse_later(settings, folder)

    @blueprint.after_request
    def let_forms_go(response: Response) -> Response:
        allowed = policy.replace("form-action 'none'", f"form-action 'self' {pages.root}")
        response.headers["Content-Security-Policy"] = allowed
        return response

    @blueprint.get("")
    def begin() -> str:
        _key(folder)  # made now, for the operator to read
        return render_template("setup.html", key_file=folder.key_file if folder else None)

    @blueprint.post("")
    def register() -> Response:
        key, given = _key(folder), request.form.get("key", "").strip()
        if not compare_digest(given.encode(), key.encode()):
            abort(403, "That is not the word in the file.")
        owner = request.form.get("organization", "").strip()
        if not _LOGIN.fullmatch(owner):
            abort(400, "That is no organisation's name.")
        return _form(settings, pages, owner, key)

    @blueprint.get("/callback")
    def finish() -> Response:
        _require_state(_key(folder), f"{settings.public_url}/setup")
        credentials = _converted(settings.github_api_url, request.args.get("code", ""))
        log.info("setup.registered", app=credentials.slug, number=credentials.app_id)
        return _handed_over(credentials, folder)

    return blueprint


def _refuse_later(settings: Settings, folder: Folder | None) -> None:
    is_set = settings.github_app_id is not None or settings.github_token is not None
    if is_set or (folder is not None and folder.registered.exists()):
        abort(404, "GitHub is set up already. After a restart, gatekeeper doctor tells how well.")
    if settings.public_url is None:
        abort(409, "Set GATEKEEPER_PUBLIC_URL first: GitHub is told to send its events there.")


def _key(folder: Folder | None) -> str:
    """The word that has to be given; empty when nothing will be written here, so that it harms nobody."""
    try:
        return folder.key() if folder is not None else ""
    except OSError as error:
        abort(500, f"GATEKEEPER_SETUP_DIRECTORY cannot be used: {error.strerror}: {error.filename}")


def _require_state(key: str, beginning: str) -> None:
    nonce, state = request.cookies.get(COOKIE, ""), request.args.get("state", "")
    if not nonce or not compare_digest(state.encode(), state_of(nonce, key).encode()):
        abort(403, f"This browser has not begun that. Begin at {beginning}, with cookies.")


def _form(settings: Settings, pages: Pages, owner: str, key: str) -> Response:
    """The page whose form posts the manifest to GitHub; the browser keeps what proves that it began."""
    nonce, root = secrets.token_urlsafe(24), settings.public_url or ""
    made = manifest(f"Gatekeeper {owner}", root)
    page = render_template(
        "setup_register.html",
        action=f"{pages.new_app(owner)}?state={state_of(nonce, key)}",
        manifest=json.dumps(made),
        owner=owner,
        asked=made,
        needed=NEEDED,
        wanted=WANTED,
        events=sorted(EVENTS),
        helpful=sorted(HELPFUL_EVENTS),
    )
    response = make_response(page)
    secure = root.startswith("https://")
    response.set_cookie(
        COOKIE,
        nonce,
        max_age=COOKIE_SECONDS,
        path="/setup",
        secure=secure,
        httponly=True,
        samesite="Lax",  # it comes along when GitHub sends the browser back
    )
    return response


def _converted(api_url: str, code: str) -> Credentials:
    try:
        return convert(api_url, code)
    except GitHubRefusedError as error:
        log.warning("setup.refused", status=error.status)
        abort(
            502,
            "GitHub does not take that code: it was used, or is older than an hour. Begin again at /setup.",
        )
    except GitHubError as error:
        log.warning("setup.failed", error=str(error))
        abort(502, "GitHub gave no answer. Load this page again within the hour.")


def _handed_over(credentials: Credentials, folder: Folder | None) -> Response:
    """The last page: the credentials are in the folder, or on the page and nowhere else."""
    download, problem = None, None
    try:
        if folder is not None:
            folder.keep(credentials)
    except OSError as error:  # GitHub shows them this once: lost here, the App would have to be deleted
        problem = f"{folder.registered if folder else ''}: {error.strerror or type(error).__name__}"
    if folder is None or problem:
        packed = base64.b64encode(as_environment(credentials).encode()).decode()
        download = f"data:application/octet-stream;base64,{packed}"
    page = render_template(
        "setup_done.html", app=credentials, folder=folder, download=download, problem=problem
    )
    response = make_response(page)
    response.delete_cookie(COOKIE, path="/setup")
    return response
