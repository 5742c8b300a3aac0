//! What goes wrong with one request.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use c1_api_spec::model::{Description, Operation};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::{Map, Value};

use super::{page, values};
use crate::state::LATEST;
use crate::status::Status;
use crate::text;

/// A page as of a proxy.
const HTML: &[u8] =
    b"<!DOCTYPE html>\n<html><body><h1>A fault of the emulator</h1></body></html>\n";

/// The effects of all faults that apply to a request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Effects {
    pub(crate) latency: Option<Duration>,
    /// Whether the clock is ahead, and by how much it differs.
    pub(super) clock: Option<(bool, Duration)>,
    pub(crate) token: Option<Token>,
    pub(crate) status: Option<StatusCode>,
    pub(super) retry_after: Option<RetryAfter>,
    pub(super) content: Option<Content>,
    pub(super) page: Option<Page>,
    pub(super) unknown_enums: bool,
    pub(super) unknown_fields: bool,
    pub(super) duplicate_key: bool,
    /// The number of bytes of the body after which it ends.
    pub(super) cut: Option<usize>,
    pub(super) end: Option<End>,
}

/// What is wrong with the access token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token {
    Expired,
    Revoked,
}

/// When to retry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RetryAfter {
    Seconds(Duration),
    Date(Duration),
}

/// The body in place of the right one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Content {
    Html,
    Empty,
}

/// What is wrong with a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Page {
    Empty,
    Repeat,
}

/// How the response ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    Hang,
    HangInBody,
    Reset,
}

/// A status that a response may have.
pub(super) fn status(status: u16) -> Option<StatusCode> {
    let status = (200..600).contains(&status).then_some(status)?;
    StatusCode::from_u16(status).ok()
}

impl Effects {
    /// Whether nothing goes wrong.
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Both, with those of `later` where they contradict each other.
    pub(crate) fn and(self, later: Self) -> Self {
        Self {
            latency: later.latency.or(self.latency),
            clock: later.clock.or(self.clock),
            token: later.token.or(self.token),
            status: later.status.or(self.status),
            retry_after: later.retry_after.or(self.retry_after),
            content: later.content.or(self.content),
            page: later.page.or(self.page),
            unknown_enums: later.unknown_enums || self.unknown_enums,
            unknown_fields: later.unknown_fields || self.unknown_fields,
            duplicate_key: later.duplicate_key || self.duplicate_key,
            cut: later.cut.or(self.cut),
            end: later.end.or(self.end),
        }
    }

    /// The time at which the request is handled, where the clock says `now`.
    pub(crate) fn time(&self, now: SystemTime) -> SystemTime {
        let earliest = SystemTime::UNIX_EPOCH;
        match self.clock {
            Some((true, by)) => later(now, by),
            Some((false, by)) => now
                .checked_sub(by)
                .map_or(earliest, |time| time.max(earliest)),
            None => now,
        }
    }

    /// The error with which an operation is refused, if it is, whatever its token.
    pub(crate) fn refusal(&self) -> Result<(), Status> {
        self.status
            .map_or(Ok(()), |http| Err(Status::injected(http)))
    }

    /// Changes the value of a successful response. `token` is the page token of the request.
    pub(crate) fn change_value(
        &self,
        description: &Description,
        operation: &Operation,
        token: &str,
        value: &mut Value,
    ) {
        if let Some(fault) = self.page {
            page::change(operation, fault, token, value);
        }
        if let Some(payload) = &operation.response.payload
            && let Some(ty) = &payload.json
            && (self.unknown_enums || self.unknown_fields)
        {
            values::change(description, ty, self, value);
        }
    }

    /// Changes a response that is sent at `now`.
    pub(crate) fn change_response(&self, response: &mut Response<Bytes>, now: SystemTime) {
        if self.status.is_some_and(|status| status.as_u16() < 400) {
            *response.body_mut() = Bytes::from_static(b"{}");
        }
        if self.duplicate_key
            && let Some(twice) = twice(response.body())
        {
            *response.body_mut() = Bytes::from(twice);
        }
        match self.content {
            Some(Content::Html) => {
                *response.body_mut() = Bytes::from_static(HTML);
                set_header(response, CONTENT_TYPE, "text/html; charset=utf-8");
            }
            Some(Content::Empty) => *response.body_mut() = Bytes::new(),
            None => {}
        }
        match self.retry_after {
            // Rounded up, so that a client that waits so long is not too early.
            Some(RetryAfter::Seconds(time)) => {
                let seconds = time.as_millis().div_ceil(1000);
                set_header(response, RETRY_AFTER, &seconds.to_string());
            }
            Some(RetryAfter::Date(time)) => {
                let date = text::http_date(later(now, time));
                set_header(response, RETRY_AFTER, &date);
            }
            None => {}
        }
    }
}

/// A later time, within the years of a header.
fn later(now: SystemTime, by: Duration) -> SystemTime {
    let latest = SystemTime::UNIX_EPOCH + LATEST;
    now.checked_add(by).map_or(latest, |time| time.min(latest))
}

fn set_header(response: &mut Response<Bytes>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The JSON object with its first member twice; `None` if there is none.
fn twice(text: &[u8]) -> Option<String> {
    let object: Map<String, Value> = serde_json::from_slice(text).ok()?;
    let (name, value) = object.iter().next()?;
    let rest = Value::Object(object.clone()).to_string();
    let rest = rest.strip_prefix('{')?;
    Some(format!("{{{}:{value},{rest}", Value::from(name.as_str())))
}

#[cfg(test)]
mod tests {
    use super::twice;

    #[test]
    fn the_first_member_is_sent_twice() {
        let text = twice(br#"{"a\n":[1,2],"b":{}}"#);
        assert_eq!(text.as_deref(), Some(r#"{"a\n":[1,2],"a\n":[1,2],"b":{}}"#));
        assert_eq!(twice(b"{}"), None);
        assert_eq!(twice(b"[1]"), None);
    }
}
