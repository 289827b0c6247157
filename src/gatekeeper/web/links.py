"""Links to GitHub's pages. Pure."""

from urllib.parse import quote, urlsplit


class Pages:
    """GitHub's pages, found from the root of its API.

    Args:
        api_url: ``https://api.github.com``, or ``https://HOST/api/v3`` for Enterprise Server.

    Attributes:
        root: of the pages, without a slash at the end.
    """

    def __init__(self, api_url: str) -> None:
        parts = urlsplit(api_url)
        host = "github.com" if parts.netloc == "api.github.com" else parts.netloc
        self.root = f"{parts.scheme}://{host}"

    def change(self, subject: str) -> str:
        """A decision's subject: a pull request, or the deployments of ``acme/shop@production``."""
        repository, _, environment = subject.partition("@")
        return (
            f"{self.root}/{repository}/deployments/{quote(environment, safe='')}"
            if environment
            else self.pull(subject)
        )

    def pull(self, subject: str) -> str:
        """Of a pull request, ``owner/name#number``."""
        repository, _, number = subject.partition("#")
        return f"{self.root}/{quote(repository)}/pull/{quote(number)}"

    def new_app(self, organization: str) -> str:
        """Where an App is registered from a manifest; for the person who is signed in without an organisation."""
        owner = f"organizations/{quote(organization, safe='')}/" if organization else ""
        return f"{self.root}/{owner}settings/apps/new"

    def commit(self, repository: str, sha: str) -> str:
        """Of a commit."""
        return f"{self.root}/{quote(repository)}/commit/{quote(sha)}"

    def file(self, repository: str, path: str, commit: str) -> str:
        """Of a file at a commit, or on the default branch."""
        return f"{self.root}/{quote(repository)}/blob/{quote(commit or 'HEAD')}/{quote(path)}"
