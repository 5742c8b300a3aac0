//! The errors of API calls: `google.rpc.Status` as JSON.
//!
//! Codes: <https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto>.

use hyper::StatusCode;
use hyper::header::{ALLOW, HeaderName, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use crate::check::Breach;

/// An error answer to an API call.
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

    /// The path leads nowhere.
    pub(crate) fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, 5, "no operation has this path")
    }

    /// The path is known, the method is not.
    pub(crate) fn wrong_method(allowed: &str) -> Self {
        let mut status = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            12,
            format!("this path knows only {allowed}"),
        );
        status.header = Some((ALLOW, allowed.to_owned()));
        status
    }

    /// No bearer token, or not a live one.
    pub(crate) fn unauthenticated(message: &str) -> Self {
        let mut status = Self::new(StatusCode::UNAUTHORIZED, 16, message);
        status.header = Some((WWW_AUTHENTICATE, "Bearer".to_owned()));
        status
    }

    /// A token that is bound to a key came without what that takes, or one that is not came as if it were.
    pub(crate) fn unproven(error: &str, message: &str) -> Self {
        let mut status = Self::unauthenticated(message);
        status.header = Some((WWW_AUTHENTICATE, format!("DPoP error=\"{error}\"")));
        status
    }

    /// The body is longer than the emulator reads.
    pub(crate) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            8,
            "the request body is too large",
        )
    }

    /// A request that does not keep to its schema.
    pub(crate) fn invalid(breach: &Breach) -> Self {
        let mut status = Self::new(StatusCode::BAD_REQUEST, 3, breach.to_string());
        status.details.push(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{
                "field": breach.field(),
                "description": format!("expected {}", breach.expected()),
            }],
        }));
        status
    }

    /// A request that keeps to its schema but makes no sense.
    pub(crate) fn invalid_field(field: &str, expected: &str) -> Self {
        Self::invalid(&Breach::new(expected).within(field))
    }

    /// Nothing of this kind has the id.
    pub(crate) fn not_found(kind: &str, id: &str) -> Self {
        let mut status = Self::new(StatusCode::NOT_FOUND, 5, format!("{kind} not found"));
        status.details.push(resource(kind, id));
        status
    }

    /// The key is taken by the object with the id.
    pub(crate) fn already_exists(kind: &str, id: &str) -> Self {
        let mut status = Self::new(StatusCode::CONFLICT, 6, format!("{kind} already exists"));
        status.details.push(resource(kind, id));
        status
    }

    /// The emulator broke its own description; only ever a bug of it.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, 13, message)
    }

    /// The JSON of the answer; the request id stands in the message, as C1 has it.
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
    fn a_conflict_tells_the_id_of_what_exists() {
        let body = Status::already_exists("app", "abc").body("r1");
        assert_eq!(body["code"], 6);
        assert_eq!(body["details"][0]["resourceName"], "abc");
    }
}
