//! Signed JWTs (RFC 7515, RFC 7519): parsing, verification and signing.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::{Map, Value};

/// The parts of a JWT, not verified yet.
pub(super) struct Jwt<'a> {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    /// The signed text: header and claims.
    pub(super) signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    /// `None` if the text is not in the form of a signed JWT.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Self {
            header: part(header)?,
            claims: part(claims)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// The algorithm in the header; empty if there is none.
    pub(super) fn alg(&self) -> &str {
        text(&self.header, "alg")
    }

    pub(super) fn is_signed_by(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
        key: &[u8],
    ) -> bool {
        UnparsedPublicKey::new(algorithm, key)
            .verify(self.signed.as_bytes(), &self.signature)
            .is_ok()
    }

    /// A string claim; empty if it is missing or not a string.
    pub(super) fn claim(&self, name: &str) -> &str {
        text(&self.claims, name)
    }

    /// A numeric claim in seconds since 1970.
    pub(super) fn time(&self, name: &str) -> Option<f64> {
        self.claims.get(name)?.as_f64()
    }

    /// Whether the audience is or contains one of the hosts.
    pub(super) fn is_for(&self, hosts: &[String]) -> bool {
        let matches = |value: &Value| {
            value
                .as_str()
                .is_some_and(|host| hosts.iter().any(|known| known == host))
        };
        match self.claims.get("aud") {
            Some(Value::Array(audiences)) => audiences.iter().any(matches),
            Some(audience) => matches(audience),
            None => false,
        }
    }
}

/// A string member; empty if it is missing or not a string.
pub(super) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The time in seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

/// Signs a JWT with an Ed25519 key.
pub(crate) fn sign(key: &Ed25519KeyPair, header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn part(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}
