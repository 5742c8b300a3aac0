//! Signed JWTs in their compact form (RFC 7515, section 3.1): what assertions and DPoP proofs have in common.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::identity::client_secret::BASE64URL;
use crate::random::Random;

/// The JWT of `header` and `claims` with what `sign` makes of them.
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

/// A value that no other JWT has, 128 bits.
///
/// # Errors
/// When `random` gives no bytes.
pub(crate) fn unique(random: &dyn Random) -> io::Result<String> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    Ok(BASE64URL.encode(bytes))
}

/// A `NumericDate` (RFC 7519, section 2): whole seconds since 1970, zero for what was before.
pub(crate) fn numeric_date(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
