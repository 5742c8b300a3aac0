//! Whether a call to the API may be made: bearer tokens (RFC 6750) and bound ones (RFC 9449).

use std::time::SystemTime;

use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;

use super::Auth;
use super::dpop::{Realm, Target};
use crate::status::Status;

impl Auth {
    /// Refuses a call without a live token, or without a proof for a bound one.
    pub(crate) fn authorize(&mut self, now: SystemTime, parts: &Parts) -> Result<(), Status> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let header = header.ok_or_else(|| Status::unauthenticated("no bearer token"))?;
        let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
        let token = token.trim();
        let key = self.tokens.find(now, token).map(|known| known.key.clone());
        if scheme.eq_ignore_ascii_case("dpop") {
            self.authorize_bound(now, parts, token, key.flatten())
        } else if !scheme.eq_ignore_ascii_case("bearer") {
            Err(Status::unauthenticated("expected a bearer token"))
        } else {
            match key {
                Some(None) => Ok(()),
                Some(Some(_)) => Err(Status::unproven(
                    "invalid_token",
                    "the token is bound to a key: expected the scheme DPoP and a proof",
                )),
                None => Err(Status::unauthenticated(
                    "the bearer token is unknown or has expired",
                )),
            }
        }
    }

    fn authorize_bound(
        &mut self,
        now: SystemTime,
        parts: &Parts,
        token: &str,
        key: Option<String>,
    ) -> Result<(), Status> {
        let invalid = |message| Status::unproven("invalid_token", message);
        let key =
            key.ok_or_else(|| invalid("the token is unknown, has expired or is bound to no key"))?;
        let target = Target {
            realm: Realm::Api,
            method: parts.method.as_str(),
            path: parts.uri.path(),
            token: Some(token),
        };
        let proven = self.proofs.verify(now, &parts.headers, &target);
        let proven =
            proven.map_err(|problem| Status::unproven(problem.error, problem.description))?;
        if proven == key {
            Ok(())
        } else {
            Err(invalid("the token is bound to another key"))
        }
    }
}
