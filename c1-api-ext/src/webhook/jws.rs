//! JSON Web Signatures in compact form (RFC 7515), and the public keys that verify them (RFC 7517 and 7518).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::webhook::error::WebhookError;

/// A token of C1 has about one kilobyte.
const MAX_TOKEN: usize = 16 * 1024;

/// The algorithms that C1 signs webhooks with. Each needs a key of its own type, so that a token cannot choose how a key
/// is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

/// A token that is well-formed and not verified.
#[derive(Debug)]
pub(super) struct Jws<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: String,
    signed: &'a str,
    signature: Vec<u8>,
    claims: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that a receiver must understand, of which this one knows none.
    crit: Option<IgnoredAny>,
}

impl<'a> Jws<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, WebhookError> {
        if token.len() > MAX_TOKEN {
            return Err(WebhookError::Token("at most 16 KiB"));
        }
        let parts = token.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, claims) = signed.split_once('.')?;
            (!claims.contains('.')).then_some((signed, header, claims, signature))
        });
        let (signed, header, claims, signature) =
            parts.ok_or(WebhookError::Token("three parts with dots between them"))?;
        let decode = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part);
            bytes.map_err(|_| WebhookError::Token("parts in base64url"))
        };
        let header: Header = serde_json::from_slice(&decode(header)?)
            .map_err(|_| WebhookError::Token("a JSON object with `alg` as its header"))?;
        let algorithm = match header.alg.as_str() {
            "RS256" => Algorithm::Rs256,
            "ES256" => Algorithm::Es256,
            "EdDSA" => Algorithm::EdDsa,
            _ => return Err(WebhookError::Algorithm),
        };
        if header.crit.is_some() {
            return Err(WebhookError::Token("no `crit` in its header"));
        }
        Ok(Self {
            algorithm,
            kid: header
                .kid
                .ok_or(WebhookError::Token("a `kid` in its header"))?,
            signed,
            signature: decode(signature)?,
            claims: decode(claims)?,
        })
    }

    /// The claims, if the signature is that of `key`.
    pub(super) fn verify(self, key: &Key) -> Result<Vec<u8>, WebhookError> {
        let (message, signature) = (self.signed.as_bytes(), &*self.signature);
        let verified = match &key.public {
            Public::Rsa(rsa) => rsa.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            Public::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Public::Ed25519(x) => UnparsedPublicKey::new(&ED25519, x).verify(message, signature),
        };
        match verified {
            Ok(()) if self.algorithm == key.algorithm() => Ok(self.claims),
            _ => Err(WebhookError::Signature),
        }
    }
}

/// A public key of a JWK set.
#[derive(Clone, Debug)]
pub(super) struct Key {
    kid: String,
    public: Public,
}

#[derive(Clone, Debug)]
enum Public {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// Uncompressed (SEC 1, section 2.3.3).
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Key {
    /// `None` for keys that do not verify webhooks: a set may hold others.
    pub(super) fn from_jwk(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk[name].as_str();
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let (public, algorithm) = match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let number = |name: &str| {
                    let bytes = bytes(name)?;
                    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                    Some(bytes[zeros..].to_vec())
                };
                let (n, e) = (number("n")?, number("e")?);
                (Public::Rsa(RsaPublicKeyComponents { n, e }), "RS256")
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                (Public::P256([&[4], &*x, &*y].concat()), "ES256")
            }
            ("OKP", Some("Ed25519")) => (Public::Ed25519(bytes("x")?), "EdDSA"),
            _ => return None,
        };
        let kid = text("kid")?.to_owned();
        let fits = text("alg").is_none_or(|alg| alg == algorithm);
        fits.then_some(Self { kid, public })
    }

    pub(super) fn is_for(&self, jws: &Jws<'_>) -> bool {
        self.kid == jws.kid && self.algorithm() == jws.algorithm
    }

    fn algorithm(&self) -> Algorithm {
        match self.public {
            Public::Rsa(_) => Algorithm::Rs256,
            Public::P256(_) => Algorithm::Es256,
            Public::Ed25519(_) => Algorithm::EdDsa,
        }
    }
}
