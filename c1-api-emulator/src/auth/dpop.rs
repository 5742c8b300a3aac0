//! Proofs that whoever sends a token holds the key that it is bound to: `DPoP` (RFC 9449).

use std::time::{Duration, SystemTime};

use hyper::{HeaderMap, Uri};
use serde_json::Value;

use super::jwk::{Jwk, sha256};
use super::jwt::{self, Jwt};
use super::replay::Used;
use crate::credentials::random_text;
use crate::error::Error;

/// The header of a proof, as [`HeaderMap`] has it.
pub(crate) const HEADER: &str = "dpop";

/// How far the clock of a proof may be from ours, in seconds.
const MAX_AGE: f64 = 60.0;

/// Why a proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(super) error: &'static str,
    pub(super) description: &'static str,
}

fn invalid(description: &'static str) -> Problem {
    Problem {
        error: "invalid_dpop_proof",
        description,
    }
}

/// Who asks for a proof; each has nonces of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Realm {
    Token,
    Api,
}

/// What a proof has to be for.
pub(super) struct Target<'a> {
    pub(super) realm: Realm,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    /// The access token that is sent along.
    pub(super) token: Option<&'a str>,
}

/// The nonces of one tenant: a secret of this run, and how often they were changed.
struct Nonces {
    base: String,
    count: u64,
}

/// Verifies proofs and remembers which are used up.
pub(super) struct Proofs {
    origin: String,
    nonces: Option<Nonces>,
    used: Used,
}

impl Proofs {
    /// `origin` is where the tenant is, for example `http://127.0.0.1:80`.
    pub(super) fn new(origin: String, nonces: bool) -> Result<Self, Error> {
        let nonces = if nonces {
            let base = random_text()?;
            Some(Nonces { base, count: 0 })
        } else {
            None
        };
        Ok(Self {
            origin,
            nonces,
            used: Used::default(),
        })
    }

    /// The nonce that proofs have to hold; `None` when they need none.
    pub(super) fn nonce(&self, realm: Realm) -> Option<String> {
        let Nonces { base, count } = self.nonces.as_ref()?;
        Some(sha256(format!("{base} {realm:?} {count}").as_bytes()))
    }

    /// Makes other nonces needed, if any are.
    pub(super) fn rotate(&mut self) {
        if let Some(nonces) = &mut self.nonces {
            nonces.count += 1;
        }
    }

    /// Verifies the proof in the headers and uses it up; gives the thumbprint of its key.
    pub(super) fn verify(
        &mut self,
        now: SystemTime,
        headers: &HeaderMap,
        target: &Target<'_>,
    ) -> Result<String, Problem> {
        let mut headers = headers.get_all(HEADER).iter();
        let (Some(proof), None) = (headers.next(), headers.next()) else {
            return Err(invalid("DPoP: expected one header"));
        };
        let jwt = proof.to_str().ok().and_then(Jwt::parse);
        let jwt = jwt.ok_or_else(|| invalid("DPoP: expected a signed JWT"))?;
        let key = verify_signature(&jwt)?;
        self.verify_claims(jwt::seconds(now), &jwt, target)?;

        let until = now + Duration::from_secs_f64(2.0 * MAX_AGE);
        let mark = jwt.claim("jti").to_owned();
        if mark.is_empty() {
            return Err(invalid("jti: expected a value"));
        }
        if !self.used.is_new(now, mark, until) {
            return Err(invalid("jti: the proof was used before"));
        }
        Ok(key.thumbprint)
    }

    fn verify_claims(&self, now: f64, jwt: &Jwt<'_>, target: &Target<'_>) -> Result<(), Problem> {
        if jwt.claim("htm") != target.method {
            return Err(invalid("htm: expected the method of the request"));
        }
        let url = jwt.claim("htu");
        if !same_place(url, &format!("{}{}", self.origin, target.path)) {
            return Err(invalid("htu: expected the URL of the request"));
        }
        let iat = jwt.time("iat");
        let iat = iat.ok_or_else(|| invalid("iat: expected seconds since 1970"))?;
        if (iat - now).abs() > MAX_AGE {
            return Err(invalid("iat: expected at most a minute from now"));
        }
        if let Some(token) = target.token
            && jwt.claim("ath") != sha256(token.as_bytes())
        {
            return Err(invalid("ath: expected the hash of the access token"));
        }
        match self.nonce(target.realm) {
            Some(nonce) if jwt.claim("nonce") != nonce => Err(Problem {
                error: "use_dpop_nonce",
                description: "nonce: expected the one in the DPoP-Nonce header",
            }),
            _ => Ok(()),
        }
    }
}

/// Verifies that the proof is one, signed with the key that it names.
fn verify_signature(jwt: &Jwt<'_>) -> Result<Jwk, Problem> {
    if jwt::text(&jwt.header, "typ") != "dpop+jwt" {
        return Err(invalid("typ: expected dpop+jwt"));
    }
    if !["ES256", "EdDSA"].contains(&jwt.alg()) {
        return Err(invalid("alg: expected ES256 or EdDSA"));
    }
    let jwk = jwt.header.get("jwk").and_then(Value::as_object);
    let key = jwk.and_then(|jwk| Jwk::read(jwt.alg(), jwk));
    let key = key.ok_or_else(|| invalid("jwk: expected a public key for the algorithm"))?;
    if jwt.is_signed_by(key.algorithm, &key.bytes) {
        Ok(key)
    } else {
        Err(invalid("the proof is not signed with its key"))
    }
}

/// Whether two URLs are the same but for query, fragment and a port that goes without saying.
fn same_place(one: &str, other: &str) -> bool {
    let place = |url: &str| {
        let url = url.parse::<Uri>().ok()?;
        let host = url.host()?.to_ascii_lowercase();
        let port = url.port_u16().unwrap_or(80);
        Some((url.scheme().cloned(), host, port, url.path().to_owned()))
    };
    place(one).is_some_and(|one| Some(one) == place(other))
}
