//! OAuth error responses (RFC 6749, section 5.2).

use hyper::StatusCode;
use serde_json::{Value, json};

use super::dpop::DpopError;
use crate::error::Error;

/// An error response of an OAuth endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OAuthError {
    pub(crate) http: StatusCode,
    pub(super) error: &'static str,
    pub(super) description: String,
}

impl OAuthError {
    pub(super) fn new(error: &'static str, description: impl Into<String>) -> Self {
        let http = match error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self {
            http,
            error,
            description: description.into(),
        }
    }

    /// The request is malformed.
    pub(super) fn request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    /// The client is unknown or its authentication failed.
    pub(super) fn client(description: impl Into<String>) -> Self {
        Self::new("invalid_client", description)
    }

    /// The grant is invalid, expired or issued to another client.
    pub(super) fn grant(description: impl Into<String>) -> Self {
        Self::new("invalid_grant", description)
    }

    /// A failure requested by a test.
    pub(crate) fn injected(http: StatusCode) -> Self {
        let error = if http == StatusCode::SERVICE_UNAVAILABLE {
            "temporarily_unavailable"
        } else {
            "server_error"
        };
        Self {
            http,
            ..Self::new(error, "failure requested by the test")
        }
    }

    /// The JSON body.
    pub(crate) fn body(&self) -> Value {
        json!({ "error": self.error, "error_description": self.description })
    }
}

impl From<Error> for OAuthError {
    fn from(error: Error) -> Self {
        Self::new("server_error", error.to_string())
    }
}

impl From<DpopError> for OAuthError {
    fn from(error: DpopError) -> Self {
        Self::new(error.error, error.description)
    }
}
