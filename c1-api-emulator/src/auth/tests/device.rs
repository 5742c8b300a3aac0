use std::time::Duration;

use serde_json::{Value, json};

use super::{Settings, Side, at, encode, token};
use crate::auth::device::GRANT;

impl Side {
    fn begin(&mut self) -> Value {
        let body = encode(&[("client_id", "a-tool")]);
        let login = self
            .auth
            .start_device_login(at(self.now), &self.headers, body.as_bytes());
        login.unwrap().answer
    }

    fn poll(&mut self, login: &Value) -> Result<String, &'static str> {
        self.poll_as("a-tool", login)
    }

    fn poll_as(&mut self, client: &str, login: &Value) -> Result<String, &'static str> {
        let code = login["device_code"].as_str().unwrap();
        let answer = self.ask(&[
            ("grant_type", GRANT),
            ("device_code", code),
            ("client_id", client),
        ]);
        match answer {
            Ok(answer) => Ok(token(&answer).to_owned()),
            Err(refusal) => Err(refusal.error),
        }
    }

    fn decide(&mut self, login: &Value, approve: bool) -> bool {
        let code = login["user_code"].as_str().unwrap();
        self.auth.decide_device_login(at(self.now), code, approve)
    }
}

#[test]
fn an_approved_login_gives_one_token() {
    let mut side = Side::new();
    let (login, other) = (side.begin(), side.begin());
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
    assert_eq!(side.poll(&login), Err("authorization_pending"));
    assert!(side.decide(&login, true));
    assert!(!side.decide(&login, false), "it is decided");
    assert_eq!(side.poll_as("another", &login), Err("invalid_grant"));
    let token = side.poll(&login).unwrap();
    assert!(side.may_call(&format!("Bearer {token}")));
    assert_eq!(side.poll(&login), Err("invalid_grant"));
    assert_eq!(side.poll(&other), Err("authorization_pending"));
}

#[test]
fn a_denied_login_gives_none() {
    let mut side = Side::new();
    let login = side.begin();
    assert!(side.decide(&login, false));
    assert_eq!(side.poll(&login), Err("access_denied"));
    assert!(
        !side
            .auth
            .decide_device_login(at(side.now), "XXXX-XXXX", true)
    );
}

#[test]
fn whoever_polls_too_fast_has_to_wait_longer() {
    let mut side = Side::new();
    let login = side.begin();
    for (wait, expected) in [
        (0, "authorization_pending"),
        (4, "slow_down"),
        (9, "slow_down"),
        (15, "authorization_pending"),
        (14, "slow_down"),
        (20, "authorization_pending"),
    ] {
        side.now += wait;
        assert_eq!(side.poll(&login), Err(expected), "after {wait} s");
    }
    let other = side.begin();
    assert_eq!(side.poll(&other), Err("authorization_pending"));
    side.now += 5;
    assert_eq!(side.poll(&other), Err("authorization_pending"));
}

#[test]
fn an_interval_that_is_not_told_is_five_seconds() {
    let mut side = Side::of(&Settings {
        device_interval: None,
        ..Settings::default()
    });
    let login = side.begin();
    assert_eq!(login.get("interval"), None);
    assert_eq!(side.poll(&login), Err("authorization_pending"));
    side.now += 4;
    assert_eq!(side.poll(&login), Err("slow_down"));
}

#[test]
fn logins_expire_even_when_approved() {
    let mut side = Side::of(&Settings {
        device_lifetime: Duration::from_secs(60),
        ..Settings::default()
    });
    let (late, approved) = (side.begin(), side.begin());
    assert_eq!(late["expires_in"], 60);
    assert!(side.decide(&approved, true));
    side.now += 60;
    assert!(!side.decide(&late, true));
    assert_eq!(side.poll(&late), Err("expired_token"));
    assert_eq!(side.poll(&approved), Err("expired_token"));
}

#[test]
fn logins_need_a_client_and_polls_a_code() {
    let mut side = Side::new();
    let refusal = side
        .auth
        .start_device_login(at(side.now), &side.headers, b"client_id=");
    assert_eq!(refusal.err().unwrap().error, "invalid_request");
    assert_eq!(
        side.refused(&[("grant_type", GRANT), ("client_id", "a-tool")])
            .0,
        "invalid_request"
    );
    let unknown = json!({ "device_code": "x" });
    assert_eq!(side.poll(&unknown), Err("invalid_grant"));
}
