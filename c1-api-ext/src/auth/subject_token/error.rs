//! Why there is no subject token.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::{fmt, io};

use c1_api::{Error, ErrorKind};
use reqwest::StatusCode;

use crate::http::may_recover;

/// Why there is no subject token: the source of [`TokenError::SubjectToken`](crate::TokenError::SubjectToken).
///
/// It never holds a token, nor the value of a variable or the content of a file; the one exception is out of this
/// crate's hands: what [`Other`](Self::Other) has as its source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectTokenError {
    /// The variable that was to hold the token is not set.
    #[error("the environment variable {name} is not set")]
    MissingVariable {
        /// The variable's name.
        name: String,
    },
    /// GitHub's runner has not said where to ask for a token.
    #[error(
        "not in GitHub Actions, or the job lacks `permissions: id-token: write`: {variable} is not set"
    )]
    NotInGitHubActions {
        /// The variable that the runner would have set.
        variable: &'static str,
    },
    /// HCP Terraform has not put a token into the run's environment.
    #[error(
        "not in a run of HCP Terraform, or its workspace does not set {audience_variable}: {variable} is not set"
    )]
    NotInHcpTerraform {
        /// The variable that would hold the token.
        variable: String,
        /// The variable that the workspace has to set for that.
        audience_variable: String,
    },
    /// There is something, but not a text.
    #[error("{origin} is not Unicode")]
    NotUnicode {
        /// Where it was found, such as `the environment variable NAME`.
        origin: String,
    },
    /// There is nothing but white space.
    #[error("{origin} is empty")]
    Empty {
        /// Where it was found, such as `the file /run/token`.
        origin: String,
    },
    /// The file that was to hold the token cannot be read.
    #[error("the file {} cannot be read: {source}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is too long to be a token.
    #[error("the file {} is longer than a token: over {limit} bytes", path.display())]
    FileTooLong {
        /// Its path.
        path: PathBuf,
        /// The most that is read.
        limit: usize,
    },
    /// A variable that says how to ask for a token has a value that cannot be used.
    #[error("the environment variable {name} {reason}")]
    InvalidVariable {
        /// The variable's name.
        name: &'static str,
        /// What is wrong with its value.
        reason: &'static str,
    },
    /// The service that issues the tokens did not answer: the source is an error of the kind [`ErrorKind::Connect`],
    /// [`ErrorKind::Timeout`] or [`ErrorKind::Transport`].
    #[error("{service} did not answer: {source}")]
    Unreachable {
        /// Who was asked.
        service: &'static str,
        /// What went wrong.
        source: Error,
    },
    /// The service that issues the tokens answered, but not with a token.
    #[error("{service} answered HTTP {} with {reason}", status.as_u16())]
    UnexpectedAnswer {
        /// Who was asked.
        service: &'static str,
        /// The answer's HTTP status.
        status: StatusCode,
        /// What was found instead.
        reason: &'static str,
    },
    /// A source that is not this crate's has failed.
    #[error(transparent)]
    Other(SubjectSourceError),
}

impl SubjectTokenError {
    /// The failure of a source that is not this crate's, for which trying again is no help. A [`SubjectTokenError`] is
    /// given back as it is.
    ///
    /// What `error` says is in no message and no `Debug`, but it is kept as the source, so it must not hold secrets.
    pub fn other(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::foreign(error.into(), false)
    }

    /// As [`other`](Self::other), where trying again may help: a server is busy, say.
    pub fn temporary(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::foreign(error.into(), true)
    }

    fn foreign(error: Box<dyn StdError + Send + Sync>, retryable: bool) -> Self {
        match error.downcast() {
            Ok(ours) => *ours,
            Err(source) => Self::Other(SubjectSourceError { source, retryable }),
        }
    }

    /// Whether trying again may help: a service could not be reached, has failed or is busy, or a source that is not
    /// this crate's [says so](Self::temporary).
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => source.kind() != ErrorKind::InvalidRequest,
            Self::UnexpectedAnswer { status, .. } => may_recover(*status),
            Self::Other(error) => error.retryable,
            Self::MissingVariable { .. }
            | Self::NotInGitHubActions { .. }
            | Self::NotInHcpTerraform { .. }
            | Self::NotUnicode { .. }
            | Self::Empty { .. }
            | Self::File { .. }
            | Self::FileTooLong { .. }
            | Self::InvalidVariable { .. } => false,
        }
    }
}

/// That a [`SubjectTokenSource`](crate::SubjectTokenSource) of somebody else's failed.
///
/// Neither `Display` nor `Debug` has its words, which this crate cannot vouch for: they may quote a URL, a header or a
/// token. They are at [`source`](std::error::Error::source).
pub struct SubjectSourceError {
    source: Box<dyn StdError + Send + Sync>,
    retryable: bool,
}

impl fmt::Display for SubjectSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its source failed")
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
