use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::HeaderValue;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use serde_json::{Value, json};

use super::{Fixture, NOW, Settings, at, call, token};
use crate::auth::jwk::sha256;
use crate::auth::{DPOP, Realm};

/// A key that signs proofs.
struct Prover {
    key: Key,
    header: Value,
    proofs: u32,
}

enum Key {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Prover {
    fn p256() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        let (x, y) = key.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|part| URL_SAFE_NO_PAD.encode(part));
        Self {
            header: json!({ "typ": "dpop+jwt", "alg": "ES256",
                "jwk": { "kty": "EC", "crv": "P-256", "x": x, "y": y } }),
            key: Key::P256(key),
            proofs: 0,
        }
    }

    fn ed25519() -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let x = URL_SAFE_NO_PAD.encode(key.public_key());
        Self {
            header: json!({ "typ": "dpop+jwt", "alg": "EdDSA",
                "jwk": { "kty": "OKP", "crv": "Ed25519", "x": x } }),
            key: Key::Ed25519(key),
            proofs: 0,
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = signed.join(".");
        let signature = match &self.key {
            Key::P256(key) => {
                let signature = key.sign(&SystemRandom::new(), signed.as_bytes());
                URL_SAFE_NO_PAD.encode(signature.unwrap())
            }
            Key::Ed25519(key) => URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())),
        };
        format!("{signed}.{signature}")
    }

    /// A proof for a token request, with changed claims.
    fn prove(&mut self, changes: Value) -> String {
        self.proofs += 1;
        let mut claims = json!({ "jti": self.proofs.to_string(), "htm": "POST", "iat": NOW,
            "htu": "http://127.0.0.1:80/auth/v1/token" });
        if let Value::Object(changes) = changes {
            claims.as_object_mut().unwrap().extend(changes);
        }
        self.sign(&self.header, &claims)
    }

    /// A proof for a call with the token, with changed claims.
    fn prove_call(&mut self, token: &str, changes: Value) -> String {
        let mut claims = json!({ "htm": "GET", "htu": "http://127.0.0.1:80/api/v1/apps",
            "ath": sha256(token.as_bytes()) });
        if let Value::Object(changes) = changes {
            claims.as_object_mut().unwrap().extend(changes);
        }
        self.prove(claims)
    }
}

impl Fixture {
    /// Requests a token with the proof.
    fn request_with_proof(&mut self, proof: &str) -> Result<Value, (&'static str, String)> {
        self.headers
            .insert(DPOP, HeaderValue::try_from(proof).unwrap());
        let response = self.request_with_secret();
        self.headers.remove(DPOP);
        response.map_err(|rejection| (rejection.error, rejection.description))
    }

    /// A token that is bound to the prover's key.
    fn bound_token(&mut self, prover: &mut Prover) -> String {
        let response = self.request_with_proof(&prover.prove(json!({}))).unwrap();
        assert_eq!(response["token_type"], "DPoP");
        token(&response).to_owned()
    }

    /// The challenge of a rejected call; empty if the call is authorized.
    fn challenge(&mut self, scheme: &str, token: &str, proofs: &[&str]) -> String {
        let authorization = format!("{scheme} {token}");
        let mut headers = vec![("authorization", authorization.as_str())];
        headers.extend(proofs.iter().map(|proof| (DPOP, *proof)));
        match self.auth.authorize(at(self.now), &call(&headers)) {
            Ok(_) => String::new(),
            Err(status) => {
                assert_eq!(status.http.as_u16(), 401);
                status.header.unwrap().1
            }
        }
    }
}

const TOKEN: &str = r#"DPoP error="invalid_token""#;
const PROOF: &str = r#"DPoP error="invalid_dpop_proof""#;
const NONCE: &str = r#"DPoP error="use_dpop_nonce""#;

#[test]
fn tokens_are_bound_to_keys_of_both_types() {
    for mut prover in [Prover::p256(), Prover::ed25519()] {
        let mut fixture = Fixture::new();
        let token = fixture.bound_token(&mut prover);
        let proof = prover.prove_call(&token, json!({}));
        assert_eq!(fixture.challenge("DPoP", &token, &[&proof]), "");
        assert_eq!(
            fixture.challenge("dpop", &token, &[&proof]),
            PROOF,
            "a replay"
        );
    }
}

#[test]
fn query_fragment_and_default_port_of_htu_are_ignored() {
    let mut fixture = Fixture::new();
    let mut prover = Prover::p256();
    let token = fixture.bound_token(&mut prover);
    for url in [
        "http://127.0.0.1:80/api/v1/apps?page_size=99",
        "HTTP://127.0.0.1:80/api/v1/apps#here",
        "http://127.0.0.1/api/v1/apps",
    ] {
        let proof = prover.prove_call(&token, json!({ "htu": url }));
        assert_eq!(fixture.challenge("DPoP", &token, &[&proof]), "", "{url}");
    }
}

#[test]
fn each_wrong_claim_is_named() {
    let changes = [
        (json!({ "htm": "GET" }), "htm:"),
        (
            json!({ "htu": "http://127.0.0.1:80/auth/v1/tokens" }),
            "htu:",
        ),
        (
            json!({ "htu": "https://127.0.0.1:80/auth/v1/token" }),
            "htu:",
        ),
        (
            json!({ "htu": "http://127.0.0.1:81/auth/v1/token" }),
            "htu:",
        ),
        (json!({ "htu": "/auth/v1/token" }), "htu:"),
        (json!({ "iat": NOW - 61 }), "iat: expected at most"),
        (json!({ "iat": NOW + 61 }), "iat: expected at most"),
        (json!({ "iat": null }), "iat: expected seconds"),
        (json!({ "jti": "" }), "jti:"),
        (json!({ "jti": null }), "jti:"),
    ];
    let mut fixture = Fixture::new();
    let mut prover = Prover::p256();
    for (change, expected) in changes {
        let (error, description) = fixture
            .request_with_proof(&prover.prove(change))
            .unwrap_err();
        assert_eq!(error, "invalid_dpop_proof");
        assert!(
            description.starts_with(expected),
            "{expected} in {description}"
        );
    }
    for iat in [NOW - 60, NOW + 60] {
        assert!(
            fixture
                .request_with_proof(&prover.prove(json!({ "iat": iat })))
                .is_ok()
        );
    }
    let proof = prover.prove(json!({}));
    assert!(fixture.request_with_proof(&proof).is_ok());
    assert_eq!(
        fixture.request_with_proof(&proof).unwrap_err().1,
        "jti: the proof was already used"
    );
}

#[test]
fn each_wrong_header_parameter_is_named() {
    let mut fixture = Fixture::new();
    let mut prover = Prover::p256();
    let claims = json!({ "jti": "x", "htm": "POST", "iat": NOW,
        "htu": "http://127.0.0.1:80/auth/v1/token" });
    let other = Prover::p256().header["jwk"].clone();
    let mut private = prover.header["jwk"].clone();
    private["d"] = json!("AA");
    let ed25519 = Prover::ed25519().header["jwk"].clone();
    for (name, value, expected) in [
        ("typ", json!("JWT"), "typ:"),
        ("alg", json!("none"), "alg:"),
        ("alg", json!("HS256"), "alg:"),
        ("alg", json!("EdDSA"), "jwk:"),
        ("jwk", private, "jwk:"),
        ("jwk", ed25519, "jwk:"),
        ("jwk", Value::Null, "jwk:"),
        ("jwk", other, "invalid signature"),
    ] {
        let mut header = prover.header.clone();
        header[name] = value;
        let rejection = fixture
            .request_with_proof(&prover.sign(&header, &claims))
            .unwrap_err();
        assert_eq!(rejection.0, "invalid_dpop_proof", "{expected}");
        assert!(
            rejection.1.starts_with(expected),
            "{expected} in {}",
            rejection.1
        );
    }
    assert_eq!(
        fixture.request_with_proof("x").unwrap_err().0,
        "invalid_dpop_proof"
    );
    let twice = [0, 1].map(|_| prover.prove(json!({})));
    for proof in &twice {
        fixture
            .headers
            .append(DPOP, HeaderValue::try_from(proof).unwrap());
    }
    let rejection = fixture.request_with_secret().unwrap_err();
    assert_eq!(rejection.description, "DPoP: expected exactly one header");
}

#[test]
fn bound_tokens_require_their_key() {
    let mut fixture = Fixture::new();
    let (mut prover, mut thief) = (Prover::p256(), Prover::p256());
    let token = fixture.bound_token(&mut prover);
    let proof = prover.prove_call(&token, json!({}));
    assert_eq!(fixture.challenge("Bearer", &token, &[&proof]), TOKEN);
    assert_eq!(fixture.challenge("DPoP", "unknown", &[&proof]), TOKEN);
    assert_eq!(fixture.challenge("DPoP", &token, &[]), PROOF);
    assert_eq!(fixture.challenge("DPoP", &token, &[&proof, &proof]), PROOF);
    for wrong in [
        json!({ "ath": null }),
        json!({ "ath": sha256(b"another") }),
        json!({ "htm": "POST" }),
        json!({ "htu": "http://127.0.0.1:80/api/v1/users" }),
    ] {
        let proof = prover.prove_call(&token, wrong);
        assert_eq!(fixture.challenge("DPoP", &token, &[&proof]), PROOF);
    }
    let stolen = thief.prove_call(&token, json!({ "jti": "t" }));
    assert_eq!(fixture.challenge("DPoP", &token, &[&stolen]), TOKEN);
    assert_eq!(fixture.challenge("DPoP", &token, &[&proof]), "");

    let unbound = fixture.auth.issue(at(NOW), None).unwrap();
    let proof = prover.prove_call(&unbound, json!({}));
    assert_eq!(fixture.challenge("DPoP", &unbound, &[&proof]), TOKEN);
    assert_eq!(fixture.challenge("Bearer", &unbound, &[]), "");
}

#[test]
fn proofs_can_be_required() {
    let mut fixture = Fixture::of(&Settings {
        require_dpop: true,
        ..Settings::default()
    });
    assert_eq!(
        fixture.request_with_secret().unwrap_err().error,
        "invalid_dpop_proof"
    );
    fixture.bound_token(&mut Prover::p256());
}

#[test]
fn nonces_differ_by_endpoint_and_are_rotated() {
    let mut fixture = Fixture::of(&Settings {
        dpop_nonces: true,
        ..Settings::default()
    });
    let mut prover = Prover::p256();
    let nonces = |fixture: &Fixture| {
        [Realm::Token, Realm::Api].map(|realm| fixture.auth.dpop_nonce(realm).unwrap())
    };
    let [for_token, for_api] = nonces(&fixture);
    assert_ne!(for_token, for_api);

    for wrong in [json!(null), json!(for_api), json!("x")] {
        let rejection = fixture.request_with_proof(&prover.prove(json!({ "nonce": wrong })));
        assert_eq!(rejection.unwrap_err().0, "use_dpop_nonce");
    }
    let broken = prover.prove(json!({ "nonce": "x", "htm": "GET" }));
    assert_eq!(
        fixture.request_with_proof(&broken).unwrap_err().0,
        "invalid_dpop_proof"
    );
    let response = fixture.request_with_proof(&prover.prove(json!({ "nonce": for_token })));
    let response = response.unwrap();
    let token = token(&response);

    for (nonce, expected) in [(&for_token, NONCE), (&for_api, "")] {
        let proof = prover.prove_call(token, json!({ "nonce": nonce }));
        assert_eq!(fixture.challenge("DPoP", token, &[&proof]), expected);
    }
    fixture.auth.rotate_dpop_nonces();
    let proof = prover.prove_call(token, json!({ "nonce": for_api }));
    assert_eq!(fixture.challenge("DPoP", token, &[&proof]), NONCE);
    let [new_for_token, new_for_api] = nonces(&fixture);
    assert!(new_for_token != for_token && new_for_api != for_api);
    let proof = prover.prove_call(token, json!({ "nonce": new_for_api }));
    assert_eq!(fixture.challenge("DPoP", token, &[&proof]), "");
    assert!(
        fixture
            .request_with_proof(&prover.prove(json!({ "nonce": new_for_token })))
            .is_ok()
    );
}

#[test]
fn a_missing_nonce_does_not_use_up_the_device_code() {
    let mut fixture = Fixture::of(&Settings {
        dpop_nonces: true,
        ..Settings::default()
    });
    let mut prover = Prover::p256();
    let body = b"client_id=a-tool";
    let login = fixture
        .auth
        .start_device_login(at(NOW), &fixture.headers, body)
        .unwrap();
    assert!(
        fixture
            .auth
            .decide_device_login(at(NOW), &login.user_code, true)
    );
    let code = login.response["device_code"].as_str().unwrap();
    let form = [
        ("grant_type", crate::auth::device::GRANT),
        ("device_code", code),
        ("client_id", "a-tool"),
    ];
    let nonce = fixture.auth.dpop_nonce(Realm::Token);
    for (nonce, expected) in [(None, Err("use_dpop_nonce")), (nonce, Ok(json!("DPoP")))] {
        let proof = prover.prove(json!({ "nonce": nonce }));
        fixture
            .headers
            .insert(DPOP, HeaderValue::try_from(proof).unwrap());
        let response = fixture.request(&form);
        let response = response.map(|response| response["token_type"].clone());
        assert_eq!(response.map_err(|rejection| rejection.error), expected);
    }
}
