//! Access tokens and where they come from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use c1_api::{BoxFuture, Error, ErrorKind};
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use crate::auth::dpop::Prover;

/// An access token: what a request to the API carries as its bearer token.
///
/// Its bytes are overwritten when the last copy is dropped, `Debug` prints `[redacted]`, and
/// [`expose`](Self::expose) is the only way to its text.
#[derive(Clone)]
pub struct AccessToken(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    scheme: &'static str,
    /// Scheme and token: what the `Authorization` header says, made once so that no call has to.
    text: Text,
    /// The same bytes, unless no header can carry them.
    header: Option<HeaderValue>,
    lifetime: Option<Duration>,
    /// What the token is worth nothing without.
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
    /// A token of which it is not known how long it is good for: it is used until the server refuses it.
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

    /// The same token, good for `lifetime` from when it was asked for. Zero means not known.
    #[must_use]
    pub fn valid_for(mut self, lifetime: Duration) -> Self {
        Arc::make_mut(&mut self.0).lifetime = (!lifetime.is_zero()).then_some(lifetime);
        self
    }

    /// The same token, of no use without a proof of this prover's (RFC 9449, section 7.1).
    pub(crate) fn bound_to(self, prover: Prover) -> Self {
        let bound = Self::with_scheme("DPoP ", self.expose(), Some(prover));
        bound.valid_for(self.lifetime().unwrap_or_default())
    }

    pub(crate) fn prover(&self) -> Option<&Prover> {
        self.0.prover.as_ref()
    }

    /// How long it is good for from when it was asked for, if that is known.
    pub fn lifetime(&self) -> Option<Duration> {
        self.0.lifetime
    }

    /// The token itself: keep it out of logs.
    pub fn expose(&self) -> &str {
        let text = &self.0.text.0;
        text.get(self.0.scheme.len()..).unwrap_or_default()
    }

    /// The value of the `Authorization` header, marked so that nobody prints it.
    pub(crate) fn authorization(&self) -> Result<HeaderValue, Error> {
        // The error of an invalid value has nothing to add.
        self.0.header.clone().ok_or_else(|| {
            Error::new(
                ErrorKind::Auth,
                "the access token has characters that no header can carry",
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

/// Gets access tokens. The client keeps what it gets in a [`TokenCache`](crate::TokenCache), so that a source is
/// asked only when a token is needed, by one caller at a time, and need not remember anything itself.
///
/// ```
/// use c1_api_ext::{AccessToken, BoxFuture, Error, TokenSource};
///
/// /// Reads the token from where another program keeps it fresh.
/// struct File(std::path::PathBuf);
///
/// impl TokenSource for File {
///     fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
///         Box::pin(async move {
///             let token = std::fs::read_to_string(&self.0).map_err(|error| {
///                 Error::new(c1_api_ext::ErrorKind::Auth, "the token file cannot be read").with_source(error)
///             })?;
///             Ok(AccessToken::new(token.trim()))
///         })
///     }
/// }
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// A fresh token.
    ///
    /// # Errors
    /// Whatever keeps the source from giving one, as an error of the kind
    /// [`ErrorKind::Auth`](c1_api::ErrorKind::Auth). It must not hold the credentials.
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>>;
}

impl<S: TokenSource + ?Sized> TokenSource for Arc<S> {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        (**self).fetch()
    }
}

/// A source that always gives this token.
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
