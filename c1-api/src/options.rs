//! The options of a single call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Extensions;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};

use crate::error::{Error, ErrorKind};

/// Headers that cannot be set: they carry credentials, decide where the request goes or how it is framed, or say what the
/// response may be.
const RESERVED: [&str; 14] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "dpop",
    "host",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// What a caller can set for one call: headers, a time limit, whether it is idempotent, and values for transports.
///
/// Every request has options; they begin as those of its [`Client`](crate::Client). An invalid header is reported when
/// the call is sent.
///
/// ```
/// use std::time::Duration;
/// use c1_api::CallOptions;
///
/// let options = CallOptions::new()
///     .header("x-change-ticket", "CHG-1")
///     .timeout(Duration::from_secs(10));
/// assert_eq!(options.time_limit(), Some(Duration::from_secs(10)));
/// ```
#[derive(Clone, Default)]
pub struct CallOptions(Option<Arc<Inner>>);

#[derive(Clone, Default)]
struct Inner {
    headers: HeaderMap,
    time_limit: Option<Duration>,
    idempotent: bool,
    extensions: Extensions,
    error: Option<Error>,
}

impl CallOptions {
    /// No options.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Adds a header to the request. For one name, the last value counts.
    ///
    /// Headers that the client sets itself (`Authorization`, `Host`, `Content-Type` and the like) and invalid names and
    /// values make the call fail with [`ErrorKind::InvalidRequest`] before it is sent.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let checked = header(name.as_ref(), value.as_ref());
        self.put(checked);
        self
    }

    /// Sets the `User-Agent` (RFC 9110, section 10.1.5).
    #[must_use]
    pub fn user_agent(mut self, product: impl AsRef<str>) -> Self {
        let value = HeaderValue::try_from(product.as_ref());
        let checked = value.map_err(|_| invalid("user-agent", INVALID_VALUE));
        self.put(checked.map(|value| (USER_AGENT, value)));
        self
    }

    /// Limits the time of the whole call, with all attempts and delays.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.inner().time_limit = Some(limit);
        self
    }

    /// States that the server may process the request twice without harm, so that it may be retried after a failure that
    /// leaves open whether it was processed. For POST and PATCH; see
    /// [`Operation::is_repeatable`](crate::Operation::is_repeatable).
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.inner().idempotent = true;
        self
    }

    /// Adds a value for a transport, which finds it by its type. A former value of that type is replaced.
    #[must_use]
    pub fn with<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.inner().extensions.insert(value);
        self
    }

    /// The value of this type, if there is one.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.as_ref()?.extensions.get()
    }

    /// The time limit of the whole call.
    #[must_use]
    pub fn time_limit(&self) -> Option<Duration> {
        self.0.as_ref()?.time_limit
    }

    /// Whether the caller states that the call may be repeated.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.idempotent)
    }

    /// The headers to add.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for the first header that is invalid; it names the header and never the value.
    pub fn headers(&self) -> Result<Option<&HeaderMap>, Error> {
        match &self.0 {
            None => Ok(None),
            Some(inner) => match &inner.error {
                Some(error) => Err(error.clone()),
                None => Ok(Some(&inner.headers)),
            },
        }
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(self.0.get_or_insert_default())
    }

    /// Sets a header, or keeps the first error.
    fn put(&mut self, header: Result<(HeaderName, HeaderValue), Error>) {
        match header {
            Ok((name, value)) => {
                self.inner().headers.insert(name, value);
            }
            Err(error) => {
                self.inner().error.get_or_insert(error);
            }
        }
    }
}

/// Shows the names of headers and not their values, which may be the keys of a gateway.
impl fmt::Debug for CallOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("CallOptions");
        if let Some(inner) = &self.0 {
            debug
                .field("headers", &inner.headers.keys().collect::<Vec<_>>())
                .field("time_limit", &inner.time_limit)
                .field("idempotent", &inner.idempotent);
        }
        debug.finish_non_exhaustive()
    }
}

const INVALID_VALUE: &str = "the value has characters that a header cannot contain";

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    // An invalid name is not quoted: it may be the value, passed in the wrong place.
    let name = HeaderName::try_from(name)
        .map_err(|_| Error::new(ErrorKind::InvalidRequest, "a header name is not valid"))?;
    if RESERVED.contains(&name.as_str()) {
        return Err(invalid(name.as_str(), "the client sets it itself"));
    }
    let mut value =
        HeaderValue::try_from(value).map_err(|_| invalid(name.as_str(), INVALID_VALUE))?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn invalid(name: &str, reason: &str) -> Error {
    Error::new(
        ErrorKind::InvalidRequest,
        format!("the header `{name}` cannot be set: {reason}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_the_client_sets_are_refused_in_any_case() {
        for name in RESERVED {
            for name in [name.to_owned(), name.to_uppercase()] {
                let error = CallOptions::new()
                    .header(name, "canary")
                    .headers()
                    .unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidRequest);
                assert!(error.message().ends_with("the client sets it itself"));
            }
        }
    }

    #[test]
    fn an_invalid_header_is_reported_without_its_value() {
        for (name, value, message) in [
            ("canary canary", "x", "a header name is not valid"),
            (
                "x-key",
                "canary\n",
                "the header `x-key` cannot be set: the value has characters",
            ),
        ] {
            let options = CallOptions::new().header(name, value).header("x-good", "1");
            let error = options.headers().unwrap_err();
            assert!(error.message().starts_with(message), "{error}");
            assert!(!format!("{error:?} {options:?}").contains("canary"));
        }
    }

    #[test]
    fn the_last_value_counts_and_debug_hides_it() {
        let options = CallOptions::new()
            .header("X-Key", "a")
            .header("x-key", "canary");
        let headers = options.headers().unwrap().unwrap();
        assert_eq!(
            (headers.len(), &headers["x-key"]),
            (1, &"canary".parse().unwrap())
        );
        assert!(!format!("{options:?} {headers:?}").contains("canary"));
    }

    #[test]
    fn options_of_a_clone_are_its_own() {
        let one = CallOptions::new()
            .timeout(Duration::from_secs(1))
            .with(7_u8);
        let two = one
            .clone()
            .timeout(Duration::from_secs(2))
            .with(8_u8)
            .idempotent();
        assert_eq!(
            (one.time_limit(), one.get()),
            (Some(Duration::from_secs(1)), Some(&7_u8))
        );
        assert_eq!(
            (two.time_limit(), two.get()),
            (Some(Duration::from_secs(2)), Some(&8_u8))
        );
        assert!(!one.is_idempotent() && two.is_idempotent());
        assert_eq!(one.get::<u16>(), None);
    }
}
