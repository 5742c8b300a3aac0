//! The token endpoint as a client sees it, but without sockets.

mod assertion;
mod device;
mod dpop;
mod exchange;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

use super::{Auth, Refusal, Settings, Trust, hosts};
use crate::credentials::Credentials;

const NOW: u64 = 1_800_000_000;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The tenant's side, and what a client of it has.
struct Side {
    auth: Auth,
    client: Credentials,
    key: Ed25519KeyPair,
    trust: Arc<Trust>,
    now: u64,
    headers: HeaderMap,
}

impl Side {
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
            auth: Auth::new(settings, address, &client, Arc::clone(&trust)).unwrap(),
            key: key(&client),
            client,
            trust,
            now: NOW,
            headers: headers.into_iter().collect(),
        }
    }

    fn ask(&mut self, form: &[(&str, &str)]) -> Result<Value, Refusal> {
        let body = encode(form);
        self.auth
            .token(at(self.now), &self.headers, body.as_bytes())
    }

    fn refused(&mut self, form: &[(&str, &str)]) -> (&'static str, String) {
        let refusal = self.ask(form).unwrap_err();
        (refusal.error, refusal.description)
    }

    fn ask_by_secret(&mut self) -> Result<Value, Refusal> {
        let (id, secret) = (
            self.client.client_id.clone(),
            self.client.client_secret.clone(),
        );
        self.ask(&by_secret(&id, &secret))
    }

    /// Whether a call with the `Authorization` is let through.
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

/// A call to the API with the headers.
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

fn token(answer: &Value) -> &str {
    answer["access_token"].as_str().unwrap()
}

#[test]
fn requests_that_are_not_token_requests() {
    let mut side = Side::new();
    let mut error = |headers: &HeaderMap, body: &str| {
        side.auth
            .token(at(NOW), headers, body.as_bytes())
            .unwrap_err()
    };
    let form = side.headers.clone();
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
    let refusal = error(&with_header, "grant_type=client_credentials");
    assert_eq!(
        (refusal.error, refusal.http.as_u16()),
        ("invalid_client", 401)
    );
}

#[test]
fn the_secret_itself_buys_a_token() {
    let mut side = Side::new();
    let answer = side.ask_by_secret().unwrap();
    assert!(side.may_call(&format!("Bearer {}", token(&answer))));
    assert!(side.ask_by_secret().is_ok(), "again");

    let (id, secret) = (
        side.client.client_id.clone(),
        side.client.client_secret.clone(),
    );
    for wrong in [&secret[1..], &format!("{secret}A"), "x"] {
        let (error, description) = side.refused(&by_secret(&id, wrong));
        assert_eq!(error, "invalid_client");
        assert!(description.starts_with("client_secret:") && !description.contains(&secret));
    }
    let mut both = by_secret(&id, &secret).to_vec();
    both.push(("client_assertion", "x"));
    assert_eq!(side.refused(&both).0, "invalid_request");
}

#[test]
fn clients_are_told_apart_and_expire() {
    let mut side = Side::new();
    let other = Credentials::generate(([127, 0, 0, 1], 80).into(), "pcc").unwrap();
    side.auth.add_client(&other, Some(at(NOW + 60)));
    let form = by_secret(&other.client_id, &other.client_secret);
    assert!(side.ask(&form).is_ok());
    let secret = side.client.client_secret.clone();
    let swapped = by_secret(&other.client_id, &secret);
    assert_eq!(side.refused(&swapped).0, "invalid_client");
    side.now += 60;
    assert_eq!(
        side.refused(&form),
        ("invalid_client", "the client has expired".to_owned())
    );
    assert!(side.ask_by_secret().is_ok(), "the first one never expires");
}

#[test]
fn revoked_tokens_are_unknown_and_new_ones_are_not() {
    let mut side = Side::new();
    let old = format!("Bearer {}", token(&side.ask_by_secret().unwrap()));
    side.auth.revoke_tokens();
    assert!(!side.may_call(&old));
    let new = format!("Bearer {}", token(&side.ask_by_secret().unwrap()));
    assert!(side.may_call(&new));
}

#[test]
fn failures_come_as_often_as_asked_for() {
    let mut side = Side::new();
    for (status, error) in [
        (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        (StatusCode::BAD_GATEWAY, "server_error"),
    ] {
        side.auth.fail_token_requests(2, status);
        for _ in 0..2 {
            let refusal = side.ask_by_secret().unwrap_err();
            assert_eq!((refusal.http, refusal.error), (status, error));
        }
        assert!(side.ask_by_secret().is_ok());
    }
}

#[test]
fn answers_say_how_long_a_token_lives() {
    let mut side = Side::new();
    let answer = side.ask_by_secret().unwrap();
    assert_eq!(
        (&answer["token_type"], &answer["expires_in"]),
        (&json!("Bearer"), &json!(600))
    );
    let bearer = format!("bearer {}", token(&answer));
    side.now += 599;
    assert!(side.may_call(&bearer));
    side.now += 1;
    assert!(!side.may_call(&bearer));
    assert!(!side.may_call("Bearer another"));
    assert!(!side.may_call("Bearer "));
}
