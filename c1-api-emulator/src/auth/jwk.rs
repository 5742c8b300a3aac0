//! Public keys in JWK form (RFC 7517, RFC 7518, RFC 8037) and their thumbprints (RFC 7638).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, VerificationAlgorithm};
use serde_json::{Map, Value, json};

use super::jwt::text;

/// A public key for one signature algorithm.
pub(super) struct Jwk {
    pub(super) algorithm: &'static dyn VerificationAlgorithm,
    pub(super) bytes: Vec<u8>,
    pub(super) thumbprint: String,
}

impl Jwk {
    /// Parses the key for the algorithm; `None` if it is private or has another type.
    pub(super) fn parse(alg: &str, jwk: &Map<String, Value>) -> Option<Self> {
        if jwk.contains_key("d") {
            return None;
        }
        let x = || coordinate(jwk, "x");
        match (alg, text(jwk, "kty"), text(jwk, "crv")) {
            ("ES256", "EC", "P-256") => {
                let (x, y) = (x()?, coordinate(jwk, "y")?);
                // Members in alphabetical order, as the thumbprint requires.
                let members = json!({ "crv": "P-256", "kty": "EC",
                    "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) });
                Some(Self {
                    algorithm: &ECDSA_P256_SHA256_FIXED,
                    // 4: an uncompressed point.
                    bytes: [&[4][..], &x, &y].concat(),
                    thumbprint: sha256(members.to_string().as_bytes()),
                })
            }
            ("EdDSA", "OKP", "Ed25519") => {
                let x = x()?;
                let members = json!({ "crv": "Ed25519", "kty": "OKP",
                    "x": URL_SAFE_NO_PAD.encode(x) });
                Some(Self {
                    algorithm: &ED25519,
                    bytes: x.to_vec(),
                    thumbprint: sha256(members.to_string().as_bytes()),
                })
            }
            _ => None,
        }
    }
}

/// The SHA-256 of the bytes as base64url, for thumbprints and `ath`.
pub(super) fn sha256(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, bytes))
}

fn coordinate(jwk: &Map<String, Value>, name: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD
        .decode(text(jwk, name))
        .ok()?
        .try_into()
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Jwk, sha256};

    fn thumbprint(alg: &str, jwk: &Value) -> Option<String> {
        Some(Jwk::parse(alg, jwk.as_object()?)?.thumbprint)
    }

    #[test]
    fn thumbprints_match_the_rfcs() {
        // RFC 8037, appendix A.3, and RFC 9449, sections 4.1 and 6.1.
        let ed25519 = json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let p256 = json!({ "kty": "EC", "crv": "P-256",
            "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA" });
        assert_eq!(
            thumbprint("EdDSA", &ed25519).unwrap(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
        assert_eq!(
            thumbprint("ES256", &p256).unwrap(),
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
        );
        assert_eq!(thumbprint("EdDSA", &p256), None);
        assert_eq!(thumbprint("ES256", &ed25519), None);
    }

    #[test]
    fn token_hashes_match_the_rfc() {
        // RFC 9449, section 7.1.
        assert_eq!(
            sha256(b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
            "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
        );
    }
}
