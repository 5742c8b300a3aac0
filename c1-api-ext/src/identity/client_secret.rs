//! Client secrets: Ed25519 private keys in C1's textual form.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::base64url::BASE64URL;

const SCHEME: &str = "secret-token:conductorone.com:";
const VERSION: &str = "v1";

/// A client secret, `secret-token:conductorone.com:v1:<base64url of a JWK>`; the JWK is an Ed25519 private key
/// (RFC 8037).
///
/// It is never sent: it signs the assertions of the client. Its bytes are overwritten on drop, `Debug` prints
/// `[redacted]`, and only [`expose`](Self::expose) returns it.
///
/// ```
/// use c1_api_ext::ClientSecret;
///
/// let secret = ClientSecret::from_seed([7; 32]);
/// let again: ClientSecret = secret.expose().parse().unwrap();
/// assert_eq!(again.public_key(), secret.public_key());
/// assert_eq!(format!("{secret:?}"), "ClientSecret([redacted])");
/// ```
#[derive(Clone)]
pub struct ClientSecret {
    // Overwrites itself; on the heap, so that moving the secret leaves no copies behind on the stack.
    key: Box<SigningKey>,
}

/// Borrows from the decoded text: no copy of `d` that is not overwritten.
#[derive(Deserialize)]
struct Jwk<'a> {
    #[serde(borrow, default)]
    kty: Cow<'a, str>,
    #[serde(borrow, default)]
    crv: Cow<'a, str>,
    #[serde(borrow, default)]
    x: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    d: Option<Cow<'a, str>>,
}

impl ClientSecret {
    /// The secret with this private key (the seed of RFC 8032), for tests and emulators.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let seed = Zeroizing::new(seed);
        Self {
            key: Box::new(SigningKey::from_bytes(&seed)),
        }
    }

    /// The secret as text, as [`FromStr`] reads it. Keep it out of logs.
    pub fn expose(&self) -> Zeroizing<String> {
        let d = Zeroizing::new(BASE64URL.encode(self.key.as_bytes()));
        let x = BASE64URL.encode(self.public_key());
        let jwk = Zeroizing::new(format!(
            r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","d":"{}"}}"#,
            *d
        ));
        let jwk = Zeroizing::new(BASE64URL.encode(jwk.as_bytes()));
        Zeroizing::new(format!("{SCHEME}{VERSION}:{}", *jwk))
    }

    /// The public key, which verifies the signatures.
    pub fn public_key(&self) -> &[u8; 32] {
        // With its type, as `Box` has an `as_ref` of its own.
        let public: &VerifyingKey = (*self.key).as_ref();
        public.as_bytes()
    }

    /// The Ed25519 signature of `message`, 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message).to_bytes().to_vec()
    }
}

/// `text` as 32 bytes.
fn key_bytes(
    field: &'static str,
    text: &str,
) -> Result<Box<Zeroizing<[u8; 32]>>, ClientSecretError> {
    let bytes = BASE64URL
        .decode(text)
        .map(Zeroizing::new)
        .map_err(|_| ClientSecretError::KeyEncoding { field })?;
    if bytes.len() != 32 {
        return Err(ClientSecretError::KeyLength {
            field,
            found: bytes.len(),
        });
    }
    let mut key = Box::new(Zeroizing::new([0; 32]));
    key.copy_from_slice(&bytes);
    Ok(key)
}

impl FromStr for ClientSecret {
    type Err = ClientSecretError;

    fn from_str(text: &str) -> Result<Self, ClientSecretError> {
        let rest = text.strip_prefix(SCHEME).ok_or(ClientSecretError::Prefix)?;
        let key = rest
            .strip_prefix(VERSION)
            .and_then(|rest| rest.strip_prefix(':'))
            .ok_or(ClientSecretError::Version)?;
        let json = BASE64URL
            .decode(key)
            .map(Zeroizing::new)
            .map_err(|_| ClientSecretError::Base64)?;
        // serde's message could quote the key, so it is dropped.
        let jwk: Jwk<'_> = serde_json::from_slice(&json).map_err(|_| ClientSecretError::Json)?;
        if jwk.kty != "OKP" || jwk.crv != "Ed25519" {
            return Err(ClientSecretError::KeyType);
        }
        let d = jwk
            .d
            .map(escaped_copy)
            .ok_or(ClientSecretError::PublicKeyOnly)?;
        let x = jwk.x.ok_or(ClientSecretError::NoPublicKey)?;
        let seed = key_bytes("d", d.as_str())?;
        let x = key_bytes("x", &x)?;
        let secret = Self {
            key: Box::new(SigningKey::from_bytes(&seed)),
        };
        // The server verifies with `x` what `d` signs.
        if secret.public_key() != &**x {
            return Err(ClientSecretError::KeyMismatch);
        }
        Ok(secret)
    }
}

/// If `d` has escapes in the JSON, serde makes a copy, which is overwritten as well.
fn escaped_copy(text: Cow<'_, str>) -> Zeroizing<String> {
    Zeroizing::new(text.into_owned())
}

impl TryFrom<&str> for ClientSecret {
    type Error = ClientSecretError;

    fn try_from(text: &str) -> Result<Self, ClientSecretError> {
        text.parse()
    }
}

/// Overwrites the text.
impl TryFrom<String> for ClientSecret {
    type Error = ClientSecretError;

    fn try_from(text: String) -> Result<Self, ClientSecretError> {
        Zeroizing::new(text).parse()
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret([redacted])")
    }
}

/// Why a text is not a client secret. It never contains the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientSecretError {
    /// It does not begin like a C1 secret.
    #[error("invalid client secret: expected it to begin with `{SCHEME}`")]
    Prefix,
    /// The version is missing or unknown.
    #[error("invalid client secret: expected the version `{SCHEME}{VERSION}:`")]
    Version,
    /// The part after the version is not base64url.
    #[error("invalid client secret: expected base64url after the version")]
    Base64,
    /// The decoded text is not a JSON Web Key.
    #[error("invalid client secret: expected a JSON Web Key")]
    Json,
    /// The key is of another type.
    #[error("invalid client secret: expected a key of type OKP on the curve Ed25519")]
    KeyType,
    /// The key has no private part.
    #[error("invalid client secret: expected a private key, found only a public one (no `d`)")]
    PublicKeyOnly,
    /// The key has no public part.
    #[error("invalid client secret: the public key is missing (no `x`)")]
    NoPublicKey,
    /// A part of the key is not base64url.
    #[error("invalid client secret: expected base64url in the key's `{field}`")]
    KeyEncoding {
        /// `d`, the private part, or `x`, the public one.
        field: &'static str,
    },
    /// A part of the key is too short or too long.
    #[error("invalid client secret: expected 32 bytes in the key's `{field}`, found {found}")]
    KeyLength {
        /// `d`, the private part, or `x`, the public one.
        field: &'static str,
        /// How many bytes it has.
        found: usize,
    },
    /// The public part belongs to another key.
    #[error("invalid client secret: the public key (`x`) does not match the private key (`d`)")]
    KeyMismatch,
}

#[cfg(test)]
mod tests {
    use super::*;

    // The first test vector of RFC 8032, section 7.1; RFC 8037, appendix A, has it as a JWK.
    const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn token(jwk: &str) -> String {
        format!("secret-token:conductorone.com:v1:{}", BASE64URL.encode(jwk))
    }

    fn refused(text: &str) -> ClientSecretError {
        let error = text.parse::<ClientSecret>().expect_err("must be refused");
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(!shown.contains("nWGxne"), "{shown}");
        }
        error
    }

    #[test]
    fn reads_the_key_of_rfc_8037_and_signs_with_it() {
        let text = token(&format!(
            r#"{{"kty":"OKP","crv":"Ed25519","d":"{D}","x":"{X}","use":"sig" }}"#
        ));
        let secret: ClientSecret = text.parse().expect("a good secret");
        assert_eq!(BASE64URL.encode(secret.public_key()), X);
        // RFC 8037, appendix A.4.
        let signed = secret.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
        assert_eq!(
            BASE64URL.encode(signed),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        let again: ClientSecret = secret.expose().parse().expect("what is written is read");
        assert_eq!(again.key.as_bytes(), secret.key.as_bytes());
        let padded = base64::engine::general_purpose::URL_SAFE
            .encode(BASE64URL.decode(&text[33..]).expect("base64url"));
        assert!(padded.ends_with('='), "or it tests nothing");
        let padded: ClientSecret = format!("{}{padded}", &text[..33])
            .parse()
            .expect("padding is read");
        assert_eq!(padded.public_key(), secret.public_key());
    }

    #[test]
    fn escapes_in_the_json_are_read() {
        let escaped = D.replacen('n', "\\u006e", 1);
        let text = token(&format!(
            r#"{{"kty":"OKP","crv":"Ed25519","d":"{escaped}","x":"{X}"}}"#
        ));
        assert!(text.parse::<ClientSecret>().is_ok());
    }

    #[test]
    fn every_malformed_one_is_refused_with_its_reason() {
        use ClientSecretError as E;
        let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","d":"{D}","x":"{X}"}}"#);
        let good = token(&jwk);
        for (text, why) in [
            (String::new(), E::Prefix),
            (D.to_owned(), E::Prefix),
            (good.replace("conductorone.com", "example.com"), E::Prefix),
            (format!(" {good}"), E::Prefix),
            (good.replace(":v1:", ":v2:"), E::Version),
            (good.replace(":v1:", ":v10:"), E::Version),
            (good.replace(":v1:", ":"), E::Version),
            (format!("{good}\n"), E::Base64),
            (good.replace(":v1:", ":v1:*"), E::Base64),
            (token(""), E::Json),
            (token("nonsense"), E::Json),
            (token(&format!(r#""{D}""#)), E::Json),
            (
                token(&format!(
                    r#"{{"kty":"OKP","crv":"Ed25519","d":["{D}"],"x":"{X}"}}"#
                )),
                E::Json,
            ),
            (token(&format!("{jwk}{jwk}")), E::Json),
            (token("{}"), E::KeyType),
            (token(&jwk.replace("OKP", "EC")), E::KeyType),
            (token(&jwk.replace("Ed25519", "X25519")), E::KeyType),
            (token(&jwk.replace("\"d\"", "\"e\"")), E::PublicKeyOnly),
            (
                token(&jwk.replace(&format!("\"{D}\""), "null")),
                E::PublicKeyOnly,
            ),
            (token(&jwk.replace("\"x\"", "\"y\"")), E::NoPublicKey),
            (
                token(&jwk.replace(D, "n+Gx")),
                E::KeyEncoding { field: "d" },
            ),
            (token(&jwk.replace(X, "1 1")), E::KeyEncoding { field: "x" }),
            (
                token(&jwk.replace(D, "")),
                E::KeyLength {
                    field: "d",
                    found: 0,
                },
            ),
            (
                token(&jwk.replace(D, "nWGx")),
                E::KeyLength {
                    field: "d",
                    found: 3,
                },
            ),
            (
                token(&jwk.replace(X, &BASE64URL.encode([0; 33]))),
                E::KeyLength {
                    field: "x",
                    found: 33,
                },
            ),
            (
                token(&jwk.replace(X, &BASE64URL.encode([0; 32]))),
                E::KeyMismatch,
            ),
            (token(&jwk.replace(X, D)), E::KeyMismatch),
        ] {
            assert_eq!(refused(&text), why, "{text}");
        }
    }

    #[test]
    fn nothing_shows_the_key() {
        let secret = ClientSecret::from_seed([0x41; 32]);
        let shown = format!("{secret:?} {secret:#?}");
        let text = secret.expose();
        for hidden in [text.as_str(), &text[33..], "65, 65", "4141", "AAAA"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}
