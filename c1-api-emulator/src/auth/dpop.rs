//! `DPoP` (RFC 9449): proofs that the sender of a token has the key that it is bound to.

use std::time::{Duration, SystemTime};

use hyper::{HeaderMap, Uri};
use serde_json::Value;

use super::jwk::{Jwk, sha256};
use super::jwt::{self, Jwt};
use super::replay::ReplayCache;
use crate::credentials::random_text;
use crate::error::Error;

/// The name of the header with the proof, in lower case.
pub(crate) const HEADER: &str = "dpop";

/// The largest difference between `iat` and the tenant's clock, in seconds.
const MAX_AGE: f64 = 60.0;

/// Why a proof was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DpopError {
    pub(super) error: &'static str,
    pub(super) description: &'static str,
}

fn invalid(description: &'static str) -> DpopError {
    DpopError {
        error: "invalid_dpop_proof",
        description,
    }
}

/// What a proof is for. Each realm has its own nonces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Realm {
    Token,
    Api,
}

/// The request that a proof must match.
pub(super) struct Target<'a> {
    pub(super) realm: Realm,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    /// The access token in the request.
    pub(super) token: Option<&'a str>,
}

/// The nonces of a tenant are derived from a random base and the number of rotations.
struct Nonces {
    base: String,
    count: u64,
}

/// Verifies proofs and detects replays.
pub(super) struct Proofs {
    origin: String,
    nonces: Option<Nonces>,
    used: ReplayCache,
}

impl Proofs {
    /// `origin` is the tenant's base URL, for example `http://127.0.0.1:80`.
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
            used: ReplayCache::default(),
        })
    }

    /// The nonce that proofs must contain; `None` if nonces are off.
    pub(super) fn nonce(&self, realm: Realm) -> Option<String> {
        let Nonces { base, count } = self.nonces.as_ref()?;
        Some(sha256(format!("{base} {realm:?} {count}").as_bytes()))
    }

    /// Replaces the nonces, if nonces are on.
    pub(super) fn rotate(&mut self) {
        if let Some(nonces) = &mut self.nonces {
            nonces.count += 1;
        }
    }

    /// Verifies the proof in the headers, which cannot be used again, and returns the thumbprint of its
    /// key.
    pub(super) fn verify(
        &mut self,
        now: SystemTime,
        headers: &HeaderMap,
        target: &Target<'_>,
    ) -> Result<String, DpopError> {
        let mut headers = headers.get_all(HEADER).iter();
        let (Some(proof), None) = (headers.next(), headers.next()) else {
            return Err(invalid("DPoP: expected exactly one header"));
        };
        let jwt = proof.to_str().ok().and_then(Jwt::parse);
        let jwt = jwt.ok_or_else(|| invalid("DPoP: expected a signed JWT"))?;
        let key = verify_signature(&jwt)?;
        self.verify_claims(jwt::seconds(now), &jwt, target)?;

        let until = now + Duration::from_secs_f64(2.0 * MAX_AGE);
        let jti = jwt.claim("jti");
        if jti.is_empty() {
            return Err(invalid("jti: missing"));
        }
        if !self.used.is_new(now, jti, until) {
            return Err(invalid("jti: the proof was already used"));
        }
        Ok(key.thumbprint)
    }

    fn verify_claims(&self, now: f64, jwt: &Jwt<'_>, target: &Target<'_>) -> Result<(), DpopError> {
        if jwt.claim("htm") != target.method {
            return Err(invalid("htm: expected the method of the request"));
        }
        let url = jwt.claim("htu");
        if !same_url(url, &format!("{}{}", self.origin, target.path)) {
            return Err(invalid("htu: expected the URL of the request"));
        }
        let iat = jwt.time("iat");
        let iat = iat.ok_or_else(|| invalid("iat: expected seconds since 1970"))?;
        if (iat - now).abs() > MAX_AGE {
            return Err(invalid("iat: expected at most one minute from now"));
        }
        if let Some(token) = target.token
            && jwt.claim("ath") != sha256(token.as_bytes())
        {
            return Err(invalid("ath: expected the SHA-256 of the access token"));
        }
        match self.nonce(target.realm) {
            Some(nonce) if jwt.claim("nonce") != nonce => Err(DpopError {
                error: "use_dpop_nonce",
                description: "nonce: expected the value of the DPoP-Nonce header",
            }),
            _ => Ok(()),
        }
    }
}

/// Verifies the type, algorithm and signature of a proof, with the key in its header.
fn verify_signature(jwt: &Jwt<'_>) -> Result<Jwk, DpopError> {
    if jwt::text(&jwt.header, "typ") != "dpop+jwt" {
        return Err(invalid("typ: expected dpop+jwt"));
    }
    if !["ES256", "EdDSA"].contains(&jwt.alg()) {
        return Err(invalid("alg: expected ES256 or EdDSA"));
    }
    let jwk = jwt.header.get("jwk").and_then(Value::as_object);
    let key = jwk.and_then(|jwk| Jwk::parse(jwt.alg(), jwk));
    let key = key.ok_or_else(|| invalid("jwk: expected a public key for the algorithm"))?;
    if jwt.is_signed_by(key.algorithm, &key.bytes) {
        Ok(key)
    } else {
        Err(invalid("invalid signature"))
    }
}

/// Whether two URLs are equal without query, fragment and default port.
fn same_url(one: &str, other: &str) -> bool {
    let place = |url: &str| {
        let url = url.parse::<Uri>().ok()?;
        let host = url.host()?.to_ascii_lowercase();
        let port = url.port_u16().unwrap_or(80);
        Some((url.scheme().cloned(), host, port, url.path().to_owned()))
    };
    place(one).is_some_and(|one| Some(one) == place(other))
}
