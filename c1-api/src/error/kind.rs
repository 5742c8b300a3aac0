//! The kinds of failure.

use reqwest::StatusCode;

/// How a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is invalid, or the request could not be built. Nothing was sent.
    InvalidRequest,
    /// The client does not send such requests: it is read-only, or in a dry run.
    NotSent,
    /// The call was made outside of a tokio runtime, on which it depends: a mistake in the program. Nothing was sent.
    NoRuntime,
    /// No access token could be obtained. The request was not sent.
    Auth,
    /// No connection could be made, or not in time. The request was not sent. If this machine is out of file handles, the
    /// message says so.
    Connect,
    /// No response in time. The server may have processed the request.
    Timeout,
    /// The connection broke while sending or receiving. The server may have processed the request.
    Transport,
    /// The server redirected the request (3xx). Redirects are not followed, because credentials must not go along. An HTTP
    /// client that has followed one is an error as well, then without a status.
    Redirect,
    /// The server rejected the token (401).
    Unauthenticated,
    /// The caller lacks permission (403).
    PermissionDenied,
    /// The object or the operation does not exist (404).
    NotFound,
    /// The server timed out (408).
    RequestTimeout,
    /// The object already exists, or was changed concurrently (409).
    Conflict,
    /// Too many requests (429).
    RateLimited,
    /// The server failed (5xx).
    Server,
    /// Any other status that is not a success, such as 400.
    Status,
    /// The status is a success, but the response is not JSON: the HTML of a login page, for instance.
    UnexpectedContent,
    /// The status is a success, but the body does not match the API description.
    Decode,
    /// The response is larger than the client accepts.
    TooLarge,
}

impl ErrorKind {
    /// The kind's name in lower case with underscores, for logs and metrics: `rate_limited`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::NotSent => "not_sent",
            Self::NoRuntime => "no_runtime",
            Self::Auth => "auth",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Transport => "transport",
            Self::Redirect => "redirect",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::RequestTimeout => "request_timeout",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate_limited",
            Self::Server => "server",
            Self::Status => "status",
            Self::UnexpectedContent => "unexpected_content",
            Self::Decode => "decode",
            Self::TooLarge => "too_large",
        }
    }

    /// The kind of a response whose status is not a success.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => Self::PermissionDenied,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::CONFLICT => Self::Conflict,
            StatusCode::TOO_MANY_REQUESTS => Self::RateLimited,
            _ if status.is_redirection() => Self::Redirect,
            _ if status.is_server_error() => Self::Server,
            _ => Self::Status,
        }
    }
}
