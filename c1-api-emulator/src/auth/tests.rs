//! Tests of the OAuth endpoints, without sockets.

mod assertion;
mod device;
mod dpop;
mod exchange;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

use super::{Auth, OAuthError, Settings, Terms, Trust, hosts};
use crate::credentials::Credentials;

const NOW: u64 = 1_800_000_000;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The tenant's authentication and a client's credentials.
struct Fixture {
    auth: Auth,
    client: Credentials,
    key: Ed25519KeyPair,
    trust: Arc<Trust>,
    now: u64,
    headers: HeaderMap,
}

impl Fixture {
    fn new() -> Self {
        Self::of(&Settings {
            token_lifetime: Duration::from_secs(600),
            ..Settings::default()
        })
    }

    fn of(settings: &Settings) -> Self {
        let address = ([127, 0, 0, 1], 80).into();
        let client = Credentials::generate(address, "spc").unwrap();
        let trust = Arc::new(Trust::generate(address, hosts(address)).unwrap());
        let headers = [(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        )];
        Self {
            auth: Auth::new(settings, "http", address, &client, Arc::clone(&trust)).unwrap(),
            key: key(&client),
            client,
            trust,
            now: NOW,
            headers: headers.into_iter().collect(),
        }
    }

    fn request(&mut self, form: &[(&str, &str)]) -> Result<Value, OAuthError> {
        let body = encode(form);
        let issued = self
            .auth
            .token(at(self.now), &self.headers, body.as_bytes());
        issued.map(|(response, _)| response)
    }

    fn rejected(&mut self, form: &[(&str, &str)]) -> (&'static str, String) {
        let rejection = self.request(form).unwrap_err();
        (rejection.error, rejection.description)
    }

    fn request_with_secret(&mut self) -> Result<Value, OAuthError> {
        let (id, secret) = (
            self.client.client_id.clone(),
            self.client.client_secret.clone(),
        );
        self.request(&by_secret(&id, &secret))
    }

    /// Whether a call with the `Authorization` header is authorized.
    fn may_call(&mut self, authorization: &str) -> bool {
        let parts = call(&[(AUTHORIZATION.as_str(), authorization)]);
        self.auth.authorize(at(self.now), &parts).is_ok()
    }
}

fn by_secret<'a>(id: &'a str, secret: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
    ]
}

fn encode(form: &[(&str, &str)]) -> String {
    let pairs = form
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    pairs.collect::<Vec<_>>().join("&")
}

/// An API call with the headers.
fn call(headers: &[(&str, &str)]) -> Parts {
    let mut request = hyper::Request::builder().uri("/api/v1/apps?page_size=10");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn key(client: &Credentials) -> Ed25519KeyPair {
    let jwk = URL_SAFE_NO_PAD
        .decode(client.client_secret.rsplit_once(':').unwrap().1)
        .unwrap();
    let jwk: Value = serde_json::from_slice(&jwk).unwrap();
    let [seed, public] =
        ["d", "x"].map(|name| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap());
    Ed25519KeyPair::from_seed_and_public_key(&seed, &public).unwrap()
}

fn token(response: &Value) -> &str {
    response["access_token"].as_str().unwrap()
}

#[test]
fn malformed_token_requests_are_rejected() {
    let mut fixture = Fixture::new();
    let mut error = |headers: &HeaderMap, body: &str| {
        fixture
            .auth
            .token(at(NOW), headers, body.as_bytes())
            .map(drop)
            .unwrap_err()
    };
    let form = fixture.headers.clone();
    for (body, expected) in [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
        ("grant_type=a&grant_type=a", "invalid_request"),
        ("grant_type=client_credentials", "invalid_client"),
        (
            "grant_type=client_credentials&client_id=x",
            "invalid_client",
        ),
    ] {
        assert_eq!(error(&form, body).error, expected, "{body}");
    }
    assert_eq!(
        error(&HeaderMap::new(), "grant_type=client_credentials").error,
        "invalid_request"
    );
    let mut with_header = form;
    with_header.insert(AUTHORIZATION, HeaderValue::from_static("Basic x"));
    let rejection = error(&with_header, "grant_type=client_credentials");
    assert_eq!(
        (rejection.error, rejection.http.as_u16()),
        ("invalid_client", 401)
    );
}

#[test]
fn a_client_secret_is_accepted() {
    let mut fixture = Fixture::new();
    let response = fixture.request_with_secret().unwrap();
    assert!(fixture.may_call(&format!("Bearer {}", token(&response))));
    assert!(fixture.request_with_secret().is_ok(), "again");

    let (id, secret) = (
        fixture.client.client_id.clone(),
        fixture.client.client_secret.clone(),
    );
    for wrong in [&secret[1..], &format!("{secret}A"), "x"] {
        let (error, description) = fixture.rejected(&by_secret(&id, wrong));
        assert_eq!(error, "invalid_client");
        assert!(description.starts_with("client_secret:") && !description.contains(&secret));
    }
    let mut both = by_secret(&id, &secret).to_vec();
    both.push(("client_assertion", "x"));
    assert_eq!(fixture.rejected(&both).0, "invalid_request");
}

#[test]
fn clients_have_their_own_secrets_and_expire() {
    let mut fixture = Fixture::new();
    let other = Credentials::generate(([127, 0, 0, 1], 80).into(), "pcc").unwrap();
    let terms = Terms {
        expiry: Some(at(NOW + 60)),
        ..Terms::default()
    };
    fixture.auth.clients.add(&other, terms);
    let form = by_secret(&other.client_id, &other.client_secret);
    assert!(fixture.request(&form).is_ok());
    let secret = fixture.client.client_secret.clone();
    let swapped = by_secret(&other.client_id, &secret);
    assert_eq!(fixture.rejected(&swapped).0, "invalid_client");
    fixture.now += 60;
    assert_eq!(
        fixture.rejected(&form),
        (
            "invalid_client",
            "client_id: the client is expired".to_owned()
        )
    );
    assert!(
        fixture.request_with_secret().is_ok(),
        "the first one never expires"
    );
}

#[test]
fn revocation_applies_to_existing_tokens_only() {
    let mut fixture = Fixture::new();
    let old = format!("Bearer {}", token(&fixture.request_with_secret().unwrap()));
    fixture.auth.revoke_tokens();
    assert!(!fixture.may_call(&old));
    let new = format!("Bearer {}", token(&fixture.request_with_secret().unwrap()));
    assert!(fixture.may_call(&new));
}

#[test]
fn responses_contain_the_lifetime_of_the_token() {
    let mut fixture = Fixture::new();
    let response = fixture.request_with_secret().unwrap();
    assert_eq!(
        (&response["token_type"], &response["expires_in"]),
        (&json!("Bearer"), &json!(600))
    );
    let bearer = format!("bearer {}", token(&response));
    fixture.now += 599;
    assert!(fixture.may_call(&bearer));
    fixture.now += 1;
    assert!(!fixture.may_call(&bearer));
    assert!(!fixture.may_call("Bearer another"));
    assert!(!fixture.may_call("Bearer "));
}
