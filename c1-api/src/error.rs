//! The error of a call: one opaque type with accessors.

mod code;
mod kind;
mod response;
mod rpc_status;
#[cfg(test)]
mod tests;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;

pub use self::code::Code;
pub use self::kind::ErrorKind;
pub(crate) use self::response::content_type;
pub use self::response::read_body;
use crate::wire;

/// Why a call failed.
///
/// `Display` is [`message`](Self::message) and nothing more. Neither it nor `Debug` ever shows headers, bodies, tokens or
/// URLs, so an error can be logged as it is. Cloning is cheap.
///
/// ```
/// # use c1_api::{Error, ErrorKind};
/// fn explain(error: &Error) -> String {
///     if error.is_not_found() {
///         return "not found".to_owned();
///     }
///     match error.request_id() {
///         Some(id) => format!("{error}; request id {id}"),
///         None => error.to_string(),
///     }
/// }
/// assert_eq!(explain(&Error::new(ErrorKind::Timeout, "no response in time")), "no response in time");
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    status: Option<StatusCode>,
    code: Option<Code>,
    request_id: Option<String>,
    details: Vec<wire::Any>,
    retry_after: Option<Duration>,
    attempts: u32,
    elapsed: Option<Duration>,
    /// Set by a transport that knows more than kind and status tell.
    may_have_been_sent: Option<bool>,
    page_token: Option<Box<str>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of the given kind. The message becomes the `Display` form, so it must not hold secrets.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            status: None,
            code: None,
            request_id: None,
            details: Vec::new(),
            retry_after: None,
            attempts: 0,
            elapsed: None,
            may_have_been_sent: None,
            page_token: None,
            source: None,
        }))
    }

    /// Adds the error that caused this one. Loggers print the chain of sources, so it must not hold secrets either.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Arc::make_mut(&mut self.0).source = Some(source.into().into());
        self
    }

    /// Adds the HTTP status of the response.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        Arc::make_mut(&mut self.0).status = Some(status);
        self
    }

    /// Appends a note to the message, after a semicolon. It must not hold secrets.
    #[must_use]
    pub fn with_note(mut self, note: impl fmt::Display) -> Self {
        let message = &mut Arc::make_mut(&mut self.0).message;
        *message = format!("{message}; {note}");
        self
    }

    /// Sets the number of attempts; see [`attempts`](Self::attempts).
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        Arc::make_mut(&mut self.0).attempts = attempts;
        self
    }

    /// Sets how long the call took; see [`elapsed`](Self::elapsed).
    #[must_use]
    pub fn with_elapsed(mut self, elapsed: Duration) -> Self {
        Arc::make_mut(&mut self.0).elapsed = Some(elapsed);
        self
    }

    /// Sets how long to wait before the next attempt; see [`retry_after`](Self::retry_after).
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        Arc::make_mut(&mut self.0).retry_after = Some(delay);
        self
    }

    /// Overrides what kind and status imply: an earlier attempt of the same call may have reached the server, or this one
    /// was stopped before it was sent. See [`may_have_been_sent`](Self::may_have_been_sent).
    #[must_use]
    pub fn with_may_have_been_sent(mut self, sent: bool) -> Self {
        Arc::make_mut(&mut self.0).may_have_been_sent = Some(sent);
        self
    }

    /// Adds the token of the page that was asked for; see [`page_token`](Self::page_token).
    #[must_use]
    pub fn with_page_token(mut self, token: impl Into<Box<str>>) -> Self {
        Arc::make_mut(&mut self.0).page_token = Some(token.into());
        self
    }

    /// How the call failed.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The HTTP status, if there was a response.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The `google.rpc.Code` of the response. The server also uses [`Code::Unknown`], with status 500, for invalid
    /// requests.
    pub fn code(&self) -> Option<Code> {
        self.0.code
    }

    /// What went wrong: the server's message if the response had one.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The id by which the vendor's support finds the request in its logs. C1 sends it inside the message, as
    /// `(request-id: X)`, and in no header.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The detail messages of the response. After a 409 one of them may name the object that already exists.
    pub fn details(&self) -> &[wire::Any] {
        &self.0.details
    }

    /// The id of the object that already exists, if a 409 names one: the `resourceName` of a `google.rpc.ResourceInfo`
    /// (<https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto>) in its details; else their
    /// field `id`; else the one field whose name ends in `Id`, if there is only one.
    pub fn existing_id(&self) -> Option<&str> {
        if self.0.status != Some(StatusCode::CONFLICT) {
            return None;
        }
        let is_info = |detail: &&wire::Any| detail.type_name() == Some("google.rpc.ResourceInfo");
        // The other google.rpc details describe requests, quotas and the like, and have ids too.
        let is_own = |detail: &&wire::Any| {
            let name = detail.type_name();
            name.is_none_or(|name| !name.starts_with("google.rpc."))
        };
        let details = || self.0.details.iter();
        let of_info = details()
            .filter(is_info)
            .find_map(|info| text_of(info, "resourceName"));
        let own = || details().filter(is_own);
        of_info
            .or_else(|| own().find_map(|detail| text_of(detail, "id")))
            .or_else(|| {
                let mut ids = own().flat_map(|detail| {
                    let keys = detail.0.keys().filter(|name| name.ends_with("Id"));
                    keys.filter_map(|name| text_of(detail, name))
                });
                ids.next().filter(|_| ids.next().is_none())
            })
    }

    /// How long the server asks to wait before the next attempt, counted from its response (`Retry-After`, RFC 9110,
    /// section 10.2.3).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The number of attempts, the first one included; 0 if nothing was attempted or the transport does not count.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the call took with all attempts and the delays between them, if the transport measured it.
    pub fn elapsed(&self) -> Option<Duration> {
        self.0.elapsed
    }

    /// The token of the page that was asked for, if the call was that of a stream of pages; empty for the first page.
    pub fn page_token(&self) -> Option<&str> {
        self.0.page_token.as_deref()
    }

    /// Whether the server may have processed the request.
    ///
    /// True if the failure came after sending ([`ErrorKind::Timeout`], [`ErrorKind::Transport`], an unusable response), if
    /// the server itself failed (408, 499, 5xx), or if either holds for an earlier attempt of the same call. False if
    /// nothing was sent or the status is a refusal. After a redirect, 307 and 308 mean that the request was not processed.
    pub fn may_have_been_sent(&self) -> bool {
        self.0.may_have_been_sent.unwrap_or(match self.0.kind {
            ErrorKind::InvalidRequest
            | ErrorKind::NotSent
            | ErrorKind::NoRuntime
            | ErrorKind::Auth
            | ErrorKind::Connect
            | ErrorKind::Unauthenticated
            | ErrorKind::PermissionDenied
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::RateLimited => false,
            ErrorKind::Timeout
            | ErrorKind::Transport
            | ErrorKind::RequestTimeout
            | ErrorKind::Server
            | ErrorKind::UnexpectedContent
            | ErrorKind::Decode
            | ErrorKind::TooLarge => true,
            ErrorKind::Redirect => !matches!(
                self.0.status,
                Some(StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT)
            ),
            // 499: the client closed the connection (nginx, and C1).
            ErrorKind::Status => self
                .0
                .status
                .is_none_or(|status| status.as_u16() == 499 || !status.is_client_error()),
        })
    }

    /// The object does not exist (404).
    pub fn is_not_found(&self) -> bool {
        self.says(StatusCode::NOT_FOUND, Code::NotFound)
    }

    /// The object already exists (409).
    pub fn is_already_exists(&self) -> bool {
        // An aborted transaction is a 409 as well.
        self.says(StatusCode::CONFLICT, Code::AlreadyExists) && self.code() != Some(Code::Aborted)
    }

    /// The caller lacks permission (403).
    pub fn is_permission_denied(&self) -> bool {
        self.says(StatusCode::FORBIDDEN, Code::PermissionDenied)
    }

    /// The server does not accept the token (401).
    pub fn is_unauthenticated(&self) -> bool {
        self.says(StatusCode::UNAUTHORIZED, Code::Unauthenticated)
    }

    /// Too many requests (429).
    pub fn is_rate_limited(&self) -> bool {
        self.says(StatusCode::TOO_MANY_REQUESTS, Code::ResourceExhausted)
    }

    /// No response in time: the client stopped waiting ([`ErrorKind::Timeout`]) or a server did (408, 504).
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
            || self.says(StatusCode::GATEWAY_TIMEOUT, Code::DeadlineExceeded)
            || self.status() == Some(StatusCode::REQUEST_TIMEOUT)
    }

    /// No connection could be made.
    pub fn is_connect(&self) -> bool {
        self.0.kind == ErrorKind::Connect
    }

    /// The request is invalid: refused before sending ([`ErrorKind::InvalidRequest`]) or by the server (400).
    pub fn is_invalid_request(&self) -> bool {
        self.0.kind == ErrorKind::InvalidRequest
            || self.says(StatusCode::BAD_REQUEST, Code::InvalidArgument)
    }

    /// The server failed (5xx).
    pub fn is_server_error(&self) -> bool {
        self.status().is_some_and(|status| status.is_server_error())
    }

    fn says(&self, status: StatusCode, code: Code) -> bool {
        self.status() == Some(status) || self.code() == Some(code)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.0.kind);
        if let Some(status) = self.0.status {
            debug.field("status", &status.as_u16());
        }
        if let Some(code) = self.0.code {
            debug.field("code", &code);
        }
        if self.0.attempts > 0 {
            debug.field("attempts", &self.0.attempts);
        }
        debug
            .field("message", &self.0.message)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}

/// A field of a detail, if it is text and not empty.
fn text_of<'a>(detail: &'a wire::Any, name: &str) -> Option<&'a str> {
    let text = detail.0.get(name)?.as_str()?;
    (!text.is_empty()).then_some(text)
}
