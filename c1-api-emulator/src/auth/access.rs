//! Authorization of API calls: bearer tokens (RFC 6750) and bound tokens (RFC 9449).

use std::time::SystemTime;

use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::http::request::Parts;

use super::Auth;
use super::dpop::{Realm, Target};
use crate::fault::Token;
use crate::status::Status;

impl Auth {
    /// Forgets the token of a request, and says why.
    pub(crate) fn refuse_token(&mut self, headers: &HeaderMap, fault: Token) -> Status {
        let header = headers.get(AUTHORIZATION);
        let header = header.and_then(|value| value.to_str().ok());
        if let Some((_, token)) = header.and_then(|header| header.split_once(' ')) {
            self.tokens.remove(token.trim());
        }
        Status::invalid_token(match fault {
            Token::Expired => "the access token is expired",
            Token::Revoked => "the access token is revoked",
        })
    }

    /// Rejects a call without a valid token, or without a proof for a bound token. Returns the id of the
    /// user in whose name the call is made, if the token has one.
    pub(crate) fn authorize(
        &mut self,
        now: SystemTime,
        parts: &Parts,
    ) -> Result<Option<String>, Status> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let header = header.ok_or_else(|| Status::unauthenticated("missing access token"))?;
        let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
        let token = token.trim();
        let token_facts = self.tokens.find(now, token);
        let user = token_facts.and_then(|token| token.user.clone());
        let key = token_facts.map(|token| token.key.clone());
        if scheme.eq_ignore_ascii_case("dpop") {
            self.authorize_bound(now, parts, token, key.flatten())
                .map(|()| user)
        } else if !scheme.eq_ignore_ascii_case("bearer") {
            Err(Status::unauthenticated(
                "unsupported authorization scheme: expected Bearer or DPoP",
            ))
        } else {
            match key {
                Some(None) => Ok(user),
                Some(Some(_)) => Err(Status::dpop_challenge(
                    "invalid_token",
                    "the access token is bound to a key: expected the scheme DPoP and a proof",
                )),
                None => Err(Status::unauthenticated(
                    "the access token is unknown or expired",
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
        let invalid = |message| Status::dpop_challenge("invalid_token", message);
        let key = key
            .ok_or_else(|| invalid("the access token is unknown, expired or not bound to a key"))?;
        let target = Target {
            realm: Realm::Api,
            method: parts.method.as_str(),
            path: parts.uri.path(),
            token: Some(token),
        };
        let proven = self.proofs.verify(now, &parts.headers, &target);
        let proven =
            proven.map_err(|error| Status::dpop_challenge(error.error, error.description))?;
        if proven == key {
            Ok(())
        } else {
            Err(invalid("the access token is bound to another key"))
        }
    }
}
