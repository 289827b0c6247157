"""GitHub's published descriptions, as a judge over what was asked and answered.

``validate(call)`` holds a recorded call against the OpenAPI description (npm ``@octokit/openapi``), one of GraphQL
against its schema (npm ``@octokit/graphql-schema``),
``validate_webhook(event, payload)`` holds a delivery against the webhook schemas (npm ``@octokit/webhooks-schemas``).
Both raise AssertionError with a readable message; what the description does not know is an error as well.
"""

from openapi.rest import Recorded, validate, validate_all
from openapi.webhooks import validate_webhook

__all__ = ["Recorded", "validate", "validate_all", "validate_webhook"]
