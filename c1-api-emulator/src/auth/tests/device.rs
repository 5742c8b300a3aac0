use std::time::Duration;

use serde_json::{Value, json};

use super::{Fixture, Settings, at, encode, token};
use crate::auth::device::{GRANT, MAX_LOGINS};

impl Fixture {
    fn start(&mut self) -> Value {
        let body = encode(&[("client_id", "a-tool")]);
        let login = self
            .auth
            .start_device_login(at(self.now), &self.headers, body.as_bytes());
        login.unwrap().response
    }

    fn poll(&mut self, login: &Value) -> Result<String, &'static str> {
        self.poll_as("a-tool", login)
    }

    fn poll_as(&mut self, client: &str, login: &Value) -> Result<String, &'static str> {
        let code = login["device_code"].as_str().unwrap();
        let response = self.request(&[
            ("grant_type", GRANT),
            ("device_code", code),
            ("client_id", client),
        ]);
        match response {
            Ok(response) => Ok(token(&response).to_owned()),
            Err(rejection) => Err(rejection.error),
        }
    }

    fn decide(&mut self, login: &Value, approve: bool) -> bool {
        let code = login["user_code"].as_str().unwrap();
        self.auth.decide_device_login(at(self.now), code, approve)
    }
}

#[test]
fn an_approved_login_gives_one_token() {
    let mut fixture = Fixture::new();
    let (login, other) = (fixture.start(), fixture.start());
    assert_eq!(
        (&login["expires_in"], &login["interval"]),
        (&json!(600), &json!(5))
    );
    let (uri, code) = (&login["verification_uri"], &login["user_code"]);
    assert_eq!(uri, "http://127.0.0.1:80/device");
    assert_eq!(
        login["verification_uri_complete"].as_str().unwrap(),
        format!(
            "{}?user_code={}",
            uri.as_str().unwrap(),
            code.as_str().unwrap()
        )
    );
    assert_eq!(fixture.poll(&login), Err("authorization_pending"));
    assert!(fixture.decide(&login, true));
    assert!(!fixture.decide(&login, false), "already approved");
    assert_eq!(fixture.poll_as("another", &login), Err("invalid_grant"));
    let token = fixture.poll(&login).unwrap();
    assert!(fixture.may_call(&format!("Bearer {token}")));
    assert_eq!(fixture.poll(&login), Err("invalid_grant"));
    assert_eq!(fixture.poll(&other), Err("authorization_pending"));
}

#[test]
fn a_denied_login_gives_no_token() {
    let mut fixture = Fixture::new();
    let login = fixture.start();
    assert!(fixture.decide(&login, false));
    assert_eq!(fixture.poll(&login), Err("access_denied"));
    assert!(
        !fixture
            .auth
            .decide_device_login(at(fixture.now), "XXXX-XXXX", true)
    );
}

#[test]
fn polling_too_fast_extends_the_interval() {
    let mut fixture = Fixture::new();
    let login = fixture.start();
    for (wait, expected) in [
        (0, "authorization_pending"),
        (4, "slow_down"),
        (9, "slow_down"),
        (15, "authorization_pending"),
        (14, "slow_down"),
        (20, "authorization_pending"),
    ] {
        fixture.now += wait;
        assert_eq!(fixture.poll(&login), Err(expected), "after {wait} s");
    }
    let other = fixture.start();
    assert_eq!(fixture.poll(&other), Err("authorization_pending"));
    fixture.now += 5;
    assert_eq!(fixture.poll(&other), Err("authorization_pending"));
}

#[test]
fn the_default_interval_is_five_seconds() {
    let mut fixture = Fixture::of(&Settings {
        device_interval: None,
        ..Settings::default()
    });
    let login = fixture.start();
    assert_eq!(login.get("interval"), None);
    assert_eq!(fixture.poll(&login), Err("authorization_pending"));
    fixture.now += 4;
    assert_eq!(fixture.poll(&login), Err("slow_down"));
}

#[test]
fn logins_expire_even_when_approved() {
    let mut fixture = Fixture::of(&Settings {
        device_lifetime: Duration::from_secs(60),
        ..Settings::default()
    });
    let (late, approved) = (fixture.start(), fixture.start());
    assert_eq!(late["expires_in"], 60);
    assert!(fixture.decide(&approved, true));
    fixture.now += 60;
    assert!(!fixture.decide(&late, true));
    assert_eq!(fixture.poll(&late), Err("expired_token"));
    assert_eq!(fixture.poll(&approved), Err("expired_token"));
}

#[test]
fn logins_require_a_client_id_and_polls_a_device_code() {
    let mut fixture = Fixture::new();
    let rejection =
        fixture
            .auth
            .start_device_login(at(fixture.now), &fixture.headers, b"client_id=");
    assert_eq!(rejection.err().unwrap().error, "invalid_request");
    assert_eq!(
        fixture
            .rejected(&[("grant_type", GRANT), ("client_id", "a-tool")])
            .0,
        "invalid_request"
    );
    let unknown = json!({ "device_code": "x" });
    assert_eq!(fixture.poll(&unknown), Err("invalid_grant"));
}

#[test]
fn logins_are_limited_in_number_until_they_are_forgotten() {
    let mut fixture = Fixture::new();
    for _ in 0..MAX_LOGINS {
        fixture.start();
    }
    let start = |fixture: &mut Fixture| {
        let now = at(fixture.now);
        let headers = fixture.headers.clone();
        let login = fixture
            .auth
            .start_device_login(now, &headers, b"client_id=a-tool");
        login.err().map(|error| (error.http.as_u16(), error.error))
    };
    let expected = Some((503, "temporarily_unavailable"));
    assert_eq!(start(&mut fixture), expected);
    fixture.now += 1199;
    assert_eq!(start(&mut fixture), expected);
    fixture.now += 1;
    assert_eq!(start(&mut fixture), None);
}
