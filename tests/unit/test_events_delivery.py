import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import DeliveryError
from gatekeeper.events.delivery import Delivery, sign

SECRET, OLD = b"current", b"rotated out tomorrow"
BODY = b'{"action": "opened", "installation": {"id": 7}, "number": 12}'
HEADERS = {
    "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "x-github-event": "pull_request",
    "x-hub-signature-256": sign(BODY, SECRET),
}


def refusal(headers: dict[str, str], body: bytes, secrets: list[bytes]) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        Delivery.from_http(headers, body, secrets=secrets)
    return caught.value


def signed(body: bytes) -> dict[str, str]:
    return HEADERS | {"x-hub-signature-256": sign(body, SECRET)}


def test_the_signature_is_githubs_documented_example() -> None:
    # "Validating webhook deliveries", section "Testing the webhook payload validation"
    example = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert sign(b"Hello, World!", b"It's a Secret to Everybody") == example


def test_a_signed_delivery_is_read() -> None:
    delivery = Delivery.from_http(HEADERS, BODY, secrets=[SECRET])
    assert delivery == Delivery(
        guid="72d3162e-cc78-11e3-81ab-4c9367dc0958",
        event="pull_request",
        action="opened",
        installation=7,
        payload=json.loads(BODY),
    )


@pytest.mark.parametrize("secret", [pytest.param(SECRET, id="new"), pytest.param(OLD, id="old")])
def test_each_secret_is_good_while_rotating(secret: bytes) -> None:
    headers = HEADERS | {"x-hub-signature-256": sign(BODY, secret)}
    assert Delivery.from_http(headers, BODY, secrets=[SECRET, OLD]).action == "opened"


@pytest.mark.parametrize(
    ("changed", "body", "secrets", "status", "says"),
    [
        pytest.param({}, BODY, [OLD], 401, "does not match", id="signed with another secret"),
        pytest.param({}, BODY + b" ", [SECRET], 401, "does not match", id="body changed on the way"),
        pytest.param({}, BODY, [], 401, "does not match", id="no secret set here accepts nobody"),
        pytest.param(
            {"x-hub-signature-256": ""}, BODY, [SECRET], 401, "does not match", id="empty signature"
        ),
        pytest.param(
            {"x-hub-signature-256": "sha256=é"}, BODY, [SECRET], 401, "not match", id="beyond ASCII"
        ),
        pytest.param({"x-github-event": ""}, BODY, [SECRET], 400, "x-github-event", id="no event"),
        pytest.param({"x-github-event": "Pull;"}, BODY, [SECRET], 400, "x-github-event", id="strange event"),
        pytest.param({"x-github-delivery": ""}, BODY, [SECRET], 400, "x-github-delivery", id="no id"),
        pytest.param({"x-github-delivery": "a" * 65}, BODY, [SECRET], 400, "x-github-delivery", id="long id"),
    ],
)
def test_a_bad_delivery_is_refused(
    changed: dict[str, str], body: bytes, secrets: list[bytes], status: int, says: str
) -> None:
    error = refusal(HEADERS | changed, body, secrets)
    assert error.status == status
    assert says in str(error)


def test_an_unsigned_delivery_is_refused() -> None:
    headers = {name: value for name, value in HEADERS.items() if name != "x-hub-signature-256"}
    assert refusal(headers, BODY, [SECRET]).status == 401


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "application/json", id="empty"),
        pytest.param(
            b"payload=%7B%7D", "application/json", id="a form, the other content type GitHub offers"
        ),
        pytest.param(b'{"a": "\xff"}', "application/json", id="not UTF-8"),
        pytest.param(b'{"a":' * 100_000, "application/json", id="deeper than a stack"),
        pytest.param(b"[" + b"1" * 10_000 + b"]", "application/json", id="a number beyond all numbers"),
        pytest.param(b"[]", "not a JSON object", id="a list"),
        pytest.param(b"null", "not a JSON object", id="null"),
    ],
)
def test_a_signed_body_that_is_no_json_object_is_refused(body: bytes, says: str) -> None:
    error = refusal(signed(body), body, [SECRET])
    assert error.status == 400
    assert says in str(error)


@pytest.mark.parametrize(
    ("payload", "action", "installation"),
    [
        pytest.param({}, None, None, id="neither"),
        pytest.param({"action": 5, "installation": []}, None, None, id="of other types"),
        pytest.param({"action": "a\0b", "installation": {"id": "7"}}, None, None, id="not storable"),
        pytest.param({"installation": {"id": 2**63}}, None, None, id="larger than a database's integer"),
        pytest.param({"action": "\ud800", "installation": {"id": True}}, None, None, id="not even text"),
        pytest.param({"action": "on-demand", "installation": {"id": 1}}, "on-demand", 1, id="both"),
    ],
)
def test_action_and_installation_are_read_when_there(
    payload: object, action: str | None, installation: int | None
) -> None:
    body = json.dumps(payload).encode()
    delivery = Delivery.from_http(signed(body), body, secrets=[SECRET])
    assert (delivery.action, delivery.installation) == (action, installation)


@given(st.binary(max_size=200), st.dictionaries(st.sampled_from(sorted(HEADERS)), st.text(max_size=80)))
def test_whatever_is_sent_is_read_or_refused_with_a_status(body: bytes, headers: dict[str, str]) -> None:
    statuses = {_status(headers, body), _status(signed(body), body)}
    assert statuses <= {200, 400, 401}


def _status(headers: dict[str, str], body: bytes) -> int:
    try:
        Delivery.from_http(headers, body, secrets=[SECRET])
    except DeliveryError as error:
        return error.status
    return 200
