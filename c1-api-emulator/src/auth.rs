//! The token endpoint and what it remembers: `client_credentials` with a signed assertion.
//!
//! RFC 6749 (OAuth 2.0), RFC 7521 and RFC 7523 (assertions), RFC 8037 (Ed25519 in JOSE).

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{HeaderMap, StatusCode};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Map, Value, json};

use crate::credentials::{Credentials, random};
use crate::text::{self, Pairs};

/// The path of the token endpoint.
pub(crate) const TOKEN_PATH: &str = "/auth/v1/token";

/// How far ahead an assertion may expire.
const MAX_LIFETIME: f64 = 300.0;
/// How far the client's clock may be ahead of ours.
const SKEW: f64 = 30.0;

/// An error answer of the token endpoint (RFC 6749, section 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) http: StatusCode,
    error: &'static str,
    description: String,
}

impl Refusal {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        let http = match error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        Self {
            http,
            error,
            description: description.into(),
        }
    }

    fn request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    fn client(description: impl Into<String>) -> Self {
        Self::new("invalid_client", description)
    }

    /// The JSON of the answer.
    pub(crate) fn body(&self) -> Value {
        json!({ "error": self.error, "error_description": self.description })
    }
}

/// Who may get a token, which tokens are live, which assertions are used up.
pub(crate) struct Auth {
    client_id: String,
    public_key: Vec<u8>,
    /// The host of the tenant, in each way of writing it.
    audiences: Vec<String>,
    lifetime: Duration,
    tokens: HashMap<String, SystemTime>,
    used: HashMap<String, SystemTime>,
}

impl Auth {
    /// Knows one client; `audiences` are the ways to write the tenant's host without port.
    pub(crate) fn new(
        credentials: &Credentials,
        audiences: Vec<String>,
        lifetime: Duration,
    ) -> Self {
        Self {
            client_id: credentials.client_id.clone(),
            public_key: credentials.public_key.clone(),
            audiences,
            lifetime,
            tokens: HashMap::new(),
            used: HashMap::new(),
        }
    }

    /// Answers a token request.
    pub(crate) fn token(
        &mut self,
        now: SystemTime,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Value, Refusal> {
        if headers.contains_key(AUTHORIZATION) {
            return Err(Refusal::client(
                "credentials belong in the body, not in a header",
            ));
        }
        let form = form(headers, body)?;
        let field = |name: &str| {
            form.iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        match field("grant_type") {
            Some("client_credentials") => {
                if field("client_id") != Some(&self.client_id) {
                    return Err(Refusal::client("no client has this client_id"));
                }
                if field("client_assertion_type")
                    != Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                {
                    return Err(Refusal::client(
                        "client_assertion_type: expected the jwt-bearer type of RFC 7523",
                    ));
                }
                let assertion = field("client_assertion").unwrap_or_default();
                self.verify(now, assertion)?;
            }
            Some(_) => {
                return Err(Refusal::new(
                    "unsupported_grant_type",
                    "the grant_type is not known here",
                ));
            }
            None => return Err(Refusal::request("grant_type: expected a value")),
        }
        let token = self.issue(now)?;
        Ok(
            json!({ "access_token": token, "token_type": "Bearer", "expires_in": self.lifetime.as_secs() }),
        )
    }

    /// Makes a token that lives from now on.
    pub(crate) fn issue(&mut self, now: SystemTime) -> Result<String, Refusal> {
        let bytes =
            random::<32>().map_err(|error| Refusal::new("server_error", error.to_string()))?;
        let token = URL_SAFE_NO_PAD.encode(bytes);
        self.tokens.retain(|_, expiry| *expiry > now);
        self.tokens.insert(token.clone(), now + self.lifetime);
        Ok(token)
    }

    /// Whether the token was issued here and has not expired.
    pub(crate) fn is_live(&self, now: SystemTime, token: &str) -> bool {
        self.tokens.get(token).is_some_and(|expiry| *expiry > now)
    }

    /// Verifies a client assertion and uses it up.
    fn verify(&mut self, now: SystemTime, assertion: &str) -> Result<(), Refusal> {
        let malformed = || Refusal::client("client_assertion: expected a signed JWT");
        let (signed, signature) = assertion.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let header = json_part(header).ok_or_else(malformed)?;
        let claims = json_part(claims).ok_or_else(malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
        if header.get("alg") != Some(&json!("EdDSA")) {
            return Err(Refusal::client("alg: expected EdDSA"));
        }
        let key = UnparsedPublicKey::new(&ED25519, &self.public_key);
        key.verify(signed.as_bytes(), &signature)
            .map_err(|_| Refusal::client("the assertion is not signed with the client's key"))?;
        self.verify_claims(now, &claims)?;

        // C1's own clients send no `jti` but a nonce; whoever sends neither cannot repeat itself either.
        let mark = [("jti", &claims), ("nonce", &header)]
            .into_iter()
            .find_map(|(name, part)| {
                Some(format!(
                    "{name}:{}",
                    part.get(name)?.as_str().filter(|mark| !mark.is_empty())?
                ))
            });
        let mark = mark.unwrap_or_else(|| signed.to_owned());
        self.used.retain(|_, until| *until > now);
        let until = now + Duration::from_secs_f64(MAX_LIFETIME);
        match self.used.insert(mark, until) {
            Some(_) => Err(Refusal::client("the assertion was used before")),
            None => Ok(()),
        }
    }

    fn verify_claims(&self, now: SystemTime, claims: &Map<String, Value>) -> Result<(), Refusal> {
        for name in ["iss", "sub"] {
            if claims.get(name).and_then(Value::as_str) != Some(&self.client_id) {
                return Err(Refusal::client(format!("{name}: expected the client_id")));
            }
        }
        let is_ours = |value: &Value| {
            value
                .as_str()
                .is_some_and(|host| self.audiences.iter().any(|ours| ours == host))
        };
        let audience = match claims.get("aud") {
            Some(Value::Array(hosts)) => hosts.iter().any(is_ours),
            Some(host) => is_ours(host),
            None => false,
        };
        if !audience {
            return Err(Refusal::client(
                "aud: expected the host of the tenant, without port",
            ));
        }
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        let exp = claims.get("exp").and_then(Value::as_f64);
        let exp = exp.ok_or_else(|| Refusal::client("exp: expected seconds since 1970"))?;
        if exp <= now {
            return Err(Refusal::client("exp: the assertion has expired"));
        }
        if exp > now + MAX_LIFETIME {
            return Err(Refusal::client("exp: expected at most five minutes ahead"));
        }
        for name in ["nbf", "iat"] {
            let Some(value) = claims.get(name) else {
                continue;
            };
            let time = value
                .as_f64()
                .ok_or_else(|| Refusal::client(format!("{name}: expected seconds since 1970")))?;
            if time > now + SKEW {
                return Err(Refusal::client(format!(
                    "{name}: the assertion is from the future"
                )));
            }
        }
        Ok(())
    }
}

/// The fields of the form; each at most once (RFC 6749, section 3.2).
fn form(headers: &HeaderMap, body: &[u8]) -> Result<Pairs, Refusal> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refusal::request(
            "expected a body of type application/x-www-form-urlencoded",
        ));
    }
    let pairs = std::str::from_utf8(body).ok().and_then(text::pairs);
    let pairs = pairs.ok_or_else(|| Refusal::request("expected a form in UTF-8"))?;
    for (at, (name, _)) in pairs.iter().enumerate() {
        if pairs[..at].iter().any(|(earlier, _)| earlier == name) {
            return Err(Refusal::request("expected each field once"));
        }
    }
    Ok(pairs)
}

fn json_part(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
    use ring::signature::Ed25519KeyPair;
    use serde_json::{Value, json};

    use super::{Auth, Refusal};
    use crate::credentials::Credentials;

    const NOW: u64 = 1_800_000_000;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// The tenant's side and the client's key.
    fn pair() -> (Auth, Ed25519KeyPair) {
        let credentials = Credentials::generate(([127, 0, 0, 1], 80).into()).unwrap();
        let jwk = URL_SAFE_NO_PAD
            .decode(credentials.client_secret.rsplit_once(':').unwrap().1)
            .unwrap();
        let jwk: Value = serde_json::from_slice(&jwk).unwrap();
        let [seed, public] =
            ["d", "x"].map(|name| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap());
        let key = Ed25519KeyPair::from_seed_and_public_key(&seed, &public).unwrap();
        (
            Auth::new(
                &credentials,
                vec!["127.0.0.1".to_owned()],
                Duration::from_secs(600),
            ),
            key,
        )
    }

    fn claims(auth: &Auth) -> Value {
        json!({ "iss": auth.client_id, "sub": auth.client_id, "aud": "127.0.0.1",
            "exp": NOW + 120, "nbf": NOW - 120, "iat": NOW })
    }

    fn sign(key: &Ed25519KeyPair, header: &Value, claims: &Value) -> String {
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn headers() -> HeaderMap {
        HeaderMap::from_iter([(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        )])
    }

    fn ask(auth: &mut Auth, assertion: &str) -> Result<Value, Refusal> {
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_assertion={assertion}&client_assertion_type=\
             urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
            auth.client_id
        );
        auth.token(at(NOW), &headers(), form.as_bytes())
    }

    #[test]
    fn a_good_assertion_gets_a_token_that_expires() {
        let (mut auth, key) = pair();
        let assertion = sign(
            &key,
            &json!({ "alg": "EdDSA", "nonce": "n" }),
            &claims(&auth),
        );
        let answer = ask(&mut auth, &assertion).unwrap();
        assert_eq!(
            (&answer["token_type"], &answer["expires_in"]),
            (&json!("Bearer"), &json!(600))
        );
        let token = answer["access_token"].as_str().unwrap();
        assert!(auth.is_live(at(NOW + 599), token));
        assert!(!auth.is_live(at(NOW + 600), token));
        assert!(!auth.is_live(at(NOW), "another"));
    }

    #[test]
    fn a_list_of_audiences_may_hold_ours() {
        let (mut auth, key) = pair();
        let mut claims = claims(&auth);
        claims["aud"] = json!(["elsewhere", "127.0.0.1"]);
        let assertion = sign(&key, &json!({ "alg": "EdDSA" }), &claims);
        assert!(ask(&mut auth, &assertion).is_ok());
    }

    #[test]
    fn replays_are_refused_by_jti_nonce_or_text() {
        let (mut auth, key) = pair();
        let mut with_jti = claims(&auth);
        with_jti["jti"] = json!("j");
        for (header, claims) in [
            (json!({ "alg": "EdDSA", "nonce": "n" }), claims(&auth)),
            (json!({ "alg": "EdDSA" }), with_jti),
            (json!({ "alg": "EdDSA" }), claims(&auth)),
        ] {
            let assertion = sign(&key, &header, &claims);
            assert!(ask(&mut auth, &assertion).is_ok());
            let refusal = ask(&mut auth, &assertion).unwrap_err();
            assert_eq!(
                refusal.body()["error_description"],
                "the assertion was used before"
            );
        }
    }

    #[test]
    fn each_wrong_claim_is_refused_by_name() {
        let changes = [
            ("iss", json!("someone"), "iss:"),
            ("sub", json!(null), "sub:"),
            ("aud", json!("127.0.0.1:80"), "aud:"),
            ("aud", json!([]), "aud:"),
            ("exp", json!(NOW), "exp: the assertion has expired"),
            ("exp", json!(NOW + 301), "exp: expected at most"),
            ("exp", json!("soon"), "exp: expected seconds"),
            ("nbf", json!(NOW + 31), "nbf:"),
            ("iat", json!(NOW + 31), "iat:"),
        ];
        for (name, value, expected) in changes {
            let (mut auth, key) = pair();
            let mut claims = claims(&auth);
            claims[name] = value;
            let assertion = sign(&key, &json!({ "alg": "EdDSA" }), &claims);
            let refusal = ask(&mut auth, &assertion).unwrap_err();
            assert_eq!(
                (refusal.http.as_u16(), refusal.error),
                (401, "invalid_client")
            );
            assert!(
                refusal.description.starts_with(expected),
                "{expected} in {}",
                refusal.description
            );
        }
    }

    #[test]
    fn only_the_clients_own_signature_counts() {
        let (mut auth, key) = pair();
        let (_, other_key) = pair();
        let header = json!({ "alg": "EdDSA" });
        let foreign = sign(&other_key, &header, &claims(&auth));
        assert!(
            ask(&mut auth, &foreign)
                .unwrap_err()
                .description
                .contains("not signed")
        );
        let none = sign(&key, &json!({ "alg": "none" }), &claims(&auth));
        assert!(
            ask(&mut auth, &none)
                .unwrap_err()
                .description
                .starts_with("alg:")
        );
        let mut changed = claims(&auth);
        changed["aud"] = json!(["127.0.0.1"]);
        let good = sign(&key, &header, &claims(&auth));
        let (_, signature) = good.rsplit_once('.').unwrap();
        let stolen = sign(&key, &header, &changed);
        let stolen = format!("{}.{signature}", stolen.rsplit_once('.').unwrap().0);
        assert!(
            ask(&mut auth, &stolen)
                .unwrap_err()
                .description
                .contains("not signed")
        );
        for text in ["", "a", "a.b", "a.b.c", "e30.e30."] {
            assert_eq!(
                ask(&mut auth, text).unwrap_err().error,
                "invalid_client",
                "{text}"
            );
        }
    }

    #[test]
    fn requests_that_are_not_token_requests() {
        let (mut auth, _) = pair();
        let mut error = |headers: &HeaderMap, body: &str| {
            auth.token(at(NOW), headers, body.as_bytes()).unwrap_err()
        };
        assert_eq!(error(&headers(), "").error, "invalid_request");
        assert_eq!(
            error(&headers(), "grant_type=password").error,
            "unsupported_grant_type"
        );
        assert_eq!(
            error(&headers(), "grant_type=a&grant_type=a").error,
            "invalid_request"
        );
        assert_eq!(
            error(&HeaderMap::new(), "grant_type=client_credentials").error,
            "invalid_request"
        );
        assert_eq!(
            error(&headers(), "grant_type=client_credentials&client_id=x").error,
            "invalid_client"
        );
        let mut with_header = headers();
        with_header.insert(AUTHORIZATION, HeaderValue::from_static("Basic x"));
        let refusal = error(&with_header, "grant_type=client_credentials");
        assert_eq!(
            (refusal.error, refusal.http.as_u16()),
            ("invalid_client", 401)
        );
    }
}
