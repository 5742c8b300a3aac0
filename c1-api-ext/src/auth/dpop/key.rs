//! Private keys for DPoP.

use std::sync::Arc;
use std::{fmt, io};

use base64::Engine as _;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::base64url::BASE64URL;
use crate::random::{Random as _, SystemRandom};

/// A private key for DPoP (RFC 9449), Ed25519 or, with the feature `es256`, ECDSA on P-256.
///
/// Tokens that are requested with it are bound to it, and every request proves possession of it. Its bytes are
/// overwritten on drop, `Debug` does not show them, and they cannot be read. Clones are the same key.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let key = c1_api_ext::DpopKey::generate()?;
/// assert_eq!(key.thumbprint().len(), 43);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DpopKey(pub(super) Arc<Key>);

pub(super) enum Key {
    Ed25519(SigningKey),
    #[cfg(feature = "es256")]
    Es256(p256::ecdsa::SigningKey),
}

impl DpopKey {
    /// A new Ed25519 key.
    ///
    /// # Errors
    /// If the operating system provides no random bytes.
    pub fn generate() -> io::Result<Self> {
        let mut seed = Zeroizing::new([0; 32]);
        SystemRandom.fill(&mut *seed)?;
        Ok(Self::ed25519_from_seed(&seed))
    }

    /// The Ed25519 key with this seed (RFC 8032).
    pub fn ed25519_from_seed(seed: &[u8; 32]) -> Self {
        Self(Arc::new(Key::Ed25519(SigningKey::from_bytes(seed))))
    }

    /// A new key on P-256.
    ///
    /// # Errors
    /// If the operating system provides no random bytes.
    #[cfg(feature = "es256")]
    pub fn generate_es256() -> io::Result<Self> {
        // All but one in 2^32 are a scalar of the curve.
        for _ in 0..8 {
            let mut scalar = Zeroizing::new([0; 32]);
            SystemRandom.fill(&mut *scalar)?;
            if let Some(key) = Self::es256_from_scalar(&scalar) {
                return Ok(key);
            }
        }
        Err(io::Error::other("the random bytes are not a key on P-256"))
    }

    /// The key on P-256 with this private scalar, the `d` of its JWK (RFC 7518, section 6.2.2.1); none if it is zero
    /// or not below the order of the curve.
    #[cfg(feature = "es256")]
    pub fn es256_from_scalar(scalar: &[u8; 32]) -> Option<Self> {
        let key = p256::ecdsa::SigningKey::from_slice(scalar).ok()?;
        Some(Self(Arc::new(Key::Es256(key))))
    }

    /// The thumbprint of the public key (RFC 7638), by which servers identify it.
    pub fn thumbprint(&self) -> String {
        // The RFC wants the members sorted, which these are.
        BASE64URL.encode(Sha256::digest(self.public_jwk().to_string()))
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match &*self.0 {
            Key::Ed25519(_) => "EdDSA",
            #[cfg(feature = "es256")]
            Key::Es256(_) => "ES256",
        }
    }

    /// The required members only, in the order of their names.
    pub(super) fn public_jwk(&self) -> Value {
        match &*self.0 {
            Key::Ed25519(key) => {
                let x = BASE64URL.encode(key.verifying_key().as_bytes());
                json!({ "crv": "Ed25519", "kty": "OKP", "x": x })
            }
            #[cfg(feature = "es256")]
            Key::Es256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                let text = |bytes: Option<&p256::FieldBytes>| {
                    BASE64URL.encode(bytes.map(p256::FieldBytes::as_slice).unwrap_or_default())
                };
                json!({ "crv": "P-256", "kty": "EC", "x": text(point.x()), "y": text(point.y()) })
            }
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &*self.0 {
            Key::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            #[cfg(feature = "es256")]
            Key::Es256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
        }
    }
}

/// Shows the algorithm and the public key's thumbprint.
impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopKey")
            .field("algorithm", &self.algorithm())
            .field("thumbprint", &self.thumbprint())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_debug_is_clean;

    fn key() -> DpopKey {
        DpopKey::ed25519_from_seed(&[0x41; 32])
    }

    // RFC 8037, appendices A.1 and A.3.
    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        let d = BASE64URL
            .decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
            .expect("base64url");
        let key = DpopKey::ed25519_from_seed(&d.try_into().expect("32 bytes"));
        assert_eq!(
            key.thumbprint(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn nothing_shows_the_key() {
        assert_debug_is_clean(&key());
        let fresh = DpopKey::generate().expect("a key");
        assert_ne!(fresh.thumbprint(), key().thumbprint());
    }
}
