//! The expected outcome of each kind of call for each fault, also shown in `docs/fault-matrix.md`.

/// The expected outcomes of a fault.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The fault's name in [`behavior`](crate::fault::behavior).
    pub fault: &'static str,
    /// For each of [`Call::ALL`](crate::call::Call::ALL), the number of attempts, followed by `?` if the error says that the
    /// call may have been carried out, or by `ok` if it succeeds.
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
pub const TABLE: &[Row] = &[
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
