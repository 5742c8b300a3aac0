use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

use super::{Fixture, NOW};
use crate::auth::{OAuthError, assertion, jwt};

impl Fixture {
    fn claims(&self) -> Value {
        let id = &self.client.client_id;
        json!({ "iss": id, "sub": id, "aud": "127.0.0.1",
            "exp": NOW + 120, "nbf": NOW - 120, "iat": NOW })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        jwt::sign(&self.key, header, claims)
    }

    fn assert(&mut self, assertion: &str) -> Result<Value, OAuthError> {
        let id = self.client.client_id.clone();
        self.request(&[
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_assertion_type", assertion::TYPE),
            ("client_assertion", assertion),
        ])
    }
}

#[test]
fn a_list_of_audiences_may_contain_the_tenant() {
    let mut fixture = Fixture::new();
    let mut claims = fixture.claims();
    claims["aud"] = json!(["elsewhere", "127.0.0.1"]);
    let assertion = fixture.sign(&json!({ "alg": "EdDSA" }), &claims);
    assert!(fixture.assert(&assertion).is_ok());
}

#[test]
fn replays_are_detected_by_jti_nonce_or_text() {
    let mut fixture = Fixture::new();
    let mut with_jti = fixture.claims();
    with_jti["jti"] = json!("j");
    for (header, claims) in [
        (json!({ "alg": "EdDSA", "nonce": "n" }), fixture.claims()),
        (json!({ "alg": "EdDSA" }), with_jti),
        (json!({ "alg": "EdDSA" }), fixture.claims()),
    ] {
        let assertion = fixture.sign(&header, &claims);
        assert!(fixture.assert(&assertion).is_ok());
        assert_eq!(
            fixture.assert(&assertion).unwrap_err().description,
            "the assertion was already used"
        );
    }
}

#[test]
fn each_wrong_claim_is_named() {
    let changes = [
        ("iss", json!("someone"), "iss:"),
        ("sub", json!(null), "sub:"),
        ("aud", json!("127.0.0.1:80"), "aud:"),
        ("aud", json!([]), "aud:"),
        ("exp", json!(NOW), "exp: the assertion is expired"),
        ("exp", json!(NOW + 301), "exp: expected at most"),
        ("exp", json!("soon"), "exp: expected seconds"),
        ("nbf", json!(NOW + 31), "nbf:"),
        ("iat", json!(NOW + 31), "iat:"),
        ("iat", json!("now"), "iat: expected seconds"),
    ];
    for (name, value, expected) in changes {
        let mut fixture = Fixture::new();
        let mut claims = fixture.claims();
        claims[name] = value;
        let assertion = fixture.sign(&json!({ "alg": "EdDSA" }), &claims);
        let rejection = fixture.assert(&assertion).unwrap_err();
        assert_eq!(
            (rejection.http.as_u16(), rejection.error),
            (401, "invalid_client")
        );
        assert!(
            rejection.description.starts_with(expected),
            "{expected} in {}",
            rejection.description
        );
    }
}

#[test]
fn only_signatures_of_the_client_are_accepted() {
    let mut fixture = Fixture::new();
    let header = json!({ "alg": "EdDSA" });
    let claims = fixture.claims();
    let other = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let foreign = jwt::sign(&other, &header, &claims);
    assert!(
        fixture
            .assert(&foreign)
            .unwrap_err()
            .description
            .contains("invalid signature")
    );
    let none = fixture.sign(&json!({ "alg": "none" }), &claims);
    assert!(
        fixture
            .assert(&none)
            .unwrap_err()
            .description
            .starts_with("alg:")
    );
    let mut changed = claims.clone();
    changed["aud"] = json!(["127.0.0.1"]);
    let good = fixture.sign(&header, &claims);
    let (_, signature) = good.rsplit_once('.').unwrap();
    let stolen = fixture.sign(&header, &changed);
    let stolen = format!("{}.{signature}", stolen.rsplit_once('.').unwrap().0);
    assert!(
        fixture
            .assert(&stolen)
            .unwrap_err()
            .description
            .contains("invalid signature")
    );
    for text in ["", "a", "a.b", "a.b.c", "e30.e30."] {
        assert_eq!(
            fixture.assert(text).unwrap_err().error,
            "invalid_client",
            "{text}"
        );
    }
}
