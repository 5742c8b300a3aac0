use std::sync::Arc;

use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

use super::{Fixture, NOW, at, hosts, token};
use crate::auth::exchange::{GRANT, SUBJECT, Trust};
use crate::auth::jwt::{self, Jwt};

fn form<'a>(client: &'a str, token: &'a str, kind: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("grant_type", GRANT),
        ("client_id", client),
        ("subject_token", token),
        ("subject_token_type", kind),
    ]
}

impl Fixture {
    /// A subject token of the trusted issuer with changed claims.
    fn subject(&self, change: impl FnOnce(&mut Value)) -> String {
        let good = self.trust.subject_token(at(NOW)).unwrap();
        let jwt = Jwt::parse(&good).unwrap();
        let mut claims = Value::Object(jwt.claims);
        change(&mut claims);
        jwt::sign(&self.trust.key, &Value::Object(jwt.header), &claims)
    }

    fn rejects(&mut self, token: &str, kind: &str) -> (&'static str, String) {
        let client = self.trust.client_id.clone();
        self.rejected(&form(&client, token, kind))
    }
}

#[test]
fn a_subject_token_is_exchanged_until_it_expires() {
    let mut fixture = Fixture::new();
    let subject = fixture.trust.subject_token(at(NOW)).unwrap();
    let trust = Arc::clone(&fixture.trust);
    let form = form(&trust.client_id, &subject, SUBJECT);
    let response = fixture.request(&form).unwrap();
    assert_eq!(
        (&response["issued_token_type"], &response["token_type"]),
        (
            &json!("urn:ietf:params:oauth:token-type:access_token"),
            &json!("Bearer")
        )
    );
    assert!(fixture.may_call(&format!("Bearer {}", token(&response))));
    fixture.now = NOW + 599;
    assert!(fixture.request(&form).is_ok());
    fixture.now = NOW + 600;
    assert!(fixture.rejected(&form).1.starts_with("exp:"));
    fixture.now = NOW - 30;
    assert!(fixture.request(&form).is_ok(), "within the skew");
    fixture.now = NOW - 31;
    assert!(fixture.rejected(&form).1.starts_with("iat:"));
}

#[test]
fn each_wrong_claim_is_named() {
    let changes = [
        ("iss", json!("https://elsewhere.example"), "iss:"),
        ("aud", json!("elsewhere.example"), "aud:"),
        ("aud", json!(["elsewhere.example"]), "aud:"),
        ("aud", Value::Null, "aud:"),
        ("iat", json!(NOW - 601), "iat: expected at most ten minutes"),
        ("iat", json!(NOW + 31), "iat: expected a time in the past"),
        ("iat", Value::Null, "iat: expected seconds"),
        ("exp", json!(NOW), "exp: the subject token is expired"),
        ("exp", json!("soon"), "exp: expected seconds"),
    ];
    for (name, value, expected) in changes {
        let mut fixture = Fixture::new();
        let token = fixture.subject(|claims| claims[name] = value);
        let (error, description) = fixture.rejects(&token, SUBJECT);
        assert_eq!(error, "invalid_grant", "{expected}");
        assert!(
            description.starts_with(expected),
            "{expected} in {description}"
        );
    }
    let mut fixture = Fixture::new();
    let token = fixture.subject(|claims| claims["aud"] = json!(["elsewhere.example", "127.0.0.1"]));
    let client = fixture.trust.client_id.clone();
    assert!(fixture.request(&form(&client, &token, SUBJECT)).is_ok());
}

#[test]
fn only_jwts_of_the_trusted_issuer_are_accepted() {
    let mut fixture = Fixture::new();
    let good = fixture.subject(|_| ());
    let address = ([127, 0, 0, 1], 80).into();
    let other = Trust::generate(address, hosts(address)).unwrap();
    let foreign = other.subject_token(at(NOW)).unwrap();
    let (error, description) = fixture.rejects(&foreign, SUBJECT);
    assert_eq!(error, "invalid_grant");
    assert!(description.contains("invalid signature"));

    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let none = jwt::sign(&key, &json!({ "alg": "none" }), &json!({}));
    assert_eq!(fixture.rejects(&none, SUBJECT).0, "invalid_grant");
    assert_eq!(fixture.rejects("nonsense", SUBJECT).0, "invalid_request");
    assert_eq!(fixture.rejects("", SUBJECT).0, "invalid_request");
    let id_token = "urn:ietf:params:oauth:token-type:id_token";
    assert_eq!(fixture.rejects(&good, id_token).0, "invalid_request");
    let spc = fixture.client.client_id.clone();
    assert_eq!(
        fixture.rejected(&form(&spc, &good, SUBJECT)).0,
        "invalid_client"
    );
}
