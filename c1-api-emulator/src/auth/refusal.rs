//! Error answers of the token endpoint and of the device endpoint (RFC 6749, section 5.2).

use hyper::StatusCode;
use serde_json::{Value, json};

use super::dpop::Problem;
use crate::error::Error;

/// An error answer of the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) http: StatusCode,
    pub(super) error: &'static str,
    pub(super) description: String,
}

impl Refusal {
    pub(super) fn new(error: &'static str, description: impl Into<String>) -> Self {
        let http = match error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        Self {
            http,
            error,
            description: description.into(),
        }
    }

    /// The request is not formed as it should be.
    pub(super) fn request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    /// The client is unknown, or does not prove who it is.
    pub(super) fn client(description: impl Into<String>) -> Self {
        Self::new("invalid_client", description)
    }

    /// What the client gives in return for a token is worth nothing.
    pub(super) fn grant(description: impl Into<String>) -> Self {
        Self::new("invalid_grant", description)
    }

    /// A failure that a test has asked for.
    pub(super) fn on_demand(http: StatusCode) -> Self {
        let error = if http == StatusCode::SERVICE_UNAVAILABLE {
            "temporarily_unavailable"
        } else {
            "server_error"
        };
        Self {
            http,
            ..Self::new(error, "this failure was asked for")
        }
    }

    /// The JSON of the answer.
    pub(crate) fn body(&self) -> Value {
        json!({ "error": self.error, "error_description": self.description })
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::new("server_error", error.to_string())
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::new(problem.error, problem.description)
    }
}
