//! Removes a secret from what a server says, should the server repeat it.

use std::collections::HashSet;

use url::form_urlencoded;

pub(crate) const REDACTED: &str = "[redacted]";
/// This many consecutive characters of a secret are not a coincidence, and too many to show.
const TELLING: usize = 12;

/// The text without the secret, plain or form-encoded; `None` if a part of the secret is left.
pub(crate) fn without(text: &str, secret: &str) -> Option<String> {
    if secret.is_empty() {
        return Some(text.to_owned());
    }
    let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let clean = text.replace(secret, REDACTED).replace(&encoded, REDACTED);
    let parts: HashSet<_> = secret.as_bytes().windows(TELLING).collect();
    let is_left = clean
        .as_bytes()
        .windows(TELLING)
        .any(|part| parts.contains(part));
    (!is_left).then_some(clean)
}
