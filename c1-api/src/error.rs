//! The one error type of every call.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use serde_json::Value as Json;

use crate::wire;

/// How much of an error's body is read, in bytes. A `google.rpc.Status` takes a few hundred.
const MAX_BODY: usize = 1024 * 1024;

/// Why a call failed.
///
/// `Display` is [`message`](Self::message) and nothing more. Neither it nor `Debug` ever shows headers, bodies, tokens or
/// URLs, so an error can be logged as it is. Cloning is cheap.
///
/// ```
/// # use c1_api::{Error, ErrorKind};
/// fn explain(error: &Error) -> String {
///     if error.is_not_found() {
///         return "there is no such thing".to_owned();
///     }
///     match error.request_id() {
///         Some(id) => format!("{error}; support will ask for {id}"),
///         None => error.to_string(),
///     }
/// }
/// assert_eq!(explain(&Error::new(ErrorKind::Timeout, "no answer in time")), "no answer in time");
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    status: Option<StatusCode>,
    code: Option<Code>,
    details: Vec<wire::Any>,
    retry_after: Option<Duration>,
    tries: u32,
    elapsed: Option<Duration>,
    /// What a transport knows better than kind and status do.
    may_have_been_sent: Option<bool>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// How a call failed: at which stage, or with which answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Refused before anything was sent: an argument cannot be used, or the request cannot be built.
    InvalidRequest,
    /// No token could be had, so the request was not sent.
    Auth,
    /// No connection came about, so the request was not sent. Running out of time while connecting counts as this.
    Connect,
    /// No answer came in time. The server may have carried the request out.
    Timeout,
    /// The connection broke while sending or receiving. The server may have carried the request out.
    Transport,
    /// The server sent the request elsewhere (3xx), where credentials must not follow.
    Redirect,
    /// The server does not accept the token (401).
    Unauthenticated,
    /// The caller is known, but may not do this (403).
    PermissionDenied,
    /// There is no such object, or no such operation (404).
    NotFound,
    /// The server gave up waiting for the request or for its own work (408).
    RequestTimeout,
    /// The object exists already, or another change was faster (409).
    Conflict,
    /// Too many requests (429).
    RateLimited,
    /// The server failed (5xx).
    Server,
    /// The server answered with any other status that is no success: 400 for instance.
    Status,
    /// The server answered with success, but with something that is not the API's (HTML of a login page, say).
    UnexpectedContent,
    /// The server answered with success, but the body does not fit the API description.
    Decode,
    /// The server answered with more bytes than the client takes.
    TooLarge,
}

impl ErrorKind {
    /// The kind's name in lower case with underscores, for logs and metrics: `rate_limited`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
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

    /// The kind of an answer with a status that is no success.
    fn of_status(status: StatusCode) -> Self {
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

    /// Whether the server answered, with a status that is no success; then the words are the server's.
    const fn is_of_status(self) -> bool {
        matches!(
            self,
            Self::Redirect
                | Self::Unauthenticated
                | Self::PermissionDenied
                | Self::NotFound
                | Self::RequestTimeout
                | Self::Conflict
                | Self::RateLimited
                | Self::Server
                | Self::Status
        )
    }
}

impl Error {
    /// An error of the given kind. The message becomes the `Display` form, so it must not hold secrets.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            status: None,
            code: None,
            details: Vec::new(),
            retry_after: None,
            tries: 0,
            elapsed: None,
            may_have_been_sent: None,
            source: None,
        }))
    }

    /// Adds the error that caused this one. It is shown by whoever prints the chain of sources, so it must not hold
    /// secrets either.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Arc::make_mut(&mut self.0).source = Some(source.into().into());
        self
    }

    /// Adds the HTTP status of the answer.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        Arc::make_mut(&mut self.0).status = Some(status);
        self
    }

    /// Adds what a transport has to say to the end of the message, behind a semicolon. It must not hold secrets.
    #[must_use]
    pub fn with_note(mut self, note: impl fmt::Display) -> Self {
        let message = &mut Arc::make_mut(&mut self.0).message;
        *message = format!("{message}; {note}");
        self
    }

    /// Says how often the call was tried; see [`tries`](Self::tries).
    #[must_use]
    pub fn with_tries(mut self, tries: u32) -> Self {
        Arc::make_mut(&mut self.0).tries = tries;
        self
    }

    /// Says how long the call took; see [`elapsed`](Self::elapsed).
    #[must_use]
    pub fn with_elapsed(mut self, elapsed: Duration) -> Self {
        Arc::make_mut(&mut self.0).elapsed = Some(elapsed);
        self
    }

    /// Says when to come again; see [`retry_after`](Self::retry_after).
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        Arc::make_mut(&mut self.0).retry_after = Some(delay);
        self
    }

    /// Says what kind and status do not tell: that an earlier try of the same call may have got through, or that this
    /// one was stopped before it was sent. See [`may_have_been_sent`](Self::may_have_been_sent).
    #[must_use]
    pub fn with_may_have_been_sent(mut self, sent: bool) -> Self {
        Arc::make_mut(&mut self.0).may_have_been_sent = Some(sent);
        self
    }

    /// The error for a request that `reqwest` could not carry out: [`ErrorKind::Connect`], [`ErrorKind::Timeout`],
    /// [`ErrorKind::InvalidRequest`], [`ErrorKind::Redirect`] or [`ErrorKind::Transport`]. The URL, whose query may hold
    /// secrets, is dropped.
    pub fn from_reqwest(error: reqwest::Error) -> Self {
        let (kind, message) = if error.is_builder() {
            (ErrorKind::InvalidRequest, "the request could not be built")
        } else if error.is_connect() {
            (ErrorKind::Connect, "could not connect to the server")
        } else if error.is_timeout() {
            (ErrorKind::Timeout, "the server did not answer in time")
        } else if error.is_redirect() {
            (
                ErrorKind::Redirect,
                "the server's redirects could not be followed",
            )
        } else {
            (ErrorKind::Transport, "the connection to the server broke")
        };
        Self::new(kind, message).with_source(error.without_url())
    }

    /// The error for an answer that is no success, of the kind that goes with its status, with code, message and details
    /// where the body is a `google.rpc.Status` (<https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto>). Any other
    /// body, an HTML page for instance, leaves status and content type to tell.
    ///
    /// Reads at most 1 MiB of the body.
    pub async fn from_response(mut response: reqwest::Response) -> Self {
        let status = response.status();
        let retry_after = read_retry_after(response.headers());
        let content = content_type(response.headers());
        let body = read_up_to(MAX_BODY, &mut response)
            .await
            .unwrap_or_default();
        let said = RpcStatus::parse(&body);
        let message = said.message.unwrap_or_else(|| match &content {
            Some(content) => format!("the server answered {status} with {content}"),
            None => format!("the server answered {status}"),
        });
        Self(Arc::new(Inner {
            kind: ErrorKind::of_status(status),
            message,
            status: Some(status),
            code: said.code,
            details: said.details,
            retry_after,
            tries: 0,
            elapsed: None,
            may_have_been_sent: None,
            source: None,
        }))
    }

    /// The error for a failed call of the raw client ([`crate::raw::Client`]). progenitor's own texts are not used: they
    /// quote whole bodies and headers.
    pub async fn from_raw(error: progenitor_client::Error<()>) -> Self {
        use progenitor_client::Error as Raw;
        match error {
            Raw::UnexpectedResponse(mut response) => {
                let status = response.status();
                if let Some(Carried(error)) = response.extensions_mut().remove() {
                    error
                } else if status.is_success() {
                    Self::new(
                        ErrorKind::UnexpectedContent,
                        format!("the server answered {status}, which the API does not document"),
                    )
                    .with_status(status)
                } else {
                    Self::from_response(response).await
                }
            }
            Raw::ErrorResponse(response) => {
                let status = response.status();
                let message = format!("the server answered {status}");
                Self::new(ErrorKind::of_status(status), message).with_status(status)
            }
            // Safe to show: the codec's errors never quote the wire.
            Raw::InvalidResponsePayload(_, error) => Self::new(
                ErrorKind::Decode,
                format!("could not decode the answer: {error}"),
            )
            // The one status whose body progenitor decodes.
            .with_status(StatusCode::OK)
            .with_source(error),
            Raw::CommunicationError(error)
            | Raw::ResponseBodyError(error)
            | Raw::InvalidUpgrade(error) => Self::from_reqwest(error),
            Raw::InvalidRequest(_) | Raw::Custom(_) => {
                Self::new(ErrorKind::InvalidRequest, "the request could not be built")
            }
        }
    }

    /// How the call failed.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The `google.rpc.Code` of the server's answer. The server also uses [`Code::Unknown`], with status 500, for plain
    /// mistakes in the request.
    pub fn code(&self) -> Option<Code> {
        self.0.code
    }

    /// What went wrong: the server's own words where it gave some.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The id by which the vendor's support finds the request in its logs. C1 sends it inside the message, as
    /// `(request-id: X)`, and in no header.
    pub fn request_id(&self) -> Option<&str> {
        if !self.0.kind.is_of_status() {
            return None;
        }
        let (_, rest) = self.0.message.rsplit_once("(request-id:")?;
        let (id, _) = rest.split_once(')')?;
        Some(id.trim()).filter(|id| !id.is_empty())
    }

    /// The messages that the server attached. After a 409 one of them names the object that exists already.
    pub fn details(&self) -> &[wire::Any] {
        &self.0.details
    }

    /// The id of the object that exists already, where a 409 names one: the `resourceName` of a `google.rpc.ResourceInfo`
    /// (<https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto>) in its details; else their
    /// field `id`; else the one field whose name ends in `Id`, if there is only one.
    pub fn existing_id(&self) -> Option<&str> {
        if self.0.status != Some(StatusCode::CONFLICT) {
            return None;
        }
        let is_info = |detail: &&wire::Any| detail.type_name() == Some("google.rpc.ResourceInfo");
        // What else google.rpc defines speaks of requests, quotas and the like, which have ids, too.
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

    /// How long the server asks to wait before the next try, from when it answered (`Retry-After`, RFC 9110, section
    /// 10.2.3). A date there counts from the `Date` of the same answer, and is not told without one.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How often the call was tried, the first time included; 0 if the transport does not count, or was not reached. An
    /// answer that came and could not be understood does not tell its tries ([`ErrorKind::UnexpectedContent`],
    /// [`ErrorKind::Decode`]).
    pub fn tries(&self) -> u32 {
        self.0.tries
    }

    /// How long the call took with all its tries and what was waited between them, if the transport says so.
    pub fn elapsed(&self) -> Option<Duration> {
        self.0.elapsed
    }

    /// Whether the server may have carried the request out: it may have if the failure lies behind the sending
    /// ([`ErrorKind::Timeout`], [`ErrorKind::Transport`], an answer that is of no use), in the server itself (408, 499, 5xx),
    /// or if that was so with an earlier try of the same call. It has not if nothing was sent, or if the status is a
    /// refusal. After a redirect, 307 and 308 say that the request is still to be made.
    pub fn may_have_been_sent(&self) -> bool {
        self.0.may_have_been_sent.unwrap_or(match self.0.kind {
            ErrorKind::InvalidRequest
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
            // 499 is what nginx calls it when the client went away, and C1 as well.
            ErrorKind::Status => self
                .0
                .status
                .is_none_or(|status| status.as_u16() == 499 || !status.is_client_error()),
        })
    }

    /// There is no such object (404).
    pub fn is_not_found(&self) -> bool {
        self.says(StatusCode::NOT_FOUND, Code::NotFound)
    }

    /// The object exists already (409).
    pub fn is_already_exists(&self) -> bool {
        // A transaction that was aborted travels as a 409 as well.
        self.says(StatusCode::CONFLICT, Code::AlreadyExists) && self.code() != Some(Code::Aborted)
    }

    /// The caller is known, but may not do this (403).
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

    /// No answer in time, be it that the client stopped waiting ([`ErrorKind::Timeout`]) or that a server did (408, 504).
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
            || self.says(StatusCode::GATEWAY_TIMEOUT, Code::DeadlineExceeded)
            || self.status() == Some(StatusCode::REQUEST_TIMEOUT)
    }

    /// No connection came about.
    pub fn is_connect(&self) -> bool {
        self.0.kind == ErrorKind::Connect
    }

    /// The request is at fault: refused before sending ([`ErrorKind::InvalidRequest`]) or by the server (400).
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
        if self.0.tries > 0 {
            debug.field("tries", &self.0.tries);
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

/// An [`Error`] on its way through progenitor, which lets no error type but reqwest's pass; see `transport.rs`.
#[derive(Clone)]
pub(crate) struct Carried(pub(crate) Error);

/// The media type of an answer without its parameters, in lower case, and cut to what a media type may hold: it goes
/// into messages.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next()?.trim();
    // 127 characters for type and subtype each (RFC 6838, section 4.2).
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/!#$&-^_.+".contains(c);
    let plain = !essence.is_empty() && essence.len() <= 255 && essence.chars().all(allowed);
    Some(if plain {
        essence.to_ascii_lowercase()
    } else {
        "an unreadable content type".to_owned()
    })
}

/// A field of a detail, if it is text and not empty.
fn text_of<'a>(detail: &'a wire::Any, name: &str) -> Option<&'a str> {
    let text = detail.0.get(name)?.as_str()?;
    (!text.is_empty()).then_some(text)
}

/// Seconds, or a date in any of the forms that HTTP has had. A date that is over is no time at all.
fn read_retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let told = text(RETRY_AFTER).filter(|told| !told.is_empty())?;
    if told.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(told.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(told).ok()?;
    let now = httpdate::parse_http_date(text(DATE)?).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

/// The body, or `None` if it is longer than `limit` or breaks off.
async fn read_up_to(limit: usize, response: &mut reqwest::Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > limit {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

/// A `google.rpc.Status`. Whatever of it has an unexpected shape is left out, so that the rest can still be told.
#[derive(Default)]
struct RpcStatus {
    code: Option<Code>,
    message: Option<String>,
    details: Vec<wire::Any>,
}

impl RpcStatus {
    fn parse(body: &[u8]) -> Self {
        let Ok(Json::Object(mut status)) = serde_json::from_slice(body) else {
            return Self::default();
        };
        let code = status
            .get("code")
            .and_then(Json::as_i64)
            .and_then(|code| i32::try_from(code).ok());
        let details = match status.remove("details") {
            Some(Json::Array(details)) => details,
            _ => Vec::new(),
        };
        Self {
            code: code.filter(|code| *code != 0).map(Code::from),
            message: status
                .get("message")
                .and_then(Json::as_str)
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            details: details
                .into_iter()
                .filter_map(|detail| {
                    if let Json::Object(detail) = detail {
                        Some(wire::Any(detail))
                    } else {
                        None
                    }
                })
                .collect(),
        }
    }
}

macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident = $number:literal $text:literal,)*) => {
        /// A `google.rpc.Code`: what kind of failure the server reports, more precisely than the HTTP status does.
        /// <https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto>
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$meta])* $name,)*
            /// A number that is not in the list.
            Unrecognized(i32),
        }

        impl From<i32> for Code {
            fn from(number: i32) -> Self {
                match number {
                    $($number => Self::$name,)*
                    other => Self::Unrecognized(other),
                }
            }
        }

        impl From<Code> for i32 {
            fn from(code: Code) -> Self {
                match code {
                    $(Code::$name => $number,)*
                    Code::Unrecognized(number) => number,
                }
            }
        }

        /// The code's name in `google.rpc.Code`, or its number if it has none.
        impl fmt::Display for Code {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($text),)*
                    Self::Unrecognized(number) => number.fmt(f),
                }
            }
        }
    };
}

codes! {
    /// 0: no failure at all.
    Ok = 0 "OK",
    /// 1: the caller gave up.
    Cancelled = 1 "CANCELLED",
    /// 2: the server has no better code; C1 uses it for mistakes in the request, too.
    Unknown = 2 "UNKNOWN",
    /// 3: an argument is wrong whatever the state of the system.
    InvalidArgument = 3 "INVALID_ARGUMENT",
    /// 4: time ran out; the work may have been done.
    DeadlineExceeded = 4 "DEADLINE_EXCEEDED",
    /// 5: no such object.
    NotFound = 5 "NOT_FOUND",
    /// 6: the object to create is there already.
    AlreadyExists = 6 "ALREADY_EXISTS",
    /// 7: the caller may not do this.
    PermissionDenied = 7 "PERMISSION_DENIED",
    /// 8: a quota is used up.
    ResourceExhausted = 8 "RESOURCE_EXHAUSTED",
    /// 9: the system must be in another state first.
    FailedPrecondition = 9 "FAILED_PRECONDITION",
    /// 10: lost against another change at the same time.
    Aborted = 10 "ABORTED",
    /// 11: beyond the valid range.
    OutOfRange = 11 "OUT_OF_RANGE",
    /// 12: the server does not offer this.
    Unimplemented = 12 "UNIMPLEMENTED",
    /// 13: something is broken in the server.
    Internal = 13 "INTERNAL",
    /// 14: the server is not there for the moment.
    Unavailable = 14 "UNAVAILABLE",
    /// 15: data is lost for good.
    DataLoss = 15 "DATA_LOSS",
    /// 16: no valid credentials.
    Unauthenticated = 16 "UNAUTHENTICATED",
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const CANARY: &str = "canary-7357";

    fn response(
        status: u16,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Response {
        http::Response::builder()
            .status(status)
            .header("content-type", content_type)
            .header("set-cookie", CANARY)
            .body(body.into())
            .unwrap()
            .into()
    }

    /// Everything that an error can be made to print, its sources included.
    fn shown(error: &Error) -> String {
        let mut text = format!("{error} {error:?} {error:#?}");
        let mut source = error.source();
        while let Some(error) = source {
            let _ = write!(text, " {error} {error:?}");
            source = error.source();
        }
        text
    }

    #[tokio::test]
    async fn a_google_rpc_status_is_taken_apart() {
        let body = r#"{"code": 6, "message": "app exists (request-id: 2xYz)", "more": null,
            "details": [{"@type": "type.googleapis.com/c1.Existing", "appId": "2B"}]}"#;
        let error =
            Error::from_response(response(409, "application/json; charset=utf-8", body)).await;
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(error.status(), Some(StatusCode::CONFLICT));
        assert_eq!(error.code(), Some(Code::AlreadyExists));
        assert_eq!(error.message(), "app exists (request-id: 2xYz)");
        assert_eq!(error.to_string(), error.message());
        assert_eq!(error.request_id(), Some("2xYz"));
        assert!(error.is_already_exists() && !error.is_not_found() && !error.is_server_error());
        assert_eq!(error.details().len(), 1);
        assert_eq!(error.details()[0].type_name(), Some("c1.Existing"));
        assert_eq!(error.details()[0].0["appId"], "2B");
        assert!(!shown(&error).contains(CANARY));
    }

    #[tokio::test]
    async fn a_malformed_part_does_not_hide_the_others() {
        for (body, code) in [
            (
                r#"{"code": 5, "message": "gone", "details": {"a": 1}}"#,
                Some(Code::NotFound),
            ),
            (
                r#"{"code": "x", "message": "gone", "details": [1, null, "a"]}"#,
                None,
            ),
            (
                r#"{"code": null, "message": "gone", "details": null}"#,
                None,
            ),
            (
                r#"{"code": 99, "message": "gone"}"#,
                Some(Code::Unrecognized(99)),
            ),
        ] {
            let error = Error::from_response(response(404, "application/json", body)).await;
            assert_eq!(
                (error.message(), error.code(), error.details().len()),
                ("gone", code, 0)
            );
        }
    }

    #[tokio::test]
    async fn any_other_body_is_not_quoted() {
        let huge = format!(
            "{{\"message\": \"{}\"}}",
            CANARY.repeat(MAX_BODY / CANARY.len())
        );
        for (kind, body, message) in [
            (
                "text/html; charset=utf-8",
                format!("<html>{CANARY}"),
                "the server answered 502 Bad Gateway with text/html",
            ),
            (
                "application/json",
                format!("{{\"error\": \"{CANARY}\"}}"),
                "the server answered 502 Bad Gateway with application/json",
            ),
            (
                "application/json",
                format!("{{\"message\": [\"{CANARY}\"]}}"),
                "the server answered 502 Bad Gateway with application/json",
            ),
            (
                "application/json",
                String::new(),
                "the server answered 502 Bad Gateway with application/json",
            ),
            (
                "application/json",
                huge,
                "the server answered 502 Bad Gateway with application/json",
            ),
            (
                "<canary-7357>",
                String::new(),
                "the server answered 502 Bad Gateway with an unreadable content type",
            ),
        ] {
            let error = Error::from_response(response(502, kind, body)).await;
            assert_eq!(error.message(), message);
            assert_eq!((error.code(), error.request_id()), (None, None));
            assert!(error.is_server_error());
            assert!(!shown(&error).contains(CANARY));
        }
    }

    #[tokio::test]
    async fn a_decode_error_hides_the_body() {
        let text = format!("[\"{CANARY}\"]");
        let inner = serde_json::from_str::<wire::Any>(&text).err().unwrap();
        let raw = progenitor_client::Error::InvalidResponsePayload(text.into(), inner);
        assert!(
            format!("{raw}").contains(CANARY),
            "progenitor no longer quotes: from_raw may forward it"
        );
        let error = Error::from_raw(raw).await;
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(
            error.message(),
            "could not decode the answer: expected an object"
        );
        assert!(error.source().is_some());
        assert!(!shown(&error).contains(CANARY));
    }

    #[tokio::test]
    async fn raw_errors_keep_their_secrets() {
        use progenitor_client::{Error as Raw, ResponseValue};
        let http = crate::testing::http();
        // Port 1 is closed on any sane machine; the URL carries the secret.
        let refused = http
            .get(format!("http://127.0.0.1:1/?token={CANARY}"))
            .send()
            .await
            .unwrap_err();
        let builder = http
            .get("http://127.0.0.1/")
            .header(CANARY, "\n")
            .build()
            .unwrap_err();
        let headers = HeaderMap::from_iter([(reqwest::header::COOKIE, CANARY.parse().unwrap())]);
        for (raw, kind) in [
            (Raw::CommunicationError(refused), ErrorKind::Connect),
            (Raw::CommunicationError(builder), ErrorKind::InvalidRequest),
            (
                Raw::InvalidRequest(CANARY.into()),
                ErrorKind::InvalidRequest,
            ),
            (Raw::Custom(CANARY.into()), ErrorKind::InvalidRequest),
            (
                Raw::ErrorResponse(ResponseValue::new((), StatusCode::NOT_FOUND, headers)),
                ErrorKind::NotFound,
            ),
            (
                Raw::UnexpectedResponse(response(204, CANARY, CANARY)),
                ErrorKind::UnexpectedContent,
            ),
            (
                Raw::UnexpectedResponse(response(404, "text/html", CANARY)),
                ErrorKind::NotFound,
            ),
        ] {
            let error = Error::from_raw(raw).await;
            assert_eq!(error.kind(), kind, "{error:?}");
            assert!(!shown(&error).contains(CANARY), "{}", shown(&error));
        }
    }

    #[tokio::test]
    async fn a_carried_error_comes_out_as_it_went_in() {
        let mut response = response(599, "text/plain", "");
        let source = std::io::Error::other("inner");
        response.extensions_mut().insert(Carried(
            Error::new(ErrorKind::Auth, "no token").with_source(source),
        ));
        let error = Error::from_raw(progenitor_client::Error::UnexpectedResponse(response)).await;
        assert_eq!(
            (error.kind(), error.message(), error.status()),
            (ErrorKind::Auth, "no token", None)
        );
        assert_eq!(error.source().unwrap().to_string(), "inner");
    }

    #[tokio::test]
    async fn questions() {
        type Question = fn(&Error) -> bool;
        let questions: [(&str, Question); 9] = [
            ("not_found", Error::is_not_found),
            ("already_exists", Error::is_already_exists),
            ("permission_denied", Error::is_permission_denied),
            ("unauthenticated", Error::is_unauthenticated),
            ("rate_limited", Error::is_rate_limited),
            ("timeout", Error::is_timeout),
            ("connect", Error::is_connect),
            ("invalid_request", Error::is_invalid_request),
            ("server_error", Error::is_server_error),
        ];
        let yes = |error: &Error| -> Vec<&str> {
            questions
                .iter()
                .filter(|(_, question)| question(error))
                .map(|(name, _)| *name)
                .collect()
        };
        for (status, code, answers) in [
            (400, 3, &["invalid_request"][..]),
            (401, 16, &["unauthenticated"]),
            (403, 7, &["permission_denied"]),
            (404, 0, &["not_found"]),
            (500, 5, &["not_found", "server_error"]),
            (408, 0, &["timeout"]),
            (409, 0, &["already_exists"]),
            (409, 10, &[]),
            (429, 8, &["rate_limited"]),
            (500, 2, &["server_error"]),
            (504, 4, &["timeout", "server_error"]),
        ] {
            let body = format!("{{\"code\": {code}}}");
            let error = Error::from_response(response(status, "application/json", body)).await;
            assert_eq!(yes(&error), answers, "{status} {code}");
        }
        for (kind, answers) in [
            (ErrorKind::Connect, &["connect"][..]),
            (ErrorKind::Timeout, &["timeout"]),
            (ErrorKind::InvalidRequest, &["invalid_request"]),
            (ErrorKind::Transport, &[]),
        ] {
            assert_eq!(yes(&Error::new(kind, "")), answers, "{kind:?}");
        }
    }

    #[tokio::test]
    async fn request_ids() {
        for (message, id) in [
            ("no (request-id: a-1)", Some("a-1")),
            ("(request-id: fake) x (request-id:b)", Some("b")),
            ("x (request-id: )", None),
            ("x (request-id: a", None),
            ("request-id: a", None),
        ] {
            let body = format!("{{\"message\": \"{message}\"}}");
            let error = Error::from_response(response(500, "application/json", body)).await;
            assert_eq!(error.request_id(), id, "{message}");
        }
    }

    #[tokio::test]
    async fn every_status_has_its_kind_and_says_whether_it_is_a_refusal() {
        use ErrorKind as K;
        for (status, kind, sent) in [
            (301, K::Redirect, true),
            (302, K::Redirect, true),
            (303, K::Redirect, true),
            (307, K::Redirect, false),
            (308, K::Redirect, false),
            (400, K::Status, false),
            (401, K::Unauthenticated, false),
            (403, K::PermissionDenied, false),
            (404, K::NotFound, false),
            (405, K::Status, false),
            (408, K::RequestTimeout, true),
            (409, K::Conflict, false),
            (413, K::Status, false),
            (422, K::Status, false),
            (429, K::RateLimited, false),
            (499, K::Status, true),
            (500, K::Server, true),
            (501, K::Server, true),
            (502, K::Server, true),
            (503, K::Server, true),
            (504, K::Server, true),
            (599, K::Server, true),
        ] {
            let body = r#"{"message": "no (request-id: a)"}"#;
            let error = Error::from_response(response(status, "application/json", body)).await;
            assert_eq!(error.kind(), kind, "{status}");
            assert_eq!(error.may_have_been_sent(), sent, "{status}");
            assert_eq!(error.request_id(), Some("a"), "{status}");
            // An earlier try may have got through, whatever became of the last one.
            assert!(error.with_may_have_been_sent(true).may_have_been_sent());
        }
        for (kind, sent) in [
            (K::InvalidRequest, false),
            (K::Auth, false),
            (K::Connect, false),
            (K::Timeout, true),
            (K::Transport, true),
            (K::UnexpectedContent, true),
            (K::Decode, true),
            (K::TooLarge, true),
        ] {
            let error = Error::new(kind, "no (request-id: a)");
            assert_eq!(error.may_have_been_sent(), sent, "{kind:?}");
            assert_eq!(error.request_id(), None, "{kind:?}");
        }
    }

    #[tokio::test]
    async fn retry_after_is_seconds_or_a_date() {
        const DATED: Option<&str> = Some("Tue, 14 Nov 2023 22:13:20 GMT");
        for (told, date, delay) in [
            ("120", None, Some(120)),
            (" 0 ", None, Some(0)),
            ("99999999999999999999999", None, Some(u64::MAX)),
            ("Tue, 14 Nov 2023 22:13:50 GMT", DATED, Some(30)),
            ("Tuesday, 14-Nov-23 22:13:50 GMT", DATED, Some(30)),
            ("Tue Nov 14 22:13:50 2023", DATED, Some(30)),
            ("Tue, 14 Nov 2023 22:13:19 GMT", DATED, Some(0)),
            ("Tue, 14 Nov 2023 22:13:50 GMT", None, None),
            ("Tue, 14 Nov 2023 22:13:50 GMT", Some("today"), None),
            ("-1", DATED, None),
            ("1.5", DATED, None),
            ("", DATED, None),
            ("soon", DATED, None),
        ] {
            let mut response = response(429, "application/json", "");
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, told.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            let error = Error::from_response(response).await;
            assert_eq!(
                error.retry_after(),
                delay.map(Duration::from_secs),
                "{told}"
            );
        }
        let error = Error::from_response(response(429, "application/json", "")).await;
        assert_eq!(error.retry_after(), None);
    }

    #[tokio::test]
    async fn the_existing_id_is_found_where_there_is_only_one() {
        const INFO: &str = r#""@type": "type.googleapis.com/google.rpc.ResourceInfo""#;
        for (details, id) in [
            (format!("{{{INFO}, \"resourceName\": \"2B\"}}"), Some("2B")),
            (
                format!("{{\"id\": \"2A\"}}, {{{INFO}, \"resourceName\": \"2B\"}}"),
                Some("2B"),
            ),
            (
                format!("{{{INFO}, \"resourceName\": \"\"}}, {{\"id\": \"2A\"}}"),
                Some("2A"),
            ),
            (
                r#"{"@type": "x/c1.Existing", "appId": "2A", "id": "2B"}"#.into(),
                Some("2B"),
            ),
            (
                r#"{"@type": "x/c1.Existing", "appId": "2B", "paid": "x"}"#.into(),
                Some("2B"),
            ),
            (r#"{"appId": "2A", "userId": "2B"}"#.into(), None),
            (r#"{"appId": 1, "userId": "2B"}"#.into(), Some("2B")),
            (
                r#"{"@type": "x/google.rpc.RequestInfo", "requestId": "r"}"#.into(),
                None,
            ),
            (String::new(), None),
        ] {
            let body = format!("{{\"code\": 6, \"details\": [{details}]}}");
            let of = async |status| {
                Error::from_response(response(status, "application/json", body.clone())).await
            };
            assert_eq!(of(409).await.existing_id(), id, "{details}");
            assert_eq!(of(400).await.existing_id(), None, "{details}");
        }
    }

    #[test]
    fn transports_add_what_they_know() {
        let error = Error::new(ErrorKind::Timeout, "no answer")
            .with_tries(3)
            .with_elapsed(Duration::from_secs(7))
            .with_retry_after(Duration::from_secs(1))
            .with_may_have_been_sent(false)
            .with_note("not tried again");
        assert_eq!(error.to_string(), "no answer; not tried again");
        assert_eq!((error.tries(), error.may_have_been_sent()), (3, false));
        assert_eq!(error.elapsed(), Some(Duration::from_secs(7)));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
        assert_eq!(
            format!("{error:?}"),
            "Error { kind: Timeout, tries: 3, message: \"no answer; not tried again\", .. }"
        );
        let plain = Error::new(ErrorKind::Timeout, "");
        assert_eq!((plain.tries(), plain.elapsed()), (0, None));
    }

    #[test]
    fn codes_are_open() {
        for number in 0..=16 {
            let code = Code::from(number);
            assert!(!matches!(code, Code::Unrecognized(_)));
            assert_eq!(i32::from(code), number);
        }
        assert_eq!(i32::from(Code::from(99)), 99);
        assert_eq!(Code::from(99).to_string(), "99");
        assert_eq!(Code::NotFound.to_string(), "NOT_FOUND");
    }

    #[test]
    fn shared_errors_are_not_changed_behind_each_others_back() {
        let one = Error::new(ErrorKind::Auth, "no");
        let two = one.clone().with_status(StatusCode::UNAUTHORIZED);
        assert_eq!(
            (one.status(), two.status()),
            (None, Some(StatusCode::UNAUTHORIZED))
        );
        assert_eq!(
            format!("{two:?}"),
            "Error { kind: Auth, status: 401, message: \"no\", .. }"
        );
    }

    fn _is_send_sync<T: Send + Sync + 'static>() {}
    const _: fn() = _is_send_sync::<Error>;
}
