//! Signed assertions by which a client says who it is (RFC 7521, RFC 7523, RFC 8037).

use std::time::{Duration, SystemTime};

use ring::signature::ED25519;

use super::SKEW;
use super::clients::Client;
use super::jwt::{self, Jwt};
use super::refusal::Refusal;
use super::replay::Used;

/// The `client_assertion_type` of a JWT.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far ahead an assertion may expire.
const MAX_LIFETIME: f64 = 300.0;

/// Verifies assertions and remembers those that are used up.
pub(super) struct Assertions {
    hosts: Vec<String>,
    used: Used,
}

impl Assertions {
    /// `hosts` are the ways to write the tenant's host without port.
    pub(super) fn new(hosts: Vec<String>) -> Self {
        Self {
            hosts,
            used: Used::default(),
        }
    }

    /// Verifies an assertion of the client and uses it up.
    pub(super) fn verify(
        &mut self,
        now: SystemTime,
        client: &Client,
        assertion: &str,
    ) -> Result<(), Refusal> {
        let jwt = Jwt::parse(assertion)
            .ok_or_else(|| Refusal::client("client_assertion: expected a signed JWT"))?;
        if jwt.alg() != "EdDSA" {
            return Err(Refusal::client("alg: expected EdDSA"));
        }
        if !jwt.is_signed_by(&ED25519, &client.public_key) {
            return Err(Refusal::client(
                "the assertion is not signed with the client's key",
            ));
        }
        self.verify_claims(now, &client.id, &jwt)?;

        // C1's own clients send no `jti` but a nonce; whoever sends neither cannot repeat itself either.
        let mark = [
            ("jti", jwt.claim("jti")),
            ("nonce", jwt::text(&jwt.header, "nonce")),
            ("text", jwt.signed),
        ]
        .into_iter()
        .find(|(_, mark)| !mark.is_empty());
        let until = now + Duration::from_secs_f64(MAX_LIFETIME);
        if self
            .used
            .is_new(now, format!("{} {mark:?}", client.id), until)
        {
            Ok(())
        } else {
            Err(Refusal::client("the assertion was used before"))
        }
    }

    fn verify_claims(&self, now: SystemTime, client: &str, jwt: &Jwt<'_>) -> Result<(), Refusal> {
        for name in ["iss", "sub"] {
            if jwt.claim(name) != client {
                return Err(Refusal::client(format!("{name}: expected the client_id")));
            }
        }
        if !jwt.is_for(&self.hosts) {
            return Err(Refusal::client(
                "aud: expected the host of the tenant, without port",
            ));
        }
        let now = jwt::seconds(now);
        let exp = jwt.time("exp");
        let exp = exp.ok_or_else(|| Refusal::client("exp: expected seconds since 1970"))?;
        if exp <= now {
            return Err(Refusal::client("exp: the assertion has expired"));
        }
        if exp > now + MAX_LIFETIME {
            return Err(Refusal::client("exp: expected at most five minutes ahead"));
        }
        for name in ["nbf", "iat"] {
            if !jwt.claims.contains_key(name) {
                continue;
            }
            let time = jwt
                .time(name)
                .ok_or_else(|| Refusal::client(format!("{name}: expected seconds since 1970")))?;
            if time > now + SKEW {
                return Err(Refusal::client(format!(
                    "{name}: the assertion is from the future"
                )));
            }
        }
        Ok(())
    }
}
