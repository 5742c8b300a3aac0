//! The form in the body of a token request.

use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;

use super::oauth_error::OAuthError;
use crate::text::{self, Pairs};

/// The largest number of fields in a form. A token request has fewer than ten.
const MAX_FIELDS: usize = 32;

/// The fields of a form, each at most once (RFC 6749, section 3.2).
pub(super) struct Form(Pairs);

impl Form {
    pub(super) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, OAuthError> {
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(OAuthError::request(
                "expected a body of type application/x-www-form-urlencoded",
            ));
        }
        let pairs = std::str::from_utf8(body).ok().and_then(text::pairs);
        let pairs = pairs.ok_or_else(|| OAuthError::request("expected a UTF-8 form"))?;
        if pairs.len() > MAX_FIELDS {
            return Err(OAuthError::request(format!(
                "expected at most {MAX_FIELDS} fields"
            )));
        }
        for (at, (name, _)) in pairs.iter().enumerate() {
            if pairs[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(OAuthError::request("expected each field at most once"));
            }
        }
        Ok(Self(pairs))
    }

    /// The value of a field; an empty value counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The value of a required field.
    pub(super) fn require(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name)
            .ok_or_else(|| OAuthError::request(format!("{name}: expected a value")))
    }
}
