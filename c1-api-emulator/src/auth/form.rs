//! The form that a token request is.

use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;

use super::refusal::Refusal;
use crate::text::{self, Pairs};

/// The fields of a form; each at most once (RFC 6749, section 3.2).
pub(super) struct Form(Pairs);

impl Form {
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Refusal::request(
                "expected a body of type application/x-www-form-urlencoded",
            ));
        }
        let pairs = std::str::from_utf8(body).ok().and_then(text::pairs);
        let pairs = pairs.ok_or_else(|| Refusal::request("expected a form in UTF-8"))?;
        for (at, (name, _)) in pairs.iter().enumerate() {
            if pairs[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(Refusal::request("expected each field once"));
            }
        }
        Ok(Self(pairs))
    }

    /// The value of a field; an empty one counts as none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The value of a field that has to be there.
    pub(super) fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name)
            .ok_or_else(|| Refusal::request(format!("{name}: expected a value")))
    }
}
