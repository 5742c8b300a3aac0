//! Why there is no subject token.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::{fmt, io};

use c1_api::Error;
use reqwest::StatusCode;

use crate::auth::request::{may_recover, may_respond};

/// Why there is no subject token: the source of [`TokenError::SubjectToken`](crate::TokenError::SubjectToken).
///
/// It never contains a token, the value of a variable or the content of a file. The exception is the source of
/// [`Other`](Self::Other), which this crate does not control.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectTokenError {
    /// The variable is not set.
    #[error("the environment variable {name} is not set")]
    MissingVariable {
        /// The variable's name.
        name: String,
    },
    /// A variable of GitHub's runner is not set.
    #[error(
        "{variable} is not set: not in GitHub Actions, or the job lacks `permissions: id-token: write`"
    )]
    NotInGitHubActions {
        /// The variable.
        variable: &'static str,
    },
    /// HCP Terraform did not set the variable.
    #[error(
        "{variable} is not set: not in a run of HCP Terraform, or its workspace does not set {audience_variable}"
    )]
    NotInHcpTerraform {
        /// The variable of the token.
        variable: String,
        /// The variable that the workspace has to set for it.
        audience_variable: String,
    },
    /// The token is not UTF-8.
    #[error("{origin} is not valid UTF-8")]
    NotUnicode {
        /// Where it is from, such as `the environment variable NAME`.
        origin: String,
    },
    /// The token is empty or white space.
    #[error("{origin} is empty")]
    Empty {
        /// Where it is from, such as `the file /run/token`.
        origin: String,
    },
    /// The file cannot be read.
    #[error("cannot read the file {}: {source}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file is too long to be a token.
    #[error("the file {} is longer than {limit} bytes", path.display())]
    FileTooLong {
        /// Its path.
        path: PathBuf,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A variable that is needed to request a token has an invalid value.
    #[error("the environment variable {name} {reason}")]
    InvalidVariable {
        /// The variable's name.
        name: &'static str,
        /// What is wrong with its value.
        reason: &'static str,
    },
    /// The service that issues the tokens did not respond: the source is an error of the kind
    /// [`Connect`](c1_api::ErrorKind::Connect), [`Timeout`](c1_api::ErrorKind::Timeout) or
    /// [`Transport`](c1_api::ErrorKind::Transport).
    #[error("the request to {service} failed: {source}")]
    Unreachable {
        /// The service.
        service: &'static str,
        /// What went wrong.
        source: Error,
    },
    /// The service that issues the tokens responded, but not with a token.
    #[error("unexpected response from {service} (HTTP {}): {reason}", status.as_u16())]
    UnexpectedResponse {
        /// The service.
        service: &'static str,
        /// The HTTP status of the response.
        status: StatusCode,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A source outside of this crate failed.
    #[error(transparent)]
    Other(SubjectSourceError),
}

impl SubjectTokenError {
    /// The failure of a source outside of this crate, which is not worth a retry. A [`SubjectTokenError`] is returned
    /// unchanged.
    ///
    /// `error` is in no message and no `Debug`, but it is kept as the source, so it must not contain secrets.
    pub fn other(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::foreign(error.into(), false)
    }

    /// Like [`other`](Self::other), but a retry may succeed: a server is busy, for example.
    pub fn temporary(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::foreign(error.into(), true)
    }

    fn foreign(error: Box<dyn StdError + Send + Sync>, retryable: bool) -> Self {
        match error.downcast() {
            Ok(ours) => *ours,
            Err(source) => Self::Other(SubjectSourceError { source, retryable }),
        }
    }

    /// Whether a retry may succeed: a service could not be reached, failed or is busy, or a source outside of this crate
    /// [says so](Self::temporary).
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => may_respond(source),
            Self::UnexpectedResponse { status, .. } => may_recover(*status),
            Self::Other(error) => error.retryable,
            _ => false,
        }
    }
}

/// The failure of a [`SubjectTokenSource`](crate::SubjectTokenSource) outside of this crate.
///
/// Neither `Display` nor `Debug` contains the original error, which may quote a URL, a header or a token. It is the
/// [`source`](std::error::Error::source).
pub struct SubjectSourceError {
    source: Box<dyn StdError + Send + Sync>,
    retryable: bool,
}

impl fmt::Display for SubjectSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the subject token source failed")
    }
}

impl fmt::Debug for SubjectSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectSourceError")
            .field("retryable", &self.retryable)
            .finish_non_exhaustive()
    }
}

impl StdError for SubjectSourceError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}
