//! Faults on demand: what goes wrong, and for which requests.

mod active;
mod body;
mod effects;
mod page;
mod text;
mod values;

use std::time::Duration;

pub(crate) use active::{Faults, glob};
pub(crate) use body::{Body, Disconnect};
use effects::{Content, End, Page, RetryAfter};
pub(crate) use effects::{Effects, Token};
use hyper::StatusCode;
pub(crate) use page::take_token;
pub use text::FaultError;

/// What goes wrong, and for which requests; see [`Emulator::inject`](crate::Emulator::inject).
///
/// Without a selection it is every request, including those to the token endpoint. Where several faults apply to one
/// request, so do their effects; of two that contradict each other the one that was injected last wins.
///
/// A response with a fault has the header `C1-Emulator: fault`, and [`Request::fault`](crate::Request::fault) tells what it
/// was. An operation whose status or token is at fault is not executed. With the other faults it is, so that a response
/// that is lost may be that of a write.
///
/// A fault is also a text, for the option `--fault` of the program and the header `C1-Emulator-Fault` of a request: a
/// pattern of operation ids with a colon, if any, and settings that are separated by commas. Each method tells its
/// setting. The header has no selection, because the fault is that of its own request.
///
/// ```
/// use std::time::Duration;
///
/// use c1_api_emulator::Fault;
///
/// let fault = Fault::new()
///     .operation("apps.*")
///     .times(2)
///     .status(503)
///     .retry_after(Duration::from_secs(1));
/// assert_eq!("apps.*: times=2, status=503, retry-after=1s".parse(), Ok(fault));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Fault {
    operation: Option<String>,
    path: Option<String>,
    after: u32,
    times: Option<u32>,
    every: Option<u32>,
    probability: Option<f64>,
    limit: Option<(u32, Duration)>,
    effects: Effects,
}

/// For which requests.
impl Fault {
    /// A fault of all requests, without an effect yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects operations by their id, such as `apps.list`; `*` stands for any text. As text: `apps.*:` in front.
    pub fn operation(mut self, pattern: impl Into<String>) -> Self {
        self.operation = Some(pattern.into());
        self
    }

    /// Selects requests by the path as it was sent, such as `/auth/v1/token`; `*` stands for any text. As text:
    /// `path=/auth/v1/token`.
    pub fn path(mut self, pattern: impl Into<String>) -> Self {
        self.path = Some(pattern.into());
        self
    }

    /// Spares the first requests of those that are selected. As text: `after=3`.
    pub fn after(mut self, requests: u32) -> Self {
        self.after = requests;
        self
    }

    /// Applies at most so many times. As text: `times=2`.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Applies to every `n`th request, and first to the first one; 0 counts as 1. As text: `every=3`.
    pub fn every(mut self, n: u32) -> Self {
        self.every = Some(n.max(1));
        self
    }

    /// Applies to a request with this probability from 0 to 1, by random numbers from
    /// [`Builder::seed`](crate::Builder::seed). As text: `probability=0.1`.
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// Applies to the requests beyond so many in each period of tokio's clock. The status is 429 and `Retry-After` the
    /// rest of the period, if the fault does not say otherwise. As text: `limit=100/60s`.
    pub fn limit(mut self, requests: u32, period: Duration) -> Self {
        self.limit = Some((requests, period));
        self
    }
}

/// What goes wrong.
impl Fault {
    /// Delays the response, by tokio's clock, after the request has been read and before it is executed. As text:
    /// `latency=250ms`.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.effects.latency = Some(latency);
        self
    }

    /// Handles the request at a time that is so much later than that of the tenant's clock: the `Date` header, the
    /// token endpoint, and the lifetimes of tokens. As text: `clock=5m`.
    pub fn clock_ahead(mut self, by: Duration) -> Self {
        self.effects.clock = Some((true, by));
        self
    }

    /// The same with an earlier time. As text: `clock=-5m`.
    pub fn clock_behind(mut self, by: Duration) -> Self {
        self.effects.clock = Some((false, by));
        self
    }

    /// Refuses the access token as expired (401). It stays invalid. As text: `token=expired`.
    pub fn expired_token(mut self) -> Self {
        self.effects.token = Some(Token::Expired);
        self
    }

    /// Refuses the access token as revoked (401). It stays invalid. As text: `token=revoked`.
    pub fn revoked_token(mut self) -> Self {
        self.effects.token = Some(Token::Revoked);
        self
    }

    /// Responds with the status, from 200 to 599; others count as 500. The body is a `google.rpc.Status`, an OAuth error
    /// at the token endpoint, and an empty object for a status below 400. As text: `status=503`.
    pub fn status(mut self, status: u16) -> Self {
        self.effects.status =
            Some(effects::status(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        self
    }

    /// Adds a `Retry-After` header with whole seconds. As text: `retry-after=7s`.
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.effects.retry_after = Some(RetryAfter::Seconds(time));
        self
    }

    /// Adds a `Retry-After` header with a date, which is so much later than that of the `Date` header. As text:
    /// `retry-after-date=7s`.
    pub fn retry_after_date(mut self, time: Duration) -> Self {
        self.effects.retry_after = Some(RetryAfter::Date(time));
        self
    }

    /// Replaces the body with a page of HTML, as of a proxy. As text: `body=html`.
    pub fn html(mut self) -> Self {
        self.effects.content = Some(Content::Html);
        self
    }

    /// Replaces the body with an empty one. As text: `body=empty`.
    pub fn empty_body(mut self) -> Self {
        self.effects.content = Some(Content::Empty);
        self
    }

    /// Responds with a page that has no items and a token for those that it should have. Selects operations with pages. As
    /// text: `page=empty`.
    pub fn empty_page(mut self) -> Self {
        self.effects.page = Some(Page::Empty);
        self
    }

    /// Responds with the page token of the request as that of the next page. Selects operations with pages. As text:
    /// `page=repeat`.
    pub fn repeated_page_token(mut self) -> Self {
        self.effects.page = Some(Page::Repeat);
        self
    }

    /// Replaces the values of all enums in the response with one that the description lacks. As text: `unknown-enums`.
    pub fn unknown_enums(mut self) -> Self {
        self.effects.unknown_enums = true;
        self
    }

    /// Adds a field that the description lacks to all messages in the response. As text: `unknown-fields`.
    pub fn unknown_fields(mut self) -> Self {
        self.effects.unknown_fields = true;
        self
    }

    /// Sends the first member of the JSON object in the body twice. As text: `duplicate-key`.
    pub fn duplicate_key(mut self) -> Self {
        self.effects.duplicate_key = true;
        self
    }

    /// Ends the connection after so many bytes of the body. As text: `cut=10`.
    pub fn cut(mut self, bytes: usize) -> Self {
        self.effects.cut = Some(bytes);
        self
    }

    /// Never responds. As text: `hang=response`.
    pub fn hang(mut self) -> Self {
        self.effects.end = Some(End::Hang);
        self
    }

    /// Sends the header and the bytes of the body that [`Fault::cut`] says, by default none, and then nothing more. As
    /// text: `hang=body`.
    pub fn hang_in_body(mut self) -> Self {
        self.effects.end = Some(End::HangInBody);
        self
    }

    /// Resets the connection: before the response, or after the bytes of the body that [`Fault::cut`] says. As text:
    /// `reset`.
    pub fn reset(mut self) -> Self {
        self.effects.end = Some(End::Reset);
        self
    }
}
