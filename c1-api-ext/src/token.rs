//! Access tokens and where they come from.

pub(crate) mod assertion;
pub(crate) mod cache;
pub(crate) mod client_secret_post;
pub(crate) mod device;
pub(crate) mod dpop;
pub(crate) mod endpoint;
mod jwt;
mod server_time;
pub(crate) mod subject_token;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use c1_api::{BoxFuture, Error, ErrorKind};
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use crate::token::dpop::Prover;

/// An access token: what a request to the API carries as its bearer token.
///
/// Its bytes are overwritten when the last copy is dropped, `Debug` prints `[redacted]`, and
/// [`expose`](Self::expose) is the only way to its text.
#[derive(Clone)]
pub struct AccessToken {
    credentials: Credentials,
    lifetime: Option<Duration>,
    /// What the token is worth nothing without.
    prover: Option<Prover>,
}

/// The text of the `Authorization` header, of which the token is the end; so that a call need not make it.
#[derive(Clone)]
struct Credentials {
    scheme: &'static str,
    text: Text,
    /// The same bytes, unless no header can carry them.
    header: Option<HeaderValue>,
}

#[derive(Clone)]
struct Text(Arc<Zeroizing<String>>);

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Credentials {
    fn new(scheme: &'static str, token: &str) -> Self {
        let text = Text(Arc::new(Zeroizing::new([scheme, token].concat())));
        let mut header = HeaderValue::from_maybe_shared(Bytes::from_owner(text.clone())).ok();
        if let Some(header) = &mut header {
            header.set_sensitive(true);
        }
        Self {
            scheme,
            text,
            header,
        }
    }

    fn token(&self) -> &str {
        self.text.0.get(self.scheme.len()..).unwrap_or_default()
    }
}

impl AccessToken {
    /// A token of which it is not known how long it is good for: it is used until the server refuses it.
    pub fn new(token: impl Into<String>) -> Self {
        let token = Zeroizing::new(token.into());
        Self {
            credentials: Credentials::new("Bearer ", &token),
            lifetime: None,
            prover: None,
        }
    }

    /// The same token, good for `lifetime` from when it was asked for. Zero means not known.
    #[must_use]
    pub fn valid_for(mut self, lifetime: Duration) -> Self {
        self.lifetime = (!lifetime.is_zero()).then_some(lifetime);
        self
    }

    pub(crate) fn bound_to(mut self, prover: Prover) -> Self {
        self.credentials = Credentials::new("DPoP ", self.expose());
        self.prover = Some(prover);
        self
    }

    pub(crate) fn prover(&self) -> Option<&Prover> {
        self.prover.as_ref()
    }

    /// How long it is good for from when it was asked for, if that is known.
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// The token itself: keep it out of logs.
    pub fn expose(&self) -> &str {
        self.credentials.token()
    }

    /// The value of the `Authorization` header, marked so that nobody prints it.
    pub(crate) fn authorization(&self) -> Result<HeaderValue, Error> {
        // The error of an invalid value has nothing to add.
        self.credentials.header.clone().ok_or_else(|| {
            Error::new(
                ErrorKind::Auth,
                "the access token has characters that no header can carry",
            )
        })
    }

    /// Whether both are the same token, whatever their lifetimes.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let (ours, others) = (&self.credentials.text.0, &other.credentials.text.0);
        Arc::ptr_eq(ours, others) || ours == others
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("lifetime", &self.lifetime)
            .field("dpop", &self.prover.as_ref().map(Prover::key))
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

/// A source that always gives the same token.
#[derive(Clone, Debug)]
pub struct StaticToken(AccessToken);

impl StaticToken {
    /// The source of `token`.
    pub fn new(token: impl Into<String>) -> Self {
        Self(AccessToken::new(token))
    }
}

impl TokenSource for StaticToken {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        let token = self.0.clone();
        Box::pin(async move { Ok(token) })
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
