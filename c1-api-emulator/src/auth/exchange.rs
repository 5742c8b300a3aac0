//! Token exchange (RFC 8693): JWTs of a trusted issuer for access tokens.

use std::fmt;
use std::net::SocketAddr;
use std::time::SystemTime;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use super::SKEW;
use super::form::Form;
use super::jwt::{self, Jwt};
use super::oauth_error::OAuthError;
use crate::credentials::{client_id, random, random_text};
use crate::error::Error;

/// The `grant_type` of a token exchange.
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The `issued_token_type`.
pub(super) const ISSUED: &str = "urn:ietf:params:oauth:token-type:access_token";
/// The `subject_token_type`.
pub(super) const SUBJECT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// The issuer of the subject tokens.
const ISSUER: &str = "https://issuer.example";
/// The longest age of a subject token, in seconds.
const MAX_AGE: f64 = 600.0;

/// A trust in an issuer. It also acts as the issuer.
pub(crate) struct Trust {
    pub(crate) client_id: String,
    hosts: Vec<String>,
    pub(super) key: Ed25519KeyPair,
}

impl Trust {
    /// A trust of the tenant at `address`; `hosts` are the spellings of its host, without port.
    pub(crate) fn generate(address: SocketAddr, hosts: Vec<String>) -> Result<Self, Error> {
        let key = Ed25519KeyPair::from_seed_unchecked(&random::<32>()?);
        Ok(Self {
            client_id: client_id(address, "wfe")?,
            hosts,
            key: key.map_err(|_| Error::Random)?,
        })
    }

    /// Issues a subject token.
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

    /// Verifies the form of a token exchange.
    pub(super) fn verify(&self, now: SystemTime, form: &Form) -> Result<(), OAuthError> {
        if form.get("client_id") != Some(&self.client_id) {
            return Err(OAuthError::client("client_id: unknown trust"));
        }
        let token = form.require("subject_token")?;
        if form.require("subject_token_type")? != SUBJECT {
            return Err(OAuthError::request(
                "subject_token_type: expected the jwt type of RFC 8693",
            ));
        }
        let jwt = Jwt::parse(token)
            .ok_or_else(|| OAuthError::request("subject_token: expected a signed JWT"))?;
        if jwt.alg() != "EdDSA" {
            return Err(OAuthError::grant("alg: expected EdDSA"));
        }
        if !jwt.is_signed_by(&ED25519, self.key.public_key().as_ref()) {
            return Err(OAuthError::grant("subject_token: invalid signature"));
        }
        self.verify_claims(jwt::seconds(now), &jwt)
    }

    fn verify_claims(&self, now: f64, jwt: &Jwt<'_>) -> Result<(), OAuthError> {
        if jwt.claim("iss") != ISSUER {
            return Err(OAuthError::grant("iss: expected the trusted issuer"));
        }
        if !jwt.is_for(&self.hosts) {
            return Err(OAuthError::grant(
                "aud: expected the tenant's host without port",
            ));
        }
        let time = |name| {
            let time = jwt.time(name);
            time.ok_or_else(|| OAuthError::grant(format!("{name}: expected seconds since 1970")))
        };
        let (iat, exp) = (time("iat")?, time("exp")?);
        if iat < now - MAX_AGE {
            return Err(OAuthError::grant("iat: expected at most ten minutes ago"));
        }
        if iat > now + SKEW {
            return Err(OAuthError::grant("iat: expected a time in the past"));
        }
        if exp <= now {
            return Err(OAuthError::grant("exp: the subject token is expired"));
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
