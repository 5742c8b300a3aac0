"""Writes vectors.json: webhooks signed by joserfc, a JOSE library that shares no code with this repository.

    pip install joserfc==1.6.5 && python3 vectors.py > vectors.json

The private keys are made for each run and kept nowhere. `error` is the name of the error that a verifier has to give.
"""

import base64
import hashlib
import hmac
import json
import uuid

from joserfc import jwk, jws
from joserfc.registry import HeaderParameter

NOW = 1_700_000_000
URL = "https://hooks.example.com/c1/approvals"
ALGORITHMS = ["RS256", "ES256", "EdDSA", "HS256", "RS512", "PS256", "ES384", "none"]


def key(kind, parameter, kid):
    return jwk.generate_key(kind, parameter, parameters={"kid": kid, "use": "sig"}, auto_kid=False)


rsa = key("RSA", 2048, "rsa-1")
ec = key("EC", "P-256", "ec-1")
ed = key("OKP", "Ed25519", "ed-1")
small = key("RSA", 1024, "small-1")
# Not the tenant's, but called like its keys.
other = {k.kid: key(*a, k.kid) for k, a in [(rsa, ("RSA", 2048)), (ec, ("EC", "P-256")), (ed, ("OKP", "Ed25519"))]}
p384 = key("EC", "P-384", "p384-1")

BODY = json.dumps({
    "version": "v1",
    "webhookId": "2fCjnQ-1",
    "event": "c1.webhooks.v1.PayloadPolicyApprovalStep",
    "callbackUrl": "https://acme.conductor.one/callback",
    "payload": {
        "@type": "type.googleapis.com/c1.webhooks.v1.PayloadPolicyApprovalStep",
        "taskView": {"task": {"id": "task-1", "state": "TASK_STATE_OPEN"}},
    },
}, indent=1)


def claims(body=BODY, **changes):
    """The claims of a good token; a change to None leaves a claim out."""
    all_claims = {
        "aud": "hooks.example.com",
        "c1typ": "wh",
        "exp": NOW + 120,
        "htb_s256": base64.b64encode(hashlib.sha256(body.encode()).digest()).decode(),
        "htm": "POST",
        "htu": URL,
        "iat": NOW,
        "iss": "acme.conductor.one",
        "jti": str(uuid.uuid4()),
        "nbf": NOW,
    } | changes
    return {name: value for name, value in all_claims.items() if value is not None}


def sign(payload, signer=ed, alg="EdDSA", **header):
    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    header = {"alg": alg, "kid": signer.kid} | header
    header = {name: value for name, value in header.items() if value is not None}
    payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return jws.serialize_compact(header, payload, signer, registry=registry)


def spliced(token, **header):
    """The token with another header than the one that was signed."""
    _, payload, signature = token.split(".")
    header = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    return f"{header}.{payload}.{signature}"


HASH = hashlib.sha256(BODY.encode()).digest()
public_pem = jwk.OctKey.import_key(rsa.as_pem(private=False), {"kid": "rsa-1"})
good = sign(claims())

cases = []


def case(name, token, error=None, body=BODY):
    cases.append({"name": name, "error": error, "token": token} | ({} if body == BODY else {"body": body}))


case("EdDSA", good)
case("RS256", sign(claims(), rsa, "RS256"))
case("ES256", sign(claims(), ec, "ES256"))
case("hash in base64url", sign(claims(htb_s256=base64.urlsafe_b64encode(HASH).decode())))
case("hash without padding", sign(claims(htb_s256=base64.b64encode(HASH).decode().rstrip("="))))
case("several audiences", sign(claims(aud=["a.example", "hooks.example.com"])))
case("audience in upper case", sign(claims(aud="Hooks.Example.Com")))
case("URL with a query", sign(claims(htu=URL + "?a=b#c")))
case("URL with its default port", sign(claims(htu=URL.replace(".com/", ".com:443/"))))
case("fractions of seconds", sign(claims(exp=NOW + 0.5, nbf=NOW - 0.5)))
case("no nbf", sign(claims(nbf=None)))
case("expired within the leeway", sign(claims(exp=NOW - 59)))
case("early within the leeway", sign(claims(nbf=NOW + 60)))
OTHER = BODY.replace("2fCjnQ-1", "2fCjnQ-2")
case("one jti", sign(claims(jti="one")))
case("one jti, another webhook", sign(claims(OTHER, jti="one")), body=OTHER)
case("lasting", sign(claims(exp=NOW + 10**6)))
case("lasting RSA", sign(claims(exp=NOW + 10**6), rsa, "RS256"))
case("unknown claims and a type", sign(claims(extra={"a": 1}), typ="JWT"))

case("none", sign(claims(), jwk.OctKey.generate_key(256, {"kid": "rsa-1"}), "none"), "Algorithm")
case("HS256 with the public key", sign(claims(), public_pem, "HS256"), "Algorithm")
case("RS512", sign(claims(), rsa, "RS512"), "Algorithm")
case("PS256", sign(claims(), rsa, "PS256"), "Algorithm")
case("ES384", sign(claims(), p384, "ES384"), "Algorithm")
case("another key of the same name, RSA", sign(claims(), other["rsa-1"], "RS256"), "Signature")
case("another key of the same name, EC", sign(claims(), other["ec-1"], "ES256"), "Signature")
case("another key of the same name, Ed25519", sign(claims(), other["ed-1"]), "Signature")
case("a key of 1024 bits", sign(claims(), small, "RS256"), "Signature")
case("the key of another algorithm", sign(claims(), ec, "ES256", kid="ed-1"), "UnknownKey")
case("the key for encryption", sign(claims(), rsa, "RS256", kid="enc-1"), "UnknownKey")
case("the key of another purpose", sign(claims(), rsa, "RS256", kid="ps-1"), "UnknownKey")
case("an unknown key", sign(claims(), kid="other"), "UnknownKey")
case("no key id", sign(claims(), kid=None), "Token")
case("another header", spliced(good, alg="EdDSA", kid="ed-1", typ="JWT"), "Signature")
case("critical extensions", spliced(good, alg="EdDSA", kid="ed-1", crit=["b64"], b64=False), "Token")
case("a changed claim", ".".join([good.split(".")[0], sign(claims()).split(".")[1], good.split(".")[2]]), "Signature")
case("no signature", good.rsplit(".", 1)[0] + ".", "Signature")
case("a cut signature", good[:-6], "Signature")
case("two parts", good.rsplit(".", 1)[0], "Token")
case("four parts", good + ".", "Token")
case("five parts", "a.b.c.d.e", "Token")
case("not base64url", good.replace(".", ".=", 1), "Token")
case("not JSON", sign(b"canary"), "Token")
case("a list", sign(b"[]"), "c1typ")

for name, value in [
    ("c1typ", "at"), ("iss", "other.conductor.one"), ("iss", "https://acme.conductor.one"), ("iss", "acme.conductor.one."),
    ("aud", "evil.example"), ("aud", ["evil.example"]), ("aud", []), ("aud", "https://hooks.example.com"),
    ("htm", "GET"), ("htm", "post"), ("htu", "https://hooks.example.com/other"), ("htu", URL + "/"),
    ("htu", URL.replace("https", "http")), ("htu", "https://evil.example/c1/approvals"), ("htu", "/c1/approvals"),
    ("htu", URL.replace("https://", "https://a@")), ("exp", str(NOW + 120)), ("exp", -1), ("exp", 1e300), ("nbf", str(NOW)),
    ("htb_s256", "canary!"), ("aud", None), ("aud", 1), ("jti", ""),
]:
    case(f"{name} {value!r}", sign(claims(**{name: value})), name)
for name in ["c1typ", "iss", "aud", "htm", "htu", "exp", "jti", "htb_s256"]:
    case(f"no {name}", sign(claims(**{name: None})), name)
    case(f"{name} is an object", sign(claims(**{name: {}})), name)
case("expired", sign(claims(exp=NOW - 60)), "Expired")
case("early", sign(claims(nbf=NOW + 61)), "NotYetValid")
case("another body", good, "Hash", BODY + " ")
case("half a hash", sign(claims(htb_s256=base64.b64encode(HASH[:16]).decode())), "Hash")
case("no hash at all", sign(claims(htb_s256=base64.b64encode(b"").decode() or "==")), "htb_s256")
for name, body in [("not JSON", "canary"), ("no id", '{"version": "v1"}'), ("version 2", '{"version": "v2", "webhookId": "a"}')]:
    case(f"body: {name}", sign(claims(body)), "Body", body)


def public(signer, **changes):
    return signer.as_dict(private=False) | changes


keys = [
    {"kty": "oct", "kid": "ed-1", "k": "AAAA"},
    {"kty": "RSA", "kid": "rsa-1"},
    public(rsa, kid="enc-1", use="enc"),
    public(rsa, kid="ps-1", alg="PS256"),
    public(rsa, alg="RS256"),
    public(ec),
    public(ed, alg="EdDSA"),
    public(small),
    public(p384),
    "canary",
]

SECRET = "c2VjcmV0IG9mIGEgdGVzdA"
EVENT = "3f1c6f0a-8d0e-4c57-9a55-0d8e6f5a7b11"
SENT = '{"user": "otter@example.com"}'
mac = hmac.new(SECRET.encode(), f"{NOW}.{EVENT}.{SENT}".encode(), hashlib.sha256).digest()
signed = {
    "secret": SECRET, "event": EVENT, "body": SENT,
    "signature": base64.urlsafe_b64encode(mac).decode().rstrip("="),
}

parts = {"now": NOW, "url": URL, "body": BODY, "signed": signed, "keys": keys, "cases": cases}
# An item a line.
lines = {name: ",\n  ".join(map(json.dumps, part)) for name, part in parts.items() if isinstance(part, list)}
parts = {name: f"[\n  {lines[name]}\n ]" if name in lines else json.dumps(part) for name, part in parts.items()}
print("{\n " + ",\n ".join(f'"{name}": {part}' for name, part in parts.items()) + "\n}")
