//! Token exchange (RFC 8693): JWTs of an issuer that the tenant trusts.

use std::fmt;
use std::net::SocketAddr;
use std::time::SystemTime;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use super::SKEW;
use super::form::Form;
use super::jwt::{self, Jwt};
use super::refusal::Refusal;
use crate::credentials::{client_id, random, random_text};
use crate::error::Error;

/// The `grant_type` of a token exchange.
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// What is given out, in the words of RFC 8693.
pub(super) const ISSUED: &str = "urn:ietf:params:oauth:token-type:access_token";
/// What is taken in.
pub(super) const SUBJECT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Who signs the subject tokens.
const ISSUER: &str = "https://issuer.example";
/// How old a subject token may be.
const MAX_AGE: f64 = 600.0;

/// A trust in an issuer; it plays the issuer as well.
pub(crate) struct Trust {
    pub(crate) client_id: String,
    hosts: Vec<String>,
    pub(super) key: Ed25519KeyPair,
}

impl Trust {
    /// A trust of the tenant at the address; `hosts` are the ways to write its host without port.
    pub(crate) fn generate(address: SocketAddr, hosts: Vec<String>) -> Result<Self, Error> {
        let key = Ed25519KeyPair::from_seed_unchecked(&random::<32>()?);
        Ok(Self {
            client_id: client_id(address, "wfe")?,
            hosts,
            key: key.map_err(|_| Error::Random)?,
        })
    }

    /// A subject token of the issuer, made now.
    pub(crate) fn subject_token(&self, now: SystemTime) -> Result<String, Error> {
        let iat = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let claims = json!({ "iss": ISSUER, "sub": "workload", "aud": self.hosts.first(), "iat": iat,
            "exp": iat + 600, "jti": random_text()? });
        Ok(jwt::sign(
            &self.key,
            &json!({ "alg": "EdDSA", "typ": "JWT" }),
            &claims,
        ))
    }

    /// Verifies a request for an exchange.
    pub(super) fn verify(&self, now: SystemTime, form: &Form) -> Result<(), Refusal> {
        if form.get("client_id") != Some(&self.client_id) {
            return Err(Refusal::client("no trust has this client_id"));
        }
        let token = form.need("subject_token")?;
        if form.need("subject_token_type")? != SUBJECT {
            return Err(Refusal::request(
                "subject_token_type: expected the jwt type of RFC 8693",
            ));
        }
        let jwt = Jwt::parse(token)
            .ok_or_else(|| Refusal::request("subject_token: expected a signed JWT"))?;
        if jwt.alg() != "EdDSA" {
            return Err(Refusal::grant("alg: expected EdDSA"));
        }
        if !jwt.is_signed_by(&ED25519, self.key.public_key().as_ref()) {
            return Err(Refusal::grant(
                "the subject token is not signed with the issuer's key",
            ));
        }
        self.verify_claims(jwt::seconds(now), &jwt)
    }

    fn verify_claims(&self, now: f64, jwt: &Jwt<'_>) -> Result<(), Refusal> {
        if jwt.claim("iss") != ISSUER {
            return Err(Refusal::grant("iss: the trust is in another issuer"));
        }
        if !jwt.is_for(&self.hosts) {
            return Err(Refusal::grant(
                "aud: expected the host of the tenant, without port",
            ));
        }
        let time = |name| {
            let time = jwt.time(name);
            time.ok_or_else(|| Refusal::grant(format!("{name}: expected seconds since 1970")))
        };
        let (iat, exp) = (time("iat")?, time("exp")?);
        if iat < now - MAX_AGE {
            return Err(Refusal::grant("iat: expected at most ten minutes ago"));
        }
        if iat > now + SKEW {
            return Err(Refusal::grant("iat: the subject token is from the future"));
        }
        if exp <= now {
            return Err(Refusal::grant("exp: the subject token has expired"));
        }
        Ok(())
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}
