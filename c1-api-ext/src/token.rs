//! Access tokens and where they come from.

use std::{fmt, sync::Arc, time::Duration};

use c1_api::{BoxFuture, Error};
use zeroize::Zeroizing;

/// An access token: what a request to the API carries as its bearer token.
///
/// Its bytes are overwritten when the last copy is dropped, `Debug` prints `[redacted]`, and
/// [`expose`](Self::expose) is the only way to its text.
#[derive(Clone)]
pub struct AccessToken {
    secret: Arc<Zeroizing<String>>,
    lifetime: Option<Duration>,
}

impl AccessToken {
    /// A token of which it is not known how long it is good for: it is used until the server refuses it.
    pub fn new(token: impl Into<String>) -> Self {
        Self {
            secret: Arc::new(Zeroizing::new(token.into())),
            lifetime: None,
        }
    }

    /// The same token, good for `lifetime` from when it was asked for. Zero means not known.
    #[must_use]
    pub fn valid_for(mut self, lifetime: Duration) -> Self {
        self.lifetime = (!lifetime.is_zero()).then_some(lifetime);
        self
    }

    /// How long it is good for from when it was asked for, if that is known.
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// The token itself: keep it out of logs.
    pub fn expose(&self) -> &str {
        &self.secret
    }

    /// Whether both are the same token, whatever their lifetimes.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.secret, &other.secret) || self.secret == other.secret
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("lifetime", &self.lifetime)
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
