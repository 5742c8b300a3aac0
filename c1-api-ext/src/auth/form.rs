//! The form of a token request. Each field says what it is: plain, secret, or a dated secret.

use bytes::Bytes;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::auth::redact::{self, REDACTED};

/// The error codes of RFC 6749, 8628, 8693 and 9449. They are never secret, even if a secret contains one.
const CODES: [&str; 15] = [
    "access_denied",
    "authorization_pending",
    "expired_token",
    "invalid_client",
    "invalid_dpop_proof",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "server_error",
    "slow_down",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "use_dpop_nonce",
];

/// The fields of a request, in the order in which they are added. Values are overwritten when it is dropped.
#[derive(Default)]
pub(crate) struct Form(Vec<Field>);

struct Field {
    name: &'static str,
    value: Zeroizing<String>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Secret,
    DatedSecret,
}

impl Form {
    /// Adds a field that errors may show.
    pub(crate) fn plain(self, name: &'static str, value: &str) -> Self {
        self.with(name, value, Kind::Plain)
    }

    /// Adds a field that [`redact`](Self::redact) removes from what the server says.
    pub(crate) fn secret(self, name: &'static str, value: &str) -> Self {
        self.with(name, value, Kind::Secret)
    }

    /// Adds a secret that holds a time: with a wrong clock, the server refuses it.
    pub(crate) fn dated_secret(self, name: &'static str, value: &str) -> Self {
        self.with(name, value, Kind::DatedSecret)
    }

    fn with(mut self, name: &'static str, value: &str, kind: Kind) -> Self {
        let value = Zeroizing::new(value.to_owned());
        self.0.push(Field { name, value, kind });
        self
    }

    /// Whether a wrong clock can be why the server refuses it.
    pub(crate) fn is_dated(&self) -> bool {
        self.0.iter().any(|field| field.kind == Kind::DatedSecret)
    }

    /// As `application/x-www-form-urlencoded`, overwritten when it was sent.
    pub(crate) fn body(&self) -> Bytes {
        // Each byte becomes three at most. A buffer that grew would leave copies behind.
        let size = |field: &Field| 3 * (field.name.len() + field.value.len()) + 2;
        let text = String::with_capacity(self.0.iter().map(size).sum());
        let fields = self.0.iter().map(|field| (field.name, &**field.value));
        let body = form_urlencoded::Serializer::new(text)
            .extend_pairs(fields)
            .finish();
        Bytes::from_owner(Zeroizing::new(body.into_bytes()))
    }

    /// The text without the secrets, should the server repeat them: whole, in part, or as encoded in the body.
    pub(crate) fn redact(&self, text: String) -> String {
        if CODES.contains(&&*text) {
            return text;
        }
        let mut clean = text;
        for field in self.0.iter().filter(|field| field.kind != Kind::Plain) {
            match redact::without(&clean, &field.value) {
                Some(text) => clean = text,
                None => return REDACTED.to_owned(),
            }
        }
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_all_fields_in_their_order() {
        let form = Form::default()
            .plain("b", "x y")
            .dated_secret("a", "ü=")
            .secret("c", "");
        assert_eq!(form.body(), "b=x+y&a=%C3%BC%3D&c=");
        assert_eq!(Form::default().body(), "");
    }

    #[test]
    fn only_a_dated_secret_depends_on_the_clock() {
        let form = Form::default().plain("a", "1").secret("b", "2");
        assert!(!form.is_dated());
        assert!(form.dated_secret("c", "3").is_dated());
    }

    #[test]
    fn secrets_that_come_back_are_not_passed_on() {
        let form = Form::default()
            .plain("client_id", "otter")
            .secret("client_secret", "v1:0123456789abcdef")
            .dated_secret("device_code", "_pending")
            .secret("empty", "");
        for (text, shown) in [
            ("authorization_pending", "authorization_pending"),
            ("still_pending", "still[redacted]"),
            ("otter is unknown", "otter is unknown"),
            ("got v1:0123456789abcdef?", "got [redacted]?"),
            ("got v1%3A0123456789abcdef?", "got [redacted]?"),
            ("it ends in 3456789abcdef", "[redacted]"),
            ("it begins with v1:01234567", "it begins with v1:01234567"),
            ("it begins with v1:012345678", "[redacted]"),
        ] {
            assert_eq!(form.redact(text.to_owned()), shown);
        }
    }
}
