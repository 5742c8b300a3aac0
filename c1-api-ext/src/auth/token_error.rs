//! Why the token endpoint gave no token.

use std::io;
use std::time::Duration;

use c1_api::{Error, ErrorKind};
use reqwest::StatusCode;

use crate::auth::request::{Failure, may_recover};
use crate::auth::server_time::is_skew;
#[cfg(feature = "federation")]
use crate::auth::subject_token::SubjectTokenError;

/// Why the token endpoint gave no token: the source of an [`Error`] of the kind [`ErrorKind::Auth`].
///
/// It never holds what was sent. If the server repeats a credential in its response, `[redacted]` stands in its place.
///
/// ```
/// use c1_api_ext::{Error, TokenError};
///
/// fn is_revoked(error: &Error) -> bool {
///     matches!(TokenError::of(error), Some(TokenError::Refused { error, .. }) if error == "invalid_client")
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The server refused, with an OAuth error (RFC 6749, section 5.2).
    #[error(
        "{error}{} (HTTP {}){}",
        description.as_ref().map(|words| format!(": {words}")).unwrap_or_default(),
        status.as_u16(),
        clock_skew_seconds.map(skew_in_words).unwrap_or_default()
    )]
    #[non_exhaustive]
    Refused {
        /// The HTTP status of the response.
        status: StatusCode,
        /// The OAuth error, such as `invalid_client`.
        error: String,
        /// The server's description of it.
        description: Option<String>,
        /// By how many seconds the server's clock is ahead of this machine's (negative: behind), if the request was
        /// dated and the response has a `Date`.
        clock_skew_seconds: Option<i64>,
        /// How long the server asks to wait before the next request (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// The response is neither a token nor an OAuth error.
    #[error("unexpected response from the token endpoint (HTTP {}): {reason}", status.as_u16())]
    #[non_exhaustive]
    UnexpectedResponse {
        /// The HTTP status of the response.
        status: StatusCode,
        /// What is wrong with it.
        reason: &'static str,
        /// How long the server asks to wait before the next request (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// There was no response: the source is an error of the kind [`ErrorKind::Connect`], [`ErrorKind::Timeout`] or
    /// [`ErrorKind::Transport`].
    #[error("the request to the token endpoint failed: {0}")]
    Unreachable(#[source] Error),
    /// The assertion could not be signed.
    #[error("the assertion could not be signed: {0}")]
    Signing(#[source] io::Error),
    /// The DPoP proof could not be made.
    #[error("{0}")]
    Unproven(#[source] Error),
    /// There was no subject token to exchange.
    #[cfg(feature = "federation")]
    #[error("no subject token: {0}")]
    SubjectToken(#[source] SubjectTokenError),
}

fn skew_in_words(ahead: i64) -> String {
    if !is_skew(ahead) {
        return String::new();
    }
    let side = if ahead < 0 { "ahead of" } else { "behind" };
    format!(
        "; this machine's clock is {} s {side} the server's",
        ahead.unsigned_abs()
    )
}

impl TokenError {
    /// The token error among the sources of `error`, if there is one.
    pub fn of(error: &Error) -> Option<&Self> {
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            source = error.source();
        }
        None
    }

    /// The HTTP status of the response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } | Self::UnexpectedResponse { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// How long the server asks to wait before the next request (RFC 9110, section 10.2.3).
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } | Self::UnexpectedResponse { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// Whether the same request may succeed later: the server could not be reached, failed or is busy.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused { status, error, .. } => {
                may_recover(*status)
                    || error == "temporarily_unavailable"
                    || error == "server_error"
            }
            Self::UnexpectedResponse { status, .. } => may_recover(*status),
            Self::Unreachable(error) => error.kind() != ErrorKind::InvalidRequest,
            #[cfg(feature = "federation")]
            Self::SubjectToken(error) => error.is_retryable(),
            Self::Signing(_) | Self::Unproven(_) => false,
        }
    }
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        let mut outer = Self::new(
            ErrorKind::Auth,
            format!("could not obtain an access token: {error}"),
        );
        if let Some(status) = error.status() {
            outer = outer.with_status(status);
        }
        if let Some(delay) = error.retry_after() {
            outer = outer.with_retry_after(delay);
        }
        outer.with_source(error)
    }
}

impl From<Failure> for TokenError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable(error) => Self::Unreachable(error),
            Failure::Unexpected {
                status,
                reason,
                retry_after,
            } => Self::UnexpectedResponse {
                status,
                reason,
                retry_after,
            },
        }
    }
}
