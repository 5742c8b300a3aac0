//! What has to come of each fault and each kind of call: the one place for it. `docs/fault-matrix.md` shows the same.

/// What has to come of a fault.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The fault, by the name that [`play`](crate::fault::play) knows.
    pub fault: &'static str,
    /// For each of [`Call::ALL`](crate::call::Call::ALL) the number of tries; with a question mark where the caller is
    /// told that the call may have been carried out, with `ok` where it succeeds.
    pub cells: [&'static str; 6],
    /// The waits between the tries of the GET, in seconds, when chance makes all of them as long as they may be.
    pub waits: &'static str,
    /// Kind of the error, and status of the answer if there is one.
    pub sees: &'static str,
    /// The error's message.
    pub message: &'static str,
}

const fn row(
    fault: &'static str,
    cells: [&'static str; 6],
    waits: &'static str,
    sees: &'static str,
    message: &'static str,
) -> Row {
    Row {
        fault,
        cells,
        waits,
        sees,
        message,
    }
}

/// The waits between four tries.
const WAITS: &str = "0.5, 1, 2";

#[rustfmt::skip]
const fn all(cell: &'static str) -> [&'static str; 6] {
    [cell, cell, cell, cell, cell, cell]
}

/// Four tries of what may be repeated, one of the writing POST and of the PATCH; the server may have done it all.
const UNKNOWN: [&str; 6] = ["4 ?", "4 ?", "1 ?", "4 ?", "1 ?", "4 ?"];

/// In the order of a connection's life.
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
    row("length too long", UNKNOWN, WAITS, "transport 200", "the connection to the server broke"),
    row("no HTTP at all", UNKNOWN, WAITS, "transport", "the connection to the server broke"),
    row("length too short", all("1 ?"), "", "decode 200", "could not decode the answer: EOF while parsing an object at line 1 column 1"),
    row("no answer", UNKNOWN, WAITS, "timeout", "the server did not answer in time"),
    row("slow headers", UNKNOWN, WAITS, "timeout", "the server did not answer in time"),
    row("slow body", UNKNOWN, WAITS, "timeout", "the server did not answer in time"),
    row("302 to another host", all("1 ?"), "", "redirect 302", "the server answered 302 Found"),
    row("307 to another host", all("1"), "", "redirect 307", "the server answered 307 Temporary Redirect"),
    row("302 to the same host", all("1 ?"), "", "redirect 302", "the server answered 302 Found"),
    row("307 to the same host", all("1"), "", "redirect 307", "the server answered 307 Temporary Redirect"),
    row("400", all("1"), "", "status 400", "said the server (request-id: abc)"),
    row("401", all("1"), "", "unauthenticated 401", "said the server (request-id: abc)"),
    row("403", all("1"), "", "permission_denied 403", "said the server (request-id: abc)"),
    row("404", all("1"), "", "not_found 404", "said the server (request-id: abc)"),
    row("408", UNKNOWN, WAITS, "request_timeout 408", "said the server (request-id: abc)"),
    row("409", all("1"), "", "conflict 409", "said the server (request-id: abc)"),
    row("429", all("4"), WAITS, "rate_limited 429", "said the server (request-id: abc)"),
    row("429, Retry-After: 7", all("4"), "7, 7, 7", "rate_limited 429", "said the server (request-id: abc)"),
    row("429, Retry-After: a date", all("4"), "20, 20, 20", "rate_limited 429", "said the server (request-id: abc)"),
    row("429, Retry-After: a day", all("4"), "60, 60, 60", "rate_limited 429", "said the server (request-id: abc)"),
    row("429, Retry-After: nonsense", all("4"), WAITS, "rate_limited 429", "said the server (request-id: abc)"),
    row("500", UNKNOWN, WAITS, "server 500", "said the server (request-id: abc)"),
    row("500 with HTML", UNKNOWN, WAITS, "server 500", "the server answered 500 Internal Server Error with text/html"),
    row("500 cut off", UNKNOWN, WAITS, "server 500", "the server answered 500 Internal Server Error with application/json"),
    row("501", all("1 ?"), "", "server 501", "said the server (request-id: abc)"),
    row("502", UNKNOWN, WAITS, "server 502", "the server answered 502 Bad Gateway with text/html"),
    row("503", UNKNOWN, WAITS, "server 503", "said the server (request-id: abc)"),
    row("503, Retry-After: 7", UNKNOWN, "7, 7, 7", "server 503", "said the server (request-id: abc)"),
    row("504", UNKNOWN, WAITS, "server 504", "the server answered 504 Gateway Timeout with text/html"),
    row("204", all("1 ?"), "", "unexpected_content 204", "the server answered 204 No Content, which the API does not document"),
    row("200 with HTML", all("1 ?"), "", "unexpected_content 200", "the server answered 200 OK with text/html instead of JSON"),
    row("200 with text", all("1 ?"), "", "unexpected_content 200", "the server answered 200 OK with text/plain instead of JSON"),
    row("200 without a type", all("1 ok"), "", "", ""),
    row("200 with nothing", all("1 ?"), "", "decode 200", "could not decode the answer: EOF while parsing a value at line 1 column 0"),
    row("200 with cut JSON", all("1 ?"), "", "decode 200", "could not decode the answer: EOF while parsing a string at line 1 column 15"),
    row("200 with other JSON", all("1 ?"), "", "decode 200", "could not decode the answer: expected an object at line 1 column 1"),
    row("invalid UTF-8", all("1 ?"), "", "decode 200", "could not decode the answer: invalid unicode code point at line 1 column 3"),
    row("10 MB of nesting", all("1 ?"), "", "decode 200", "could not decode the answer: EOF while parsing a list at line 1 column 10485765"),
    row("too long", all("1 ?"), "", "too_large 200", "the server's answer has more than 11534336 bytes"),
    row("too long, chunked", all("1 ?"), "", "too_large 200", "the server's answer has more than 11534336 bytes"),
    row("decompression bomb", all("1 ?"), "", "too_large 200", "the server's answer has more than 11534336 bytes"),
];
