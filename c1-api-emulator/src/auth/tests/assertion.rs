use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

use super::{NOW, Side};
use crate::auth::{Refusal, assertion, jwt};

impl Side {
    fn claims(&self) -> Value {
        let id = &self.client.client_id;
        json!({ "iss": id, "sub": id, "aud": "127.0.0.1",
            "exp": NOW + 120, "nbf": NOW - 120, "iat": NOW })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        jwt::sign(&self.key, header, claims)
    }

    fn assert(&mut self, assertion: &str) -> Result<Value, Refusal> {
        let id = self.client.client_id.clone();
        self.ask(&[
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_assertion_type", assertion::TYPE),
            ("client_assertion", assertion),
        ])
    }
}

#[test]
fn a_list_of_audiences_may_hold_ours() {
    let mut side = Side::new();
    let mut claims = side.claims();
    claims["aud"] = json!(["elsewhere", "127.0.0.1"]);
    let assertion = side.sign(&json!({ "alg": "EdDSA" }), &claims);
    assert!(side.assert(&assertion).is_ok());
}

#[test]
fn replays_are_refused_by_jti_nonce_or_text() {
    let mut side = Side::new();
    let mut with_jti = side.claims();
    with_jti["jti"] = json!("j");
    for (header, claims) in [
        (json!({ "alg": "EdDSA", "nonce": "n" }), side.claims()),
        (json!({ "alg": "EdDSA" }), with_jti),
        (json!({ "alg": "EdDSA" }), side.claims()),
    ] {
        let assertion = side.sign(&header, &claims);
        assert!(side.assert(&assertion).is_ok());
        assert_eq!(
            side.assert(&assertion).unwrap_err().description,
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
        ("iat", json!("now"), "iat: expected seconds"),
    ];
    for (name, value, expected) in changes {
        let mut side = Side::new();
        let mut claims = side.claims();
        claims[name] = value;
        let assertion = side.sign(&json!({ "alg": "EdDSA" }), &claims);
        let refusal = side.assert(&assertion).unwrap_err();
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
    let mut side = Side::new();
    let header = json!({ "alg": "EdDSA" });
    let claims = side.claims();
    let other = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let foreign = jwt::sign(&other, &header, &claims);
    assert!(
        side.assert(&foreign)
            .unwrap_err()
            .description
            .contains("not signed")
    );
    let none = side.sign(&json!({ "alg": "none" }), &claims);
    assert!(
        side.assert(&none)
            .unwrap_err()
            .description
            .starts_with("alg:")
    );
    let mut changed = claims.clone();
    changed["aud"] = json!(["127.0.0.1"]);
    let good = side.sign(&header, &claims);
    let (_, signature) = good.rsplit_once('.').unwrap();
    let stolen = side.sign(&header, &changed);
    let stolen = format!("{}.{signature}", stolen.rsplit_once('.').unwrap().0);
    assert!(
        side.assert(&stolen)
            .unwrap_err()
            .description
            .contains("not signed")
    );
    for text in ["", "a", "a.b", "a.b.c", "e30.e30."] {
        assert_eq!(
            side.assert(text).unwrap_err().error,
            "invalid_client",
            "{text}"
        );
    }
}
