//! DPoP (RFC 9449): proofs of possession for requests, and the keys that make them.

mod key;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use c1_api::{Error, ErrorKind};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use sha2::{Digest as _, Sha256};

pub use self::key::DpopKey;
use crate::auth::jwt;
use crate::auth::server_time::ServerTime;
use crate::base64url::BASE64URL;
use crate::random::Random;

/// The header that carries a proof.
pub(crate) const PROOF: HeaderName = HeaderName::from_static("dpop");
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// A longer nonce is ignored, as it would be repeated in every proof.
const MAX_NONCE: usize = 1024;

/// Makes proofs for one server. Clones share the nonce.
#[derive(Clone)]
pub(crate) struct Prover {
    key: DpopKey,
    time: ServerTime,
    random: Arc<dyn Random>,
    /// For the next proof, as the server wants it (RFC 9449, sections 8 and 9).
    nonce: Arc<Mutex<Option<String>>>,
}

impl Prover {
    pub(crate) fn new(key: DpopKey, time: ServerTime, random: Arc<dyn Random>) -> Self {
        Self {
            key,
            time,
            random,
            nonce: Arc::default(),
        }
    }

    pub(crate) fn key(&self) -> &DpopKey {
        &self.key
    }

    /// The proof for one request (section 4.2), and for the token that is sent with it.
    ///
    /// # Errors
    /// If there are no random bytes.
    pub(crate) fn proof(
        &self,
        method: &str,
        url: &Url,
        token: Option<&str>,
    ) -> Result<HeaderValue, Error> {
        let unsigned = |error: io::Error| {
            Error::new(ErrorKind::Auth, "the DPoP proof could not be signed").with_source(error)
        };
        let mut htu = url.clone();
        htu.set_query(None);
        htu.set_fragment(None);
        let mut claims = json!({
            "jti": jwt::unique(&*self.random).map_err(unsigned)?,
            "htm": method,
            "htu": htu.as_str(),
            "iat": jwt::numeric_date(self.time.now()),
        });
        if let Some(token) = token {
            claims["ath"] = json!(BASE64URL.encode(Sha256::digest(token)));
        }
        if let Some(nonce) = &*self.nonce.lock().unwrap_or_else(PoisonError::into_inner) {
            claims["nonce"] = json!(nonce);
        }
        let header = json!({
            "typ": "dpop+jwt",
            "alg": self.key.algorithm(),
            "jwk": self.key.public_jwk(),
        });
        let proof = jwt::encode(&header, &claims, |message| self.key.sign(message));
        let mut value = HeaderValue::from_str(&proof).map_err(|_| {
            Error::new(ErrorKind::Auth, "the DPoP proof is not allowed in a header")
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Stores the nonce of a response; true if it has one.
    pub(crate) fn learn(&self, headers: &HeaderMap) -> bool {
        let nonce = headers.get(NONCE).and_then(|value| value.to_str().ok());
        let Some(nonce) = nonce.filter(|nonce| (1..=MAX_NONCE).contains(&nonce.len())) else {
            return false;
        };
        *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce.to_owned());
        true
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
    use serde_json::Value;

    use super::*;
    use crate::testing::{Counting, ManualClock, NoRandom};

    fn key() -> DpopKey {
        DpopKey::ed25519_from_seed(&[0x41; 32])
    }

    fn prover(key: DpopKey) -> Prover {
        let time = ServerTime::new(Arc::new(ManualClock::default()));
        Prover::new(key, time, Arc::new(Counting::default()))
    }

    fn url() -> Url {
        "https://acme.conductor.one/api/v1/apps?page_size=5#x"
            .parse()
            .expect("a URL")
    }

    /// Header, claims, what was signed and the signature.
    fn parts(proof: &HeaderValue) -> (Value, Value, String, Vec<u8>) {
        let text = proof.to_str().expect("text");
        let (signed, signature) = text.rsplit_once('.').expect("three parts");
        let (header, claims) = signed.split_once('.').expect("three parts");
        let bytes = |part: &str| BASE64URL.decode(part).expect("base64url");
        let json = |part: &str| serde_json::from_slice(&bytes(part)).expect("JSON");
        (
            json(header),
            json(claims),
            signed.to_owned(),
            bytes(signature),
        )
    }

    fn nonce(text: &str) -> HeaderMap {
        let value = HeaderValue::from_str(text).expect("a value");
        HeaderMap::from_iter([(NONCE, value)])
    }

    #[test]
    fn a_proof_says_what_is_asked_where_and_when() {
        let prover = prover(key());
        let proof = prover.proof("POST", &url(), None).expect("signed");
        assert!(proof.is_sensitive());
        let (header, claims, signed, signature) = parts(&proof);
        let x = BASE64URL.encode(SigningKey::from_bytes(&[0x41; 32]).verifying_key());
        assert_eq!(
            header,
            json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": { "kty": "OKP", "crv": "Ed25519", "x": x } })
        );
        assert_eq!(
            claims,
            json!({
                "jti": "AAAAAAAAAAAAAAAAAAAAAA",
                "htm": "POST",
                "htu": "https://acme.conductor.one/api/v1/apps",
                "iat": 1_700_000_000,
            })
        );
        let x: [u8; 32] = BASE64URL
            .decode(x)
            .expect("base64url")
            .try_into()
            .expect("32");
        VerifyingKey::from_bytes(&x)
            .and_then(|key| {
                key.verify_strict(signed.as_bytes(), &Signature::from_slice(&signature)?)
            })
            .expect("the signature is the key's");
        let again = prover.proof("POST", &url(), None).expect("signed");
        assert_ne!(parts(&again).1["jti"], claims["jti"]);
    }

    // The token and its hash are those of RFC 9449, section 7.1.
    #[test]
    fn with_a_token_goes_its_hash() {
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        let proof = prover(key()).proof("GET", &url(), Some(token));
        assert_eq!(
            parts(&proof.expect("signed")).1["ath"],
            "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
        );
    }

    #[test]
    fn the_last_nonce_is_in_the_next_proof() {
        let prover = prover(key());
        let given = |prover: &Prover| {
            let proof = prover.proof("GET", &url(), None).expect("signed");
            parts(&proof).1["nonce"].clone()
        };
        for ignored in [HeaderMap::new(), nonce(""), nonce(&"n".repeat(1025))] {
            assert!(!prover.learn(&ignored));
            assert_eq!(given(&prover), Value::Null);
        }
        assert!(prover.learn(&nonce("one")));
        assert_eq!(given(&prover.clone()), "one");
        assert!(prover.learn(&nonce("two")));
        assert_eq!(given(&prover), "two");
    }

    #[test]
    fn no_proof_without_randomness() {
        let time = ServerTime::new(Arc::new(ManualClock::default()));
        let error = Prover::new(key(), time, Arc::new(NoRandom))
            .proof("GET", &url(), None)
            .expect_err("no jti");
        assert_eq!(error.kind(), ErrorKind::Auth);
    }

    #[cfg(feature = "es256")]
    #[test]
    fn es256_signs_what_its_public_key_verifies() {
        use p256::ecdsa::signature::Verifier as _;
        use p256::ecdsa::{Signature, VerifyingKey};

        use super::key::Key;
        use crate::testing::assert_debug_is_clean;

        // RFC 7515, appendix A.3.
        let d = BASE64URL
            .decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI")
            .expect("base64url");
        let scalar: [u8; 32] = d.try_into().expect("32 bytes");
        let key = DpopKey::es256_from_scalar(&scalar).expect("a scalar");
        assert_eq!(
            key.public_jwk(),
            json!({
                "kty": "EC",
                "crv": "P-256",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            })
        );
        assert_debug_is_clean(&key);
        let public = match &*key.0 {
            Key::Es256(key) => VerifyingKey::from(key),
            Key::Ed25519(_) => panic!("another key"),
        };
        let proof = prover(key).proof("GET", &url(), None).expect("signed");
        let (header, _, signed, signature) = parts(&proof);
        assert_eq!((&header["alg"], signature.len()), (&json!("ES256"), 64));
        let signature = Signature::from_slice(&signature).expect("r and s");
        public
            .verify(signed.as_bytes(), &signature)
            .expect("the signature is the key's");
        assert!(DpopKey::es256_from_scalar(&[0; 32]).is_none());
        assert!(DpopKey::es256_from_scalar(&[0xff; 32]).is_none());
        assert!(DpopKey::generate_es256().is_ok());
    }
}
