//! The errors of API calls: `google.rpc.Status` as JSON.
//!
//! Codes: <https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto>.

use std::fmt;

use hyper::StatusCode;
use hyper::header::{ALLOW, HeaderName, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use crate::check::Violation;

/// An error response to an API call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Status {
    pub(crate) http: StatusCode,
    code: i32,
    message: String,
    details: Vec<Value>,
    pub(crate) header: Option<(HeaderName, String)>,
}

impl Status {
    fn new(http: StatusCode, code: i32, message: impl Into<String>) -> Self {
        Self {
            http,
            code,
            message: message.into(),
            details: Vec::new(),
            header: None,
        }
    }

    /// No operation has the path.
    pub(crate) fn unknown_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, 5, "no operation has this path")
    }

    /// The path has no operation with the method.
    pub(crate) fn method_not_allowed(allowed: &str) -> Self {
        let mut status = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            12,
            format!("method not allowed: expected {allowed}"),
        );
        status.header = Some((ALLOW, allowed.to_owned()));
        status
    }

    /// The access token is missing or invalid.
    pub(crate) fn unauthenticated(message: &str) -> Self {
        let mut status = Self::new(StatusCode::UNAUTHORIZED, 16, message);
        status.header = Some((WWW_AUTHENTICATE, "Bearer".to_owned()));
        status
    }

    /// The `DPoP` proof is missing or invalid, or the token and the scheme do not match.
    pub(crate) fn dpop_challenge(error: &str, message: &str) -> Self {
        let mut status = Self::unauthenticated(message);
        status.header = Some((WWW_AUTHENTICATE, format!("DPoP error=\"{error}\"")));
        status
    }

    /// The request names no host, or more than one (RFC 9112, section 3.2).
    pub(crate) fn no_host() -> Self {
        Self::invalid_field("host", "exactly one valid host")
    }

    /// The request is for another host. 421 and not 403, because that is what an origin server
    /// responds if it is not the one of the target URI (RFC 9110, sections 7.4 and 15.5.20): no
    /// credentials would help.
    pub(crate) fn misdirected() -> Self {
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            9,
            "not a host of this emulator: expected localhost, a loopback address, or a host allowed by \
             Builder::allow_host or --allow-host",
        )
    }

    /// A page of another origin sent the request.
    pub(crate) fn cross_site() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            7,
            "cross-site request: expected no page of another origin",
        )
    }

    /// The body ended early.
    pub(crate) fn incomplete() -> Self {
        Self::invalid(&Violation::new("a complete body"))
    }

    /// The body did not arrive in time.
    pub(crate) fn timeout() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            4,
            "the request body did not arrive in time",
        )
    }

    /// The body exceeds the emulator's limit.
    pub(crate) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            8,
            "the request body is too large",
        )
    }

    /// The request violates its schema.
    pub(crate) fn invalid(violation: &Violation) -> Self {
        let mut status = Self::new(StatusCode::BAD_REQUEST, 3, violation.to_string());
        status.details.push(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{
                "field": violation.field(),
                "description": format!("expected {}", violation.expected()),
            }],
        }));
        status
    }

    /// The request conforms to its schema, but a value is not valid.
    pub(crate) fn invalid_field(field: &str, expected: &str) -> Self {
        Self::invalid(&Violation::new(expected).within(field))
    }

    /// The emulator does not know what the filter selects.
    pub(crate) fn no_filter(name: &str) -> Self {
        let expected = format!("no filter {name}, which the emulator does not have");
        let mut status = Self::invalid_field(name, &expected);
        status.http = StatusCode::NOT_IMPLEMENTED;
        status.code = 12;
        status
    }

    /// The request is valid, but not in the state in which the objects are (`FAILED_PRECONDITION`).
    pub(crate) fn failed_precondition(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 9, message)
    }

    /// The request relies on what has changed since; who reads again can decide again (`ABORTED`).
    pub(crate) fn aborted(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, 10, message)
    }

    /// The caller may not do this.
    pub(crate) fn permission_denied(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, 7, message)
    }

    /// The operation has no state, and samples are refused.
    pub(crate) fn no_state(operation: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            12,
            format!("the emulator has no state for {operation}, and samples are refused"),
        )
    }

    /// No object of the kind has the id.
    pub(crate) fn not_found(kind: &str, id: &str) -> Self {
        let mut status = Self::new(StatusCode::NOT_FOUND, 5, format!("{kind} not found"));
        status.details.push(resource(kind, id));
        status
    }

    /// The object with the id has the same key.
    pub(crate) fn already_exists(kind: &str, id: &str) -> Self {
        let mut status = Self::new(StatusCode::CONFLICT, 6, format!("{kind} already exists"));
        status.details.push(resource(kind, id));
        status
    }

    /// A fault that was injected.
    pub(crate) fn injected(http: StatusCode) -> Self {
        let code = match http.as_u16() {
            401 => 16,
            403 => 7,
            404 => 5,
            408 | 504 => 4,
            409 => 6,
            429 => 8,
            499 => 1,
            501 => 12,
            503 => 14,
            400..=499 => 3,
            // As C1 sends it with 500.
            _ => 2,
        };
        Self::new(http, code, "a fault of the emulator")
    }

    /// The access token is no longer valid (RFC 6750, section 3.1).
    pub(crate) fn invalid_token(message: &str) -> Self {
        let mut status = Self::unauthenticated(message);
        let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{message}\"");
        status.header = Some((WWW_AUTHENTICATE, challenge));
        status
    }

    /// A bug of the emulator, such as a response that violates the description.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, 13, message)
    }

    /// The JSON body, with the request id in the message, as C1 sends it.
    pub(crate) fn body(&self, request_id: &str) -> Value {
        json!({
            "code": self.code,
            "message": format!("{} (request-id: {request_id})", self.message),
            "details": self.details,
        })
    }
}

fn resource(kind: &str, id: &str) -> Value {
    json!({
        "@type": "type.googleapis.com/google.rpc.ResourceInfo",
        "resourceType": kind,
        "resourceName": id,
    })
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn the_body_names_the_field_and_the_request() {
        let body = Status::invalid_field("pageSize", "a number").body("r1");
        assert_eq!(body["code"], 3);
        assert_eq!(
            body["message"],
            "pageSize: expected a number (request-id: r1)"
        );
        assert_eq!(
            body["details"][0]["fieldViolations"][0]["field"],
            "pageSize"
        );
    }

    #[test]
    fn a_conflict_contains_the_id_of_the_existing_object() {
        let body = Status::already_exists("app", "abc").body("r1");
        assert_eq!(body["code"], 6);
        assert_eq!(body["details"][0]["resourceName"], "abc");
    }
}
