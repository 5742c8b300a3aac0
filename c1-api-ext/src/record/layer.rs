//! The layer that records: in front of all others, so it sees each call once, without a token.

use std::fmt;

use c1_api::{BoxFuture, Call, Error, Transport, read_body};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Request, Response, StatusCode, Url};
use serde_json::{Map, Value as Json, json};

use crate::call::attempt::with_body;
use crate::record::lines::Lines;
use crate::record::placeholders::Placeholders;
use crate::record::redact::Redactor;

/// The media types that a recording names.
const MEDIA: &[&str] = &["application/json", "text/csv", "text/html", "text/plain"];

/// The transport with which a `Recorder` records.
pub struct Recording<T> {
    pub(super) inner: T,
    pub(super) lines: Lines,
}

/// What a line needs of a request.
struct Sent {
    method: Method,
    url: Url,
    body: Option<Vec<u8>>,
}

impl Sent {
    fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            url: request.url().clone(),
            body: request
                .body()
                .and_then(reqwest::Body::as_bytes)
                .map(<[u8]>::to_vec),
        }
    }
}

impl<T: Transport> Recording<T> {
    async fn record(&self, request: Request, call: &Call) -> Result<Response, Error> {
        let sent = Sent::of(&request);
        match self.inner.execute(request, call).await {
            Ok(mut response) => {
                let mut body = Vec::new();
                // One that the caller reads stays whole.
                if !call.is_streamed() {
                    let read = read_body(&mut response, usize::MAX, &mut body).await;
                    read.map_err(Error::from_reqwest)?;
                    let whole = body.clone();
                    response = with_body(response, |_| whole.into())?;
                }
                self.succeeded(&sent, call, &response, &body);
                Ok(response)
            }
            Err(error) => {
                self.failed(&sent, call, &error);
                Err(error)
            }
        }
    }

    /// Writes a line with the request, the status, and what `rest` adds.
    fn line(
        &self,
        sent: &Sent,
        called: &str,
        status: StatusCode,
        rest: impl FnOnce(&Redactor, &mut Placeholders, &mut Map<String, Json>),
    ) {
        self.lines.record(|redactor, placeholders| {
            let Sent { method, url, body } = sent;
            let body = body.as_deref();
            let mut line = redactor.request(called, method.as_str(), url, body, placeholders);
            line.insert("status".to_owned(), status.as_u16().into());
            rest(redactor, placeholders, &mut line);
            line
        });
    }

    fn succeeded(&self, sent: &Sent, call: &Call, response: &Response, body: &[u8]) {
        let called = call.operation().id;
        self.line(
            sent,
            called,
            response.status(),
            |redactor, placeholders, line| {
                line.insert("headers".to_owned(), headers(response.headers()));
                if let Some(body) = redactor.response(called, body, placeholders) {
                    line.insert("response".to_owned(), body);
                }
            },
        );
    }

    /// The layers behind have made an error of the response, which has all that is recorded of it.
    fn failed(&self, sent: &Sent, call: &Call, error: &Error) {
        let Some(status) = error.status() else {
            return;
        };
        let called = call.operation().id;
        self.line(sent, called, status, |redactor, placeholders, line| {
            let mut headers = Map::new();
            if let Some(delay) = error.retry_after() {
                headers.insert(RETRY_AFTER.to_string(), delay.as_secs().to_string().into());
            }
            line.insert("headers".to_owned(), headers.into());
            if let Some(code) = error.code() {
                let details = error.details().iter();
                let details = details.map(|detail| redactor.any(detail.0.clone(), placeholders));
                let details: Vec<_> = details.collect();
                let message = placeholders.text("message", error.message());
                let status = json!({
                    "code": i32::from(code),
                    "message": message,
                    "details": details,
                });
                line.insert("response".to_owned(), status);
            }
        });
    }
}

/// The headers that a recording keeps, with the values that it knows.
fn headers(headers: &HeaderMap) -> Json {
    let mut kept = Map::new();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(media) = text(CONTENT_TYPE.as_str()) {
        let media = media.split(';').next().unwrap_or_default().trim();
        let known = MEDIA.iter().find(|known| media.eq_ignore_ascii_case(known));
        let known = known.copied().unwrap_or("other");
        kept.insert(CONTENT_TYPE.to_string(), known.into());
    }
    // What c1-api-emulator says of a response that is no state.
    if text("c1-emulator") == Some("sample") {
        kept.insert("c1-emulator".to_owned(), "sample".into());
    }
    kept.into()
}

impl<T: Transport> Transport for Recording<T> {
    fn execute<'a>(
        &'a self,
        request: Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(self.record(request, call))
    }
}

impl<T: Transport> fmt::Debug for Recording<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("inner", &self.inner)
            .field("lines", &self.lines)
            .finish()
    }
}
