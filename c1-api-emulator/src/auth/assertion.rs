//! Client authentication by signed assertion (RFC 7521, RFC 7523, RFC 8037).

use std::time::{Duration, SystemTime};

use ring::signature::ED25519;

use super::SKEW;
use super::clients::Client;
use super::jwt::{self, Jwt};
use super::oauth_error::OAuthError;
use super::replay::ReplayCache;

/// The `client_assertion_type` of a JWT.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The longest time until an assertion expires, in seconds.
const MAX_LIFETIME: f64 = 300.0;

/// Verifies assertions and detects replays.
pub(super) struct Assertions {
    hosts: Vec<String>,
    used: ReplayCache,
}

impl Assertions {
    /// `hosts` are the spellings of the tenant's host, without port.
    pub(super) fn new(hosts: Vec<String>) -> Self {
        Self {
            hosts,
            used: ReplayCache::default(),
        }
    }

    /// Verifies an assertion of the client; it cannot be used again.
    pub(super) fn verify(
        &mut self,
        now: SystemTime,
        client: &Client,
        assertion: &str,
    ) -> Result<(), OAuthError> {
        let jwt = Jwt::parse(assertion)
            .ok_or_else(|| OAuthError::client("client_assertion: expected a signed JWT"))?;
        if jwt.alg() != "EdDSA" {
            return Err(OAuthError::client("alg: expected EdDSA"));
        }
        if !jwt.is_signed_by(&ED25519, &client.public_key) {
            return Err(OAuthError::client("client_assertion: invalid signature"));
        }
        self.verify_claims(now, &client.id, &jwt)?;

        // C1's own clients send a nonce instead of `jti`. Without either, the text identifies the assertion.
        let id = [
            ("jti", jwt.claim("jti")),
            ("nonce", jwt::text(&jwt.header, "nonce")),
            ("text", jwt.signed),
        ]
        .into_iter()
        .find(|(_, id)| !id.is_empty());
        let until = now + Duration::from_secs_f64(MAX_LIFETIME);
        if self
            .used
            .is_new(now, &format!("{} {id:?}", client.id), until)
        {
            Ok(())
        } else {
            Err(OAuthError::client("the assertion was already used"))
        }
    }

    fn verify_claims(
        &self,
        now: SystemTime,
        client: &str,
        jwt: &Jwt<'_>,
    ) -> Result<(), OAuthError> {
        for name in ["iss", "sub"] {
            if jwt.claim(name) != client {
                return Err(OAuthError::client(format!(
                    "{name}: expected the client_id"
                )));
            }
        }
        if !jwt.is_for(&self.hosts) {
            return Err(OAuthError::client(
                "aud: expected the tenant's host without port",
            ));
        }
        let now = jwt::seconds(now);
        let exp = jwt.time("exp");
        let exp = exp.ok_or_else(|| OAuthError::client("exp: expected seconds since 1970"))?;
        if exp <= now {
            return Err(OAuthError::client("exp: the assertion is expired"));
        }
        if exp > now + MAX_LIFETIME {
            return Err(OAuthError::client(
                "exp: expected at most five minutes from now",
            ));
        }
        for name in ["nbf", "iat"] {
            if !jwt.claims.contains_key(name) {
                continue;
            }
            let time = jwt.time(name).ok_or_else(|| {
                OAuthError::client(format!("{name}: expected seconds since 1970"))
            })?;
            if time > now + SKEW {
                return Err(OAuthError::client(format!(
                    "{name}: expected a time in the past"
                )));
            }
        }
        Ok(())
    }
}
