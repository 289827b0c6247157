"""The pages a person clicks: repositories, pull requests, files. Every click is an act of the person shown on top."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, abort, current_app, g, redirect, render_template, request, url_for

from gatekeeper.demo.github import branches, merging, registering
from gatekeeper.demo.github.pages import model
from gatekeeper.demo.github.pages.markdown import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response as WerkzeugResponse

    from gatekeeper.demo.github.errors import Refused
    from gatekeeper.demo.github.world import World

blueprint = Blueprint(
    "pages", __name__, template_folder="templates", static_folder="static", static_url_path="/assets"
)
REPOSITORY = "/<owner>/<name>"
PULL = f"{REPOSITORY}/pull/<int:number>"
COOKIE = "as"
ONLY_OURSELVES = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
)


def _world() -> World:
    world: World = current_app.extensions["github"].world
    return world


def _people() -> list[str]:
    return [login for login, account in sorted(_world().accounts.items()) if account.kind == "User"]


@blueprint.before_request
def _who() -> None:
    """Know the person: ``?as=login``, else the cookie, else the first. Other sites may not click for them."""
    people = _people()
    wanted = (request.args.get(COOKIE), request.cookies.get(COOKIE))
    g.login = next((login for login in wanted if login in people), people[0])
    ours = request.headers.get("Sec-Fetch-Site", "none") in {"same-origin", "none"}
    if request.method == "POST" and not ours and request.endpoint != "pages.new_app":
        abort(403)


@blueprint.after_request
def _seal(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = ONLY_OURSELVES
    response.headers["Cache-Control"] = "no-store"
    if request.args.get(COOKIE) == g.get("login"):
        response.set_cookie(COOKIE, g.login, samesite="Lax", httponly=True)
    return response


@blueprint.app_context_processor
def _always() -> dict[str, object]:
    """What every template may use."""
    world = _world()
    return {
        "me": g.get("login"),
        "people": _people(),
        "account": world.accounts.get,
        "markdown": render,
        "color": lambda repository, label: world.labels[repository, label].color,
        "ago": lambda moment: model.ago(moment, world.now()),
    }


def refused(refusal: Refused) -> tuple[str, int]:
    """A refusal, as a page."""
    return render_template("refused.html", refusal=refusal), refusal.status


@blueprint.get("/")
def front() -> str:
    """Every repository with its pull requests."""
    world = _world()
    with world.lock:
        return render_template(
            "front.html", repositories=[_overview(world, name) for name in _busiest_first(world)]
        )


def _busiest_first(world: World) -> list[str]:
    return sorted(world.repositories, key=lambda name: (-len(world.pulls_of(name)), name))


def _overview(world: World, full_name: str) -> dict[str, object]:
    pulls = list(reversed(world.pulls_of(full_name)))
    files = sorted(world.head(full_name, world.repository(full_name).default_branch).files)
    rows = {pull.number: model.merge_box(world, pull, g.login).mood for pull in pulls}
    return {
        "repository": world.repository(full_name),
        "pulls": pulls,
        "moods": rows,
        "files": files,
        "prepared": _prepared(full_name),
    }


@blueprint.get(REPOSITORY)
@blueprint.get(f"{REPOSITORY}/pulls")
def repository(owner: str, name: str) -> str:
    """One repository with its pull requests and files."""
    world = _world()
    with world.lock:
        full_name = world.repository(f"{owner}/{name}").full_name
        return render_template("repository.html", **_overview(world, full_name))


def _prepared(full_name: str) -> list[tuple[int, str]]:
    return [(at, one.title) for at, one in enumerate(_world().prepared) if one.repository == full_name]


@blueprint.get(PULL)
def pull_page(owner: str, name: str, number: int) -> str:
    """A pull request: conversation, labels, checks, merge box, files."""
    world, full_name = _world(), f"{owner}/{name}"
    with world.lock:
        pull = world.pull(full_name, number)
        return render_template(
            "pull.html",
            pull=pull,
            entries=model.conversation_of(world, pull),
            commits=merging.commits(world, pull),
            changes=merging.changes(world, pull),
            rows=model.check_rows(world, pull),
            box=model.merge_box(world, pull, g.login),
            known=sorted(label for repo, label in world.labels if repo == full_name),
            may_label=model.allowed(world, full_name, g.login, "triage"),
            may_write=model.allowed(world, full_name, g.login, "write"),
            role=world.role(full_name, g.login),
        )


@blueprint.post(f"{PULL}/<act>")
def act_on_pull(owner: str, name: str, number: int, act: str) -> WerkzeugResponse:
    """A click on a pull request's page."""
    world, full_name, form, me = _world(), f"{owner}/{name}", request.form, g.login
    acts: dict[str, Callable[[], object]] = {
        "label": lambda: world.label(full_name, number, form["label"].strip(), by=me),
        "unlabel": lambda: world.unlabel(full_name, number, form["label"], by=me),
        "comment": lambda: world.comment_on(full_name, number, form["body"], by=me),
        "merge": lambda: world.merge(full_name, number, by=me),
        "close": lambda: world.close(full_name, number, by=me),
        "reopen": lambda: world.reopen(full_name, number, by=me),
        "ready": lambda: world.set_draft(full_name, number, draft=False, by=me),
        "draft": lambda: world.set_draft(full_name, number, draft=True, by=me),
        "push": lambda: _push_again(full_name, number),
        "approve": lambda: world.review(full_name, number, "APPROVED", by=me),
    }
    if act not in acts:
        abort(404)
    acts[act]()
    return _back(url_for("pages.pull_page", owner=owner, name=name, number=number))


def _push_again(full_name: str, number: int) -> None:
    """One more commit on the pull request's branch: a line at the end of the first file it changes."""
    world = _world()
    with world.lock:
        pull = world.pull(full_name, number)
        path = next(one.path for one in merging.changes(world, pull) if one.status != "removed")
        text = branches.read_file(world, full_name, path, pull.head_ref)
        more = f"{text}# revised {len(merging.commits(world, pull))}\n"
        world.push_commit(full_name, pull.head_ref, {path: more}, by=g.login, message=f"Revise {path}")


@blueprint.get(f"{REPOSITORY}/runs/<int:check_id>")
def run_page(owner: str, name: str, check_id: int) -> str:
    """A check run's own page, where its name leads when its App gave no address."""
    world = _world()
    with world.lock:
        run = world.check(f"{owner}/{name}", check_id)
        pulls = world.pulls_of(run.repository, head_sha=run.head_sha)
        return render_template("run.html", run=run, row=model.run_row(world, run), pulls=pulls)


@blueprint.post(f"{REPOSITORY}/runs/<int:check_id>/<act>")
def act_on_run(owner: str, name: str, check_id: int, act: str) -> WerkzeugResponse:
    """A click on a check run: ``rerun``, or one of its own buttons by identifier in the form."""
    full_name = f"{owner}/{name}"
    if act == "rerun":
        _world().click_rerun(full_name, check_id, by=g.login)
    elif act == "action":
        _world().click_action(full_name, check_id, request.form["identifier"], by=g.login)
    else:
        abort(404)
    return _back(url_for("pages.front"))


@blueprint.post(f"{REPOSITORY}/pulls")
def open_pull(owner: str, name: str) -> WerkzeugResponse:
    """Open a pull request from a prepared change."""
    world = _world()
    with world.lock:
        change = world.prepared[int(request.form["change"])]
        opened = world.open_prepared(
            change, author=g.login, title=request.form.get("title") or None, draft="draft" in request.form
        )
    return redirect(url_for("pages.pull_page", owner=owner, name=name, number=opened.number), 303)


@blueprint.get(f"{REPOSITORY}/blob/<branch>/<path:path>")
def file_page(owner: str, name: str, branch: str, path: str) -> str:
    """A file, to read and to edit."""
    world, full_name = _world(), f"{owner}/{name}"
    with world.lock:
        text = branches.read_file(world, full_name, path, branch)
        may_write = model.allowed(world, full_name, g.login, "write")
        repo = world.repository(full_name)
        return render_template(
            "file.html", repository=repo, branch=branch, path=path, text=text, may_write=may_write
        )


@blueprint.post(f"{REPOSITORY}/blob/<branch>/<path:path>")
def save_file(owner: str, name: str, branch: str, path: str) -> WerkzeugResponse:
    """Commit an edited file: a push."""
    text = request.form["text"].replace("\r\n", "\n")
    _world().update_file(
        f"{owner}/{name}", path, text, by=g.login, branch=branch, message=request.form.get("message") or None
    )
    return redirect(url_for("pages.file_page", owner=owner, name=name, branch=branch, path=path), 303)


@blueprint.post("/settings/apps/new")
@blueprint.post("/organizations/<owner>/settings/apps/new")
def new_app(owner: str | None = None) -> str:
    """Ask the person whether to register an App from the manifest that another site has sent them here with."""
    manifest = request.form.get("manifest", "")
    told = registering.read(manifest)
    shown = {"told": told, "manifest": manifest, "owner": owner or g.login}
    return render_template("new_app.html", **shown, state=request.args.get("state", ""))


@blueprint.post("/settings/apps/manifest")
def confirm_app() -> WerkzeugResponse:
    """Register it, and send the person back with a code."""
    world, form = _world(), request.form
    with world.lock:
        back = registering.create(world, form["manifest"], form["owner"], name=form["name"], by=g.login)
    return redirect(f"{back}&{urlencode({'state': form['state']})}", 302)


@blueprint.post("/switch")
def switch() -> WerkzeugResponse:
    """Become somebody else."""
    response = _back(url_for("pages.front"))
    if request.form.get(COOKIE) in _people():
        response.set_cookie(COOKIE, request.form[COOKIE], samesite="Lax", httponly=True)
    return response


def _back(otherwise: str) -> WerkzeugResponse:
    """To the page the click came from, if it is one of ours; without its query, which may name another person."""
    here = request.headers.get("Referer", "")
    return redirect(urlsplit(here).path if here.startswith(request.host_url) else otherwise, 303)


@blueprint.get("/avatars/<login>")
def avatar(login: str) -> Response:
    """A round picture with the login's first letter; its colour follows from the name."""
    hue = sum(ord(letter) * at for at, letter in enumerate(login, start=1)) * 67 % 360
    letter = next((one for one in login.upper() if one.isalnum()), "?")
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">'
        f'<circle cx="20" cy="20" r="20" fill="hsl({hue} 45% 45%)"/>'
        f'<text x="20" y="27" font-family="sans-serif" font-size="19" fill="#fff" text-anchor="middle">{letter}</text>'
        "</svg>"
    )
    return Response(picture, mimetype="image/svg+xml")
