//! The expected outcome of each kind of call for each fault, also shown in `docs/fault-matrix.md`.

/// Which server has the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The server of the API; the client has a token.
    Api,
    /// The token endpoint, when the client has no token; the API has no fault.
    TokenEndpoint,
}

impl Place {
    /// The faults that it can have.
    pub const fn table(self) -> &'static [Row] {
        match self {
            Self::Api => API,
            Self::TokenEndpoint => TOKEN_ENDPOINT,
        }
    }
}

/// The expected outcomes of a fault.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The fault's name in [`behavior`](crate::fault::behavior).
    pub fault: &'static str,
    /// For each of [`Call::ALL`](crate::call::Call::ALL), the number of attempts, followed by the number of requests that
    /// arrived if that differs, by `?` if the error says that the call may have been carried out, or by `ok` if it
    /// succeeds.
    pub cells: [&'static str; 6],
    /// The longest delays between the attempts of the GET, in seconds.
    pub waits: &'static str,
    /// The kind of the error, and the status if there is a response.
    pub error: &'static str,
    /// The error's message.
    pub message: &'static str,
}

const fn row(
    fault: &'static str,
    cells: [&'static str; 6],
    waits: &'static str,
    error: &'static str,
    message: &'static str,
) -> Row {
    Row {
        fault,
        cells,
        waits,
        error,
        message,
    }
}

/// The delays between four attempts.
const WAITS: &str = "0.5, 1, 2";

#[rustfmt::skip]
const fn all(cell: &'static str) -> [&'static str; 6] {
    [cell, cell, cell, cell, cell, cell]
}

/// Four attempts of repeatable calls and one of the others; the server may have carried them out.
const UNKNOWN: [&str; 6] = ["4 ?", "4 ?", "1 ?", "4 ?", "1 ?", "4 ?"];

/// In the order of the phases of a connection.
#[rustfmt::skip]
const API: &[Row] = &[
    row("refused", all("4"), WAITS, "connect", "could not connect to the server"),
    row("reset in the request", UNKNOWN, WAITS, "transport", "the connection to the server broke"),
    row("reset before the headers", UNKNOWN, WAITS, "transport", "the connection to the server broke"),
    row("reset in the headers", UNKNOWN, WAITS, "transport", "the connection to the server broke"),
    row("reset after the headers", UNKNOWN, WAITS, "transport 200", "the connection to the server broke"),
    row("reset in the body", UNKNOWN, WAITS, "transport 200", "the connection to the server broke"),
    row("closed before the headers", UNKNOWN, WAITS, "transport", "the connection to the server broke"),
    row("closed in the body", UNKNOWN, WAITS, "transport 200", "the connection to the server broke"),
    row("content-length too large", UNKNOWN, WAITS, "transport 200", "the connection to the server broke"),
    row("not HTTP", UNKNOWN, WAITS, "transport", "the connection to the server broke"),
    row("content-length too small", all("1 ?"), "", "decode 200", "the response could not be decoded: EOF while parsing an object at line 1 column 1"),
    row("no response", UNKNOWN, WAITS, "timeout", "the server did not respond in time"),
    row("slow headers", UNKNOWN, WAITS, "timeout", "the server did not respond in time"),
    row("slow body", UNKNOWN, WAITS, "timeout", "the server did not respond in time"),
    row("302 to another host", all("1 ?"), "", "redirect 302", "the server responded 302 Found"),
    row("307 to another host", all("1"), "", "redirect 307", "the server responded 307 Temporary Redirect"),
    row("302 to the same host", all("1 ?"), "", "redirect 302", "the server responded 302 Found"),
    row("307 to the same host", all("1"), "", "redirect 307", "the server responded 307 Temporary Redirect"),
    row("400", all("1"), "", "status 400", "said the server (request-id: abc)"),
    row("401", all("1"), "", "unauthenticated 401", "said the server (request-id: abc)"),
    row("403", all("1"), "", "permission_denied 403", "said the server (request-id: abc)"),
    row("404", all("1"), "", "not_found 404", "said the server (request-id: abc)"),
    row("408", UNKNOWN, WAITS, "request_timeout 408", "said the server (request-id: abc)"),
    row("409", all("1"), "", "conflict 409", "said the server (request-id: abc)"),
    row("429", all("4"), WAITS, "rate_limited 429", "said the server (request-id: abc)"),
    row("429, Retry-After: 7", all("4"), "7, 7, 7", "rate_limited 429", "said the server (request-id: abc)"),
    row("429, Retry-After: a date", all("4"), "20, 20, 20", "rate_limited 429", "said the server (request-id: abc)"),
    row("429, Retry-After: one day", all("4"), "60, 60, 60", "rate_limited 429", "said the server (request-id: abc)"),
    row("429, Retry-After: invalid", all("4"), WAITS, "rate_limited 429", "said the server (request-id: abc)"),
    row("500", UNKNOWN, WAITS, "server 500", "said the server (request-id: abc)"),
    row("500 with HTML", UNKNOWN, WAITS, "server 500", "the server responded 500 Internal Server Error with text/html"),
    row("500, truncated", UNKNOWN, WAITS, "server 500", "the server responded 500 Internal Server Error with application/json"),
    row("501", all("1 ?"), "", "server 501", "said the server (request-id: abc)"),
    row("502", UNKNOWN, WAITS, "server 502", "the server responded 502 Bad Gateway with text/html"),
    row("503", UNKNOWN, WAITS, "server 503", "said the server (request-id: abc)"),
    row("503, Retry-After: 7", UNKNOWN, "7, 7, 7", "server 503", "said the server (request-id: abc)"),
    row("504", UNKNOWN, WAITS, "server 504", "the server responded 504 Gateway Timeout with text/html"),
    row("204", all("1 ?"), "", "unexpected_content 204", "the server responded 204 No Content, which the API does not document"),
    row("200 with HTML", all("1 ?"), "", "unexpected_content 200", "the server responded 200 OK with text/html instead of JSON"),
    row("200 with text", all("1 ?"), "", "unexpected_content 200", "the server responded 200 OK with text/plain instead of JSON"),
    row("200 without content-type", all("1 ok"), "", "", ""),
    row("200, empty body", all("1 ?"), "", "decode 200", "the response could not be decoded: EOF while parsing a value at line 1 column 0"),
    row("200, truncated JSON", all("1 ?"), "", "decode 200", "the response could not be decoded: EOF while parsing a string at line 1 column 15"),
    row("200, unexpected JSON", all("1 ?"), "", "decode 200", "the response could not be decoded: expected an object at line 1 column 1"),
    row("invalid UTF-8", all("1 ?"), "", "decode 200", "the response could not be decoded: invalid unicode code point at line 1 column 3"),
    row("deeply nested JSON, 10 MB", all("1 ?"), "", "decode 200", "the response could not be decoded: EOF while parsing a list at line 1 column 10485765"),
    row("body too large", all("1 ?"), "", "too_large 200", "the response is larger than 11534336 bytes"),
    row("body too large, chunked", all("1 ?"), "", "too_large 200", "the response is larger than 11534336 bytes"),
    row("decompression bomb", all("1 ?"), "", "too_large 200", "the response is larger than 11534336 bytes"),
];

/// A row of the token endpoint. Nothing of the call is sent without a token, so all kinds of calls are the same.
macro_rules! without_token {
    ($fault:literal, $cell:literal, $waits:expr, $error:literal, $problem:expr) => {
        row(
            $fault,
            all($cell),
            $waits,
            $error,
            concat!("could not obtain an access token: ", $problem),
        )
    };
}

/// There was no whole response.
macro_rules! unreachable {
    ($problem:literal) => {
        concat!("the request to the token endpoint failed: ", $problem)
    };
}

/// The response has neither a token nor an OAuth error.
macro_rules! unexpected {
    ($status:literal, $problem:literal) => {
        concat!(
            "unexpected response from the token endpoint (HTTP ",
            $status,
            "): ",
            $problem
        )
    };
}

#[rustfmt::skip]
const TOKEN_ENDPOINT: &[Row] = &[
    without_token!("refused", "4", WAITS, "auth", unreachable!("could not connect to the server")),
    without_token!("reset before the headers", "4", WAITS, "auth", unreachable!("the connection to the server broke")),
    without_token!("closed in the body", "4", WAITS, "auth", unreachable!("the connection to the server broke")),
    without_token!("not HTTP", "4", WAITS, "auth", unreachable!("the connection to the server broke")),
    without_token!("no response", "4", WAITS, "auth", unreachable!("the server did not respond in time")),
    without_token!("slow body", "4", WAITS, "auth", unreachable!("the server did not respond in time")),
    without_token!("302 to another host", "1", "", "auth 302", unexpected!(302, "a redirect, which is not followed with credentials")),
    without_token!("400, OAuth error", "4", WAITS, "auth 400", "temporarily_unavailable: said the server to [redacted] (HTTP 400)"),
    without_token!("401, OAuth error", "1", "", "auth 401", "invalid_client: said the server to [redacted] (HTTP 401)"),
    without_token!("403", "1", "", "auth 403", unexpected!(403, "the body is JSON without `error`")),
    without_token!("408", "4", WAITS, "auth 408", unexpected!(408, "the body is JSON without `error`")),
    without_token!("429", "4", WAITS, "auth 429", unexpected!(429, "the body is JSON without `error`")),
    without_token!("429, Retry-After: 7", "4", "7, 7, 7", "auth 429", unexpected!(429, "the body is JSON without `error`")),
    without_token!("429, Retry-After: a date", "4", "20, 20, 20", "auth 429", unexpected!(429, "the body is JSON without `error`")),
    without_token!("429, Retry-After: one day", "4 (1)", "60, 60, 60", "auth 429", unexpected!(429, "the body is JSON without `error`")),
    without_token!("429, Retry-After: invalid", "4", WAITS, "auth 429", unexpected!(429, "the body is JSON without `error`")),
    without_token!("500", "4", WAITS, "auth 500", unexpected!(500, "the body is JSON without `error`")),
    without_token!("500 with HTML", "4", WAITS, "auth 500", unexpected!(500, "the body is not JSON")),
    without_token!("500, truncated", "4", WAITS, "auth 500", unexpected!(500, "the body is incomplete")),
    without_token!("503, OAuth error", "4", WAITS, "auth 503", "temporarily_unavailable: said the server to [redacted] (HTTP 503)"),
    without_token!("503, Retry-After: 7", "4", "7, 7, 7", "auth 503", unexpected!(503, "the body is JSON without `error`")),
    without_token!("204", "1", "", "auth 204", unexpected!(204, "the body is not JSON")),
    without_token!("200 with HTML", "1", "", "auth 200", unexpected!(200, "the body is not JSON")),
    without_token!("200, truncated JSON", "1", "", "auth 200", unexpected!(200, "the body is not JSON")),
    without_token!("200, unexpected JSON", "1", "", "auth 200", unexpected!(200, "`access_token` is missing")),
    without_token!("200, no token", "1", "", "auth 200", unexpected!(200, "`access_token` is missing")),
    without_token!("200, another type of token", "1", "", "auth 200", unexpected!(200, "the token is not a bearer token")),
    without_token!("body too large", "1", "", "auth 200", unexpected!(200, "the body is larger than 256 KiB")),
    without_token!("hang of the source", "4", WAITS, "auth", unreachable!("no access token within 60 s")),
    without_token!("panic of the source", "1", "", "auth", "the token source panicked"),
];
