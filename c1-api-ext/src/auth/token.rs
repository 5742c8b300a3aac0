//! Access tokens and their sources.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use c1_api::{BoxFuture, Error, ErrorKind};
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use crate::auth::dpop::Prover;

/// An access token of the API.
///
/// Its bytes are overwritten when the last clone is dropped, `Debug` does not show it, and only
/// [`expose`](Self::expose) returns it.
#[derive(Clone)]
pub struct AccessToken(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    scheme: &'static str,
    /// Scheme and token: the value of the `Authorization` header.
    text: Text,
    /// The same bytes; none if they are not allowed in a header.
    header: Option<HeaderValue>,
    lifetime: Option<Duration>,
    /// For a token that is bound to a key.
    prover: Option<Prover>,
}

#[derive(Clone)]
struct Text(Arc<Zeroizing<String>>);

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl AccessToken {
    /// A token of unknown lifetime: it is used until the server refuses it.
    pub fn new(token: impl Into<String>) -> Self {
        let token = Zeroizing::new(token.into());
        Self::with_scheme("Bearer ", &token, None)
    }

    fn with_scheme(scheme: &'static str, token: &str, prover: Option<Prover>) -> Self {
        let text = Text(Arc::new(Zeroizing::new([scheme, token].concat())));
        let mut header = HeaderValue::from_maybe_shared(Bytes::from_owner(text.clone())).ok();
        if let Some(header) = &mut header {
            header.set_sensitive(true);
        }
        Self(Arc::new(Inner {
            scheme,
            text,
            header,
            lifetime: None,
            prover,
        }))
    }

    /// Sets the lifetime, counted from the request for the token. Zero means unknown.
    #[must_use]
    pub fn valid_for(mut self, lifetime: Duration) -> Self {
        Arc::make_mut(&mut self.0).lifetime = (!lifetime.is_zero()).then_some(lifetime);
        self
    }

    /// The same token, sent with proofs of this prover (RFC 9449, section 7.1).
    pub(crate) fn bound_to(self, prover: Prover) -> Self {
        let bound = Self::with_scheme("DPoP ", self.expose(), Some(prover));
        bound.valid_for(self.lifetime().unwrap_or_default())
    }

    pub(crate) fn prover(&self) -> Option<&Prover> {
        self.0.prover.as_ref()
    }

    /// The lifetime, counted from the request for the token, if it is known.
    pub fn lifetime(&self) -> Option<Duration> {
        self.0.lifetime
    }

    /// The token itself: keep it out of logs.
    pub fn expose(&self) -> &str {
        let text = &self.0.text.0;
        text.get(self.0.scheme.len()..).unwrap_or_default()
    }

    /// The value of the `Authorization` header, marked as sensitive.
    pub(crate) fn authorization(&self) -> Result<HeaderValue, Error> {
        self.0.header.clone().ok_or_else(|| {
            Error::new(
                ErrorKind::Auth,
                "the access token has characters that are not allowed in a header",
            )
        })
    }

    /// Whether both are the same token, whatever their lifetimes.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.text.0 == other.0.text.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("lifetime", &self.lifetime())
            .field("dpop", &self.prover().map(Prover::key))
            .finish_non_exhaustive()
    }
}

/// Obtains access tokens. The client caches them in a [`TokenCache`](crate::TokenCache), so a source need not: it is
/// called when a token is needed, once at a time on each tokio runtime.
///
/// ```
/// use c1_api_ext::{AccessToken, BoxFuture, Error, TokenSource};
///
/// /// Reads the token from a file that another program updates.
/// struct File(std::path::PathBuf);
///
/// impl TokenSource for File {
///     fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
///         Box::pin(async move {
///             let token = std::fs::read_to_string(&self.0).map_err(|error| {
///                 Error::new(c1_api_ext::ErrorKind::Auth, "cannot read the token file").with_source(error)
///             })?;
///             Ok(AccessToken::new(token.trim()))
///         })
///     }
/// }
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// Obtains a new token.
    ///
    /// The cache drops the future after 60 s.
    ///
    /// # Errors
    /// An error of the kind [`ErrorKind::Auth`](c1_api::ErrorKind::Auth). It must not contain credentials. If it has a
    /// [`retry_after`](Error::with_retry_after), the source is not called again before then.
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>>;
}

impl<S: TokenSource + ?Sized> TokenSource for Arc<S> {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        (**self).fetch()
    }
}

/// A source that always returns this token.
impl TokenSource for AccessToken {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        Box::pin(std::future::ready(Ok(self.clone())))
    }
}

impl From<String> for AccessToken {
    fn from(token: String) -> Self {
        Self::new(token)
    }
}

impl From<&str> for AccessToken {
    fn from(token: &str) -> Self {
        Self::new(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_debug_is_clean;

    #[test]
    fn the_header_is_not_printed() {
        let token = AccessToken::new("canary");
        let value = token.authorization().expect("a header");
        assert_eq!(value.as_bytes(), b"Bearer canary");
        assert_eq!(token.expose(), "canary");
        assert_debug_is_clean(&value);
        assert_debug_is_clean(&token);
    }
}
