//! Signed JWTs in compact form (RFC 7515, section 3.1), for assertions and DPoP proofs.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::base64url::BASE64URL;
use crate::random::Random;

/// The JWT of `header` and `claims`, signed by `sign`.
pub(crate) fn encode(
    header: &Value,
    claims: &Value,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Zeroizing<String> {
    let mut jwt = Zeroizing::new(format!(
        "{}.{}",
        BASE64URL.encode(header.to_string()),
        BASE64URL.encode(claims.to_string())
    ));
    let signature = sign(jwt.as_bytes());
    jwt.push('.');
    BASE64URL.encode_string(signature, &mut jwt);
    jwt
}

/// A unique value of 128 bits.
///
/// # Errors
/// Those of `random`.
pub(crate) fn unique(random: &dyn Random) -> io::Result<String> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    Ok(BASE64URL.encode(bytes))
}

/// A `NumericDate` (RFC 7519, section 2): whole seconds since 1970, zero for earlier times.
pub(crate) fn numeric_date(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
