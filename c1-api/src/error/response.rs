//! Errors made from responses, and from requests that got none.

use std::error::Error as StdError;
use std::time::{Duration, SystemTime};
use std::{io, iter};

use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Response, StatusCode};

use super::rpc_status::RpcStatus;
use super::{Error, ErrorKind};

/// How much of an error's body is read, in bytes. A `google.rpc.Status` takes a few hundred.
const MAX_BODY: usize = 1024 * 1024;

impl Error {
    /// The error for a request that `reqwest` could not carry out: [`ErrorKind::Connect`], [`ErrorKind::Timeout`],
    /// [`ErrorKind::InvalidRequest`], [`ErrorKind::Redirect`] or [`ErrorKind::Transport`]. The URL, whose query may hold
    /// secrets, is dropped.
    pub fn from_reqwest(error: reqwest::Error) -> Self {
        let (kind, message) = if error.is_builder() {
            (ErrorKind::InvalidRequest, "the request could not be built")
        } else if error.is_connect() && is_out_of_handles(&error) {
            (
                ErrorKind::Connect,
                "could not connect to the server: this machine is out of file handles (too many open files); make fewer \
                 calls at once, by `Limits::concurrent` of c1-api-ext for instance, or raise the limit (`ulimit -n`)",
            )
        } else if error.is_connect() {
            (ErrorKind::Connect, "could not connect to the server")
        } else if error.is_timeout() {
            (ErrorKind::Timeout, "the server did not respond in time")
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

    /// The error for a response whose status is not a success: [`from_parts`](Self::from_parts) with at most 1 MiB of its
    /// body. A longer body, or one that breaks off, is ignored.
    pub async fn from_response(mut response: Response) -> Self {
        let mut body = Vec::new();
        if !matches!(
            read_body(&mut response, MAX_BODY, &mut body).await,
            Ok(true)
        ) {
            body.clear();
        }
        Self::from_parts(response.status(), response.headers(), &body, None)
    }

    /// The error for a response whose status is not a success.
    ///
    /// Its kind follows from the status. Code, message and details are those of the body, if that is a
    /// `google.rpc.Status` (<https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto>); for any other
    /// body the message names status and content type. A date in `Retry-After` counts from the `Date` of the response,
    /// or from `now` without one; with neither it is ignored.
    pub fn from_parts(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: Option<SystemTime>,
    ) -> Self {
        let rpc = RpcStatus::parse(body);
        let message = rpc.message.unwrap_or_else(|| match content_type(headers) {
            Some(content) => format!("the server responded {status} with {content}"),
            None => format!("the server responded {status}"),
        });
        let mut error = Self::new(ErrorKind::of_status(status), message).with_status(status);
        let inner = std::sync::Arc::make_mut(&mut error.0);
        inner.code = rpc.code;
        inner.request_id = rpc.request_id;
        inner.details = rpc.details;
        inner.retry_after = retry_after(headers, now);
        error
    }

    /// The error for a success whose body does not match the description. Safe to show: the codec's errors never quote the
    /// wire.
    pub(crate) fn undecodable(error: serde_json::Error) -> Self {
        let message = format!("the response could not be decoded: {error}");
        Self::new(ErrorKind::Decode, message).with_source(error)
    }

    /// The error for a failed call of progenitor's client. Its own messages are not used: they quote bodies and headers.
    pub(crate) async fn from_raw(error: progenitor_client::Error<()>) -> Self {
        use progenitor_client::Error as Raw;
        match error {
            Raw::UnexpectedResponse(response) if response.status().is_success() => {
                let status = response.status();
                Self::new(
                    ErrorKind::UnexpectedContent,
                    format!("the server responded {status}, which the API does not document"),
                )
                .with_status(status)
            }
            Raw::UnexpectedResponse(response) => Self::from_response(response).await,
            Raw::ErrorResponse(response) => {
                Self::from_parts(response.status(), response.headers(), &[], None)
            }
            // The one status whose body is decoded.
            Raw::InvalidResponsePayload(_, error) => {
                Self::undecodable(error).with_status(StatusCode::OK)
            }
            Raw::CommunicationError(error)
            | Raw::ResponseBodyError(error)
            | Raw::InvalidUpgrade(error) => Self::from_reqwest(error),
            Raw::InvalidRequest(_) | Raw::Custom(_) => {
                Self::new(ErrorKind::InvalidRequest, "the request could not be built")
            }
        }
    }
}

/// Whether the process or the system has too many open files.
fn is_out_of_handles(error: &(dyn StdError + 'static)) -> bool {
    // std has no stable kind for it. ENFILE and EMFILE have the same numbers on all Unix systems; the others are
    // ERROR_TOO_MANY_OPEN_FILES and WSAEMFILE of Windows.
    let codes = if cfg!(windows) { [4, 10_024] } else { [23, 24] };
    iter::successors(Some(error), |error| (*error).source())
        .filter_map(|error| error.downcast_ref::<io::Error>()?.raw_os_error())
        .any(|code| codes.contains(&code))
}

/// Appends the body of `response` to `body`, in which there may then be at most `limit` bytes. False if there are more;
/// `body` then holds a part of them.
///
/// `limit` counts decompressed bytes. The buffer is the caller's, so that it can be one that is zeroized.
///
/// # Errors
/// When the connection breaks or times out.
pub async fn read_body(
    response: &mut Response,
    limit: usize,
    body: &mut Vec<u8>,
) -> Result<bool, reqwest::Error> {
    // The length is unknown for a compressed body.
    let announced = usize::try_from(response.content_length().unwrap_or_default());
    if announced.map_or(true, |announced| announced > limit) {
        return Ok(false);
    }
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(false);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(true)
}

/// The media type of a response without its parameters, in lower case, and only if it is a valid one: it becomes part of
/// messages.
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

/// Seconds, or a date in any of the forms that HTTP allows. A date in the past is no delay.
fn retry_after(headers: &HeaderMap, now: Option<SystemTime>) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let value = text(RETRY_AFTER).filter(|value| !value.is_empty())?;
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let date = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    let from = date.or(now)?;
    Some(until.duration_since(from).unwrap_or_default())
}
