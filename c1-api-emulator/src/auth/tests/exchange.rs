use std::sync::Arc;

use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

use super::{NOW, Side, at, hosts, token};
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

impl Side {
    /// The emulator's own subject token, changed and signed again.
    fn subject(&self, change: impl FnOnce(&mut Value)) -> String {
        let good = self.trust.subject_token(at(NOW)).unwrap();
        let jwt = Jwt::parse(&good).unwrap();
        let mut claims = Value::Object(jwt.claims);
        change(&mut claims);
        jwt::sign(&self.trust.key, &Value::Object(jwt.header), &claims)
    }

    fn refuses(&mut self, token: &str, kind: &str) -> (&'static str, String) {
        let client = self.trust.client_id.clone();
        self.refused(&form(&client, token, kind))
    }
}

#[test]
fn a_subject_token_is_exchanged_while_it_is_fresh() {
    let mut side = Side::new();
    let subject = side.trust.subject_token(at(NOW)).unwrap();
    let trust = Arc::clone(&side.trust);
    let form = form(&trust.client_id, &subject, SUBJECT);
    let answer = side.ask(&form).unwrap();
    assert_eq!(
        (&answer["issued_token_type"], &answer["token_type"]),
        (
            &json!("urn:ietf:params:oauth:token-type:access_token"),
            &json!("Bearer")
        )
    );
    assert!(side.may_call(&format!("Bearer {}", token(&answer))));
    side.now = NOW + 599;
    assert!(side.ask(&form).is_ok());
    side.now = NOW + 600;
    assert!(side.refused(&form).1.starts_with("exp:"));
    side.now = NOW - 30;
    assert!(side.ask(&form).is_ok(), "within the skew");
    side.now = NOW - 31;
    assert!(side.refused(&form).1.starts_with("iat:"));
}

#[test]
fn each_wrong_claim_is_refused_by_name() {
    let changes = [
        ("iss", json!("https://elsewhere.example"), "iss:"),
        ("aud", json!("elsewhere.example"), "aud:"),
        ("aud", json!(["elsewhere.example"]), "aud:"),
        ("aud", Value::Null, "aud:"),
        ("iat", json!(NOW - 601), "iat: expected at most ten minutes"),
        ("iat", json!(NOW + 31), "iat: the subject token is from"),
        ("iat", Value::Null, "iat: expected seconds"),
        ("exp", json!(NOW), "exp: the subject token has expired"),
        ("exp", json!("soon"), "exp: expected seconds"),
    ];
    for (name, value, expected) in changes {
        let mut side = Side::new();
        let token = side.subject(|claims| claims[name] = value);
        let (error, description) = side.refuses(&token, SUBJECT);
        assert_eq!(error, "invalid_grant", "{expected}");
        assert!(
            description.starts_with(expected),
            "{expected} in {description}"
        );
    }
    let mut side = Side::new();
    let token = side.subject(|claims| claims["aud"] = json!(["elsewhere.example", "127.0.0.1"]));
    let client = side.trust.client_id.clone();
    assert!(side.ask(&form(&client, &token, SUBJECT)).is_ok());
}

#[test]
fn only_jwts_of_the_trusted_issuer_count() {
    let mut side = Side::new();
    let good = side.subject(|_| ());
    let address = ([127, 0, 0, 1], 80).into();
    let other = Trust::generate(address, hosts(address)).unwrap();
    let foreign = other.subject_token(at(NOW)).unwrap();
    let (error, description) = side.refuses(&foreign, SUBJECT);
    assert_eq!(error, "invalid_grant");
    assert!(description.contains("not signed"));

    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let none = jwt::sign(&key, &json!({ "alg": "none" }), &json!({}));
    assert_eq!(side.refuses(&none, SUBJECT).0, "invalid_grant");
    assert_eq!(side.refuses("nonsense", SUBJECT).0, "invalid_request");
    assert_eq!(side.refuses("", SUBJECT).0, "invalid_request");
    let id_token = "urn:ietf:params:oauth:token-type:id_token";
    assert_eq!(side.refuses(&good, id_token).0, "invalid_request");
    let spc = side.client.client_id.clone();
    assert_eq!(
        side.refused(&form(&spc, &good, SUBJECT)).0,
        "invalid_client"
    );
}
