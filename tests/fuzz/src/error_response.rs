//! Any response whose status is not a success.

use std::time::{Duration, UNIX_EPOCH};

use c1_api_ext::c1_api::serde_json::{self, Value};
use c1_api_ext::{AccessToken, C1, Error, RetryPolicy};
use c1_test_kit::{NoJitter, TestClock, shown};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::canned::{BASE_URL, Bench};
use crate::{is_fit_for_a_log, replace};

/// In the body, the token that the request had: servers repeat what they do not like.
const TOKEN: &[u8] = b"{TOKEN}";
/// In the form of C1's own.
const SENT: &str = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJjYW5hcnkifQ.Y2FuYXJ5LXNpZ25hdHVyZQ";
/// This much of a token is too much.
const TELLING: usize = 12;
/// The longest error, in characters: what the server may say, and ours.
const WORDS: usize = 2000 + 300;

/// Whatever the response: its error has the status and all details, is fit for a log, and does not show the token.
///
/// The input is like a response: three digits of status and a line feed, headers, an empty line, the body.
///
/// # Panics
/// If not.
pub fn error_response(data: &[u8]) {
    let end = data.windows(2).position(|two| two == b"\n\n");
    let (head, body) = match end {
        Some(end) => (&data[..end], &data[end + 2..]),
        None => (data, &[][..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let status = StatusCode::from_bytes(lines.next().unwrap_or_default());
    let Some(status) = status.ok().filter(|status| !status.is_success()) else {
        return;
    };
    let headers: HeaderMap = lines.filter_map(header).collect();

    let now = Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let error = Error::from_parts(status, &headers, body, now);
    check(&error, status);
    assert_eq!(details(&error), details_of(body));

    let repeated = replace(body, TOKEN, SENT.as_bytes());
    let from_call = call(status, headers, repeated.clone());
    check(&from_call, status);
    let shown = shown(&from_call) + &Value::from(details(&from_call)).to_string();
    for part in SENT.as_bytes().windows(TELLING) {
        let part = std::str::from_utf8(part).expect("ASCII");
        assert!(!shown.contains(part), "{shown}");
    }
    let says_nothing = |body: &[u8]| {
        let parts = || SENT.as_bytes().windows(TELLING);
        std::str::from_utf8(body).is_ok()
            && !body
                .windows(TELLING)
                .any(|part| parts().any(|of_token| of_token == part))
    };
    if says_nothing(&repeated) {
        // The layers take nothing away.
        assert_eq!(from_call.message(), error.message());
        assert_eq!(from_call.code(), error.code());
        assert_eq!(from_call.request_id(), error.request_id());
        assert_eq!(from_call.retry_after(), error.retry_after());
        assert_eq!(from_call.existing_id(), error.existing_id());
        assert_eq!(details(&from_call), details(&error));
    }
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    // The body that is there is whole.
    (name != "content-length").then_some((name, value))
}

/// The error of a call by a client with all its layers.
fn call(status: StatusCode, headers: HeaderMap, body: Vec<u8>) -> Error {
    thread_local!(static BENCH: Bench = Bench::new());
    BENCH.with(|bench| {
        let mut response = http::Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        bench.canned.respond(response);
        // Another client each time: one slows down after a 429.
        let c1 = C1::builder()
            .tenant(BASE_URL.trim_end_matches("/base"))
            .access_token(AccessToken::new(SENT))
            .http(bench.http.clone())
            .transport(bench.canned.clone())
            .clock(TestClock::default())
            .random(NoJitter)
            .retry(RetryPolicy::off())
            .build()
            .expect("a client");
        let result = bench.runtime.block_on(c1.apps().list().into_future());
        result.expect_err("not a success")
    })
}

fn check(error: &Error, status: StatusCode) {
    assert_eq!(error.status(), Some(status));
    is_fit_for_a_log(error, WORDS);
    if let Some(id) = error.request_id() {
        assert!(id.len() <= WORDS && !id.contains(char::is_control));
    }
}

fn details(error: &Error) -> Vec<Value> {
    let details = error.details().iter();
    details.map(|any| any.0.clone().into()).collect()
}

/// The objects among the details that the body has.
fn details_of(body: &[u8]) -> Vec<Value> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let details = body["details"].as_array().cloned().unwrap_or_default();
    details.into_iter().filter(Value::is_object).collect()
}
