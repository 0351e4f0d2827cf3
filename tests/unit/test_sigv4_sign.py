"""What we sign: botocore signs the same, and our own verification takes it and nothing like it."""

from datetime import UTC, datetime

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from ringfloor.aws.request import HttpRequest, Principal
from ringfloor.aws.sigv4 import Credential, sign, verify
from ringfloor.base.errors import Refusal

NOW = 1_767_323_045_000
ME = Principal("123456789012", "arn:aws:iam::123456789012:root", "AKIA1")
HOST = "center.example:8080"


class OneSecret:
    def secret(self, access_key_id: str, session_token: str | None) -> Credential | None:
        assert access_key_id == "AKIA1"
        assert session_token in {None, "token"}
        return Credential("s3cret", ME)


def a_request(body: bytes, query: str = "") -> HttpRequest:
    headers = ((b"host", HOST.encode()), (b"content-type", b"text/plain; charset=utf-8"))
    return HttpRequest("POST", b"/", query.encode(), headers, body)


def signed(http: HttpRequest, token: str | None = None) -> HttpRequest:
    added = sign(http, ("AKIA1", "s3cret", token), NOW, region="us-east-1", service="iam")
    return HttpRequest(
        http.method, http.raw_path, http.raw_query, (*http.headers, *added), http.body
    )


@pytest.mark.parametrize("token", [None, "token/+="])
@pytest.mark.parametrize("query", ["", "b=2&a=1", "a=%20%2F"])
def test_botocore_signs_the_same(monkeypatch, token, query):
    moment = datetime.fromtimestamp(NOW / 1000, UTC)
    monkeypatch.setattr(auth, "get_current_datetime", lambda **_: moment.replace(tzinfo=None))
    url = f"http://{HOST}/" + (f"?{query}" if query else "")
    asked = AWSRequest("POST", url, {"Content-Type": "text/plain; charset=utf-8"}, b"Action=x")
    auth.SigV4Auth(Credentials("AKIA1", "s3cret", token), "iam", "us-east-1").add_auth(asked)
    ours = dict(signed(a_request(b"Action=x", query), token).headers)
    assert ours[b"authorization"].decode() == asked.headers["Authorization"]


@given(st.binary(max_size=100), st.integers(0, 99), st.sampled_from([None, "token"]))
def test_what_is_signed_is_verified_and_what_is_changed_is_not(body, place, token):
    http = signed(a_request(body + b"."), token)
    assert verify(http, OneSecret(), NOW, region="us-east-1", service="iam").principal == ME
    changed = bytearray(http.body)
    changed[place % len(changed)] ^= 1
    other = HttpRequest("POST", b"/", b"", http.headers, bytes(changed))
    with pytest.raises(Refusal, match="InvalidSignatureException"):
        verify(other, OneSecret(), NOW, region="us-east-1", service="iam")
