//! Generated credentials of the emulated clients.

use std::fmt;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use crate::error::Error;

/// A client id and secret, and the public key that belongs to them.
pub(crate) struct Credentials {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) public_key: Vec<u8>,
}

impl Credentials {
    /// New credentials for the tenant at `address`; `kind` is the last part of the client id.
    pub(crate) fn generate(address: SocketAddr, kind: &str) -> Result<Self, Error> {
        let seed = random::<32>()?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| Error::Random)?;
        let public_key = pair.public_key().as_ref().to_vec();
        let jwk = json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "x": URL_SAFE_NO_PAD.encode(&public_key),
            "d": URL_SAFE_NO_PAD.encode(seed),
        });
        Ok(Self {
            client_id: client_id(address, kind)?,
            client_secret: format!(
                "secret-token:conductorone.com:v1:{}",
                URL_SAFE_NO_PAD.encode(jwk.to_string())
            ),
            public_key,
        })
    }
}

/// A random client id for the tenant at `address`.
pub(crate) fn client_id(address: SocketAddr, kind: &str) -> Result<String, Error> {
    const ADJECTIVES: [&str; 8] = [
        "brave", "calm", "eager", "gentle", "keen", "merry", "quiet", "swift",
    ];
    const ANIMALS: [&str; 8] = [
        "badger", "crane", "finch", "heron", "lynx", "marten", "otter", "stoat",
    ];
    let [adjective, animal, high, low, ..] = random::<8>()?;
    let number = 10_000 + u32::from(high) * 256 + u32::from(low);
    let adjective = ADJECTIVES[usize::from(adjective) % ADJECTIVES.len()];
    let animal = ANIMALS[usize::from(animal) % ANIMALS.len()];
    Ok(format!("{adjective}-{animal}-{number}@{address}/{kind}"))
}

/// 32 random bytes as base64url.
pub(crate) fn random_text() -> Result<String, Error> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::Random)?;
    Ok(bytes)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Credentials;

    #[test]
    fn credentials_are_random_and_debug_hides_the_secret() {
        let address = ([127, 0, 0, 1], 8080).into();
        let [first, second] = [(); 2].map(|()| Credentials::generate(address, "spc").unwrap());
        assert_ne!(first.client_secret, second.client_secret);
        assert!(
            first.client_id.ends_with("@127.0.0.1:8080/spc"),
            "{}",
            first.client_id
        );
        let secret = first
            .client_secret
            .strip_prefix("secret-token:conductorone.com:v1:")
            .unwrap();
        assert!(!format!("{first:?}").contains(secret));
    }
}
