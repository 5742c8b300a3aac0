//! The faults between client and server, by name, as the behavior of a server.

use std::sync::Arc;

/// The response of a server without a fault: a token, and as unknown fields are skipped, any message of the API too.
pub const OK_RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 66\r\n\r\n\
    {\"access_token\":\"canary-1\",\"token_type\":\"Bearer\",\"expires_in\":600}";

/// The status with which a server makes the token source of the matrix panic.
pub const PANIC: u16 = 418;
/// The status with which it makes the token source wait forever.
pub const HANG: u16 = 419;

/// The client's limit on responses. Lower than the default, which would need larger responses to exceed it.
pub const LIMIT: usize = 11 << 20;

/// How a server behaves.
#[derive(Clone, Debug)]
pub enum Behavior {
    /// Refuses connections.
    Refuse,
    /// Resets the connection when the first byte of a request arrives.
    ResetUnread,
    /// Reads the request, sends these bytes and ends the connection in this way.
    Respond(Arc<[u8]>, End),
}

impl Behavior {
    /// Whether the server stalls.
    pub fn stalls(&self) -> bool {
        matches!(self, Self::Respond(_, End::Stall))
    }

    /// Whether it can be temporary and is fast to run: a server that refuses connections does not come back, and large
    /// responses take a second in a debug build and are never retried.
    pub fn is_brief(&self) -> bool {
        match self {
            Self::Refuse => false,
            Self::ResetUnread => true,
            Self::Respond(bytes, _) => bytes.len() < 256 << 10,
        }
    }
}

/// What happens to the connection after a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It stays open for the next request.
    KeepAlive,
    /// It is closed (FIN).
    Close,
    /// It is reset (RST).
    Reset,
    /// The bytes are sent one by one, then nothing more.
    Stall,
}

/// The behavior of a server with the named fault; `other_host` is the URL of another server.
pub fn behavior(name: &str, other_host: &str) -> Option<Behavior> {
    use End::{Close, KeepAlive, Reset, Stall};
    let respond = |text: &str, end| Behavior::Respond(text.as_bytes().to_vec().into(), end);
    let status = |line: &str, headers: &str, body: &str| {
        let length = body.len();
        respond(
            &format!("HTTP/1.1 {line}\r\n{headers}content-length: {length}\r\n\r\n{body}"),
            KeepAlive,
        )
    };
    let json = "content-type: application/json\r\n";
    let html = "content-type: text/html; charset=utf-8\r\n";
    // Errors in the form of C1, and of its load balancers.
    let rpc = |code: u8| {
        format!(r#"{{"code":{code},"message":"said the server (request-id: abc)","details":[]}}"#)
    };
    // Those of the token endpoint (RFC 6749, section 5.2), which repeats the credential.
    let oauth = |code: &str| {
        format!(r#"{{"error":"{code}","error_description":"said the server to canary-secret"}}"#)
    };
    let page = "<html><body>canary</body></html>";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let location = |to: &str| format!("location: {to}/api/v1/elsewhere\r\n");
    Some(match name {
        "refused" => Behavior::Refuse,
        "reset in the request" => Behavior::ResetUnread,
        "reset before the headers" => respond("", Reset),
        "reset in the headers" => respond("HTTP/1.1 200 OK\r\ncontent-ty", Reset),
        "reset after the headers" => respond(&format!("{head}content-length: 2\r\n\r\n"), Reset),
        "reset in the body" => respond(&format!("{head}content-length: 9\r\n\r\n{{\"li"), Reset),
        "closed before the headers" => respond("", Close),
        "closed in the body" => respond(
            &format!("{head}transfer-encoding: chunked\r\n\r\n4\r\n{{\"li\r\n"),
            Close,
        ),
        "content-length too large" => {
            respond(&format!("{head}content-length: 9\r\n\r\n{{}}"), Close)
        }
        "content-length too small" => {
            respond(&format!("{head}content-length: 1\r\n\r\n{{}}"), KeepAlive)
        }
        "not HTTP" => respond("SSH-2.0-OpenSSH_9.2p1\r\n", Close),
        "no response" => respond("", Stall),
        "slow headers" => respond("HTTP/1.1 200 OK\r\ncontent-ty", Stall),
        "slow body" => respond(&format!("{head}content-length: 9\r\n\r\n{{\"li"), Stall),
        "302 to another host" => status("302 Found", &location(other_host), ""),
        "307 to another host" => status("307 Temporary Redirect", &location(other_host), ""),
        "302 to the same host" => status("302 Found", &location(""), ""),
        "307 to the same host" => status("307 Temporary Redirect", &location(""), ""),
        "400" => status("400 Bad Request", json, &rpc(3)),
        "401" => status("401 Unauthorized", json, &rpc(16)),
        "403" => status("403 Forbidden", json, &rpc(7)),
        "404" => status("404 Not Found", json, &rpc(5)),
        "408" => status("408 Request Timeout", json, &rpc(4)),
        "409" => status("409 Conflict", json, &rpc(6)),
        "429" => status("429 Too Many Requests", json, &rpc(8)),
        "429, Retry-After: 7" => {
            let headers = format!("{json}retry-after: 7\r\n");
            status("429 Too Many Requests", &headers, &rpc(8))
        }
        "429, Retry-After: a date" => {
            let headers = format!(
                "{json}date: Tue, 14 Nov 2023 22:13:20 GMT\r\nretry-after: Tue, 14 Nov 2023 22:13:40 GMT\r\n"
            );
            status("429 Too Many Requests", &headers, &rpc(8))
        }
        "429, Retry-After: one day" => {
            let headers = format!("{json}retry-after: 86400\r\n");
            status("429 Too Many Requests", &headers, &rpc(8))
        }
        "429, Retry-After: invalid" => {
            let headers = format!("{json}retry-after: soon\r\n");
            status("429 Too Many Requests", &headers, &rpc(8))
        }
        "500" => status("500 Internal Server Error", json, &rpc(2)),
        "500 with HTML" => status("500 Internal Server Error", html, page),
        "501" => status("501 Not Implemented", json, &rpc(12)),
        "502" => status("502 Bad Gateway", html, page),
        "503" => status("503 Service Unavailable", json, &rpc(14)),
        "503, Retry-After: 7" => {
            let headers = format!("{json}retry-after: 7\r\n");
            status("503 Service Unavailable", &headers, &rpc(14))
        }
        "504" => status("504 Gateway Timeout", html, page),
        "500, truncated" => respond(
            &format!("HTTP/1.1 500 Internal Server Error\r\n{json}content-length: 99\r\n\r\n{{"),
            Close,
        ),
        "204" => respond("HTTP/1.1 204 No Content\r\n\r\n", KeepAlive),
        "200 with HTML" => status("200 OK", html, page),
        "200 with text" => status("200 OK", "content-type: text/plain\r\n", "{}"),
        "200 without content-type" => status("200 OK", "", "{}"),
        "200, empty body" => status("200 OK", json, ""),
        "200, truncated JSON" => status("200 OK", json, r#"{"x":[{"y":"can"#),
        "200, unexpected JSON" => status("200 OK", json, r#"["canary"]"#),
        "401, OAuth error" => status("401 Unauthorized", json, &oauth("invalid_client")),
        "400, OAuth error" => status("400 Bad Request", json, &oauth("temporarily_unavailable")),
        "503, OAuth error" => status(
            "503 Service Unavailable",
            json,
            &oauth("temporarily_unavailable"),
        ),
        "200, no token" => status("200 OK", json, r#"{"access_token":["canary"]}"#),
        "200, another type of token" => {
            let body = r#"{"access_token":"canary","token_type":"mac"}"#;
            status("200 OK", json, body)
        }
        "panic of the source" => status(&format!("{PANIC} Panic"), json, &rpc(2)),
        "hang of the source" => status(&format!("{HANG} Hang"), json, &rpc(2)),
        "invalid UTF-8" => {
            let mut bytes = format!("{head}content-length: 7\r\n\r\n").into_bytes();
            bytes.extend_from_slice(b"{\"\xff\":1}");
            Behavior::Respond(bytes.into(), KeepAlive)
        }
        "deeply nested JSON, 10 MB" => {
            status("200 OK", json, &format!("{{\"x\":{}", "[".repeat(10 << 20)))
        }
        "body too large" => status("200 OK", json, &" ".repeat(LIMIT + 1)),
        "body too large, chunked" => {
            let mut bytes = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
            let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 1 << 20], b"\r\n"].concat();
            for _ in 0..=LIMIT >> 20 {
                bytes.extend_from_slice(&chunk);
            }
            Behavior::Respond(bytes.into(), Close)
        }
        "decompression bomb" => {
            let bomb = gzip_of_spaces(LIMIT + (1 << 20));
            let length = bomb.len();
            let headers = format!("content-encoding: gzip\r\ncontent-length: {length}\r\n\r\n");
            let bytes = [head.as_bytes(), headers.as_bytes(), &bomb].concat();
            Behavior::Respond(bytes.into(), KeepAlive)
        }
        _ => return None,
    })
}

/// At least `length` spaces as a gzip file (RFC 1952) of one block with fixed codes (RFC 1951), without the trailer, which
/// no client should reach.
fn gzip_of_spaces(length: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // The last block, with fixed codes.
    bits.push(0b1, 1);
    bits.push(0b01, 2);
    // A literal space: code 0x30 + 0x20.
    bits.push_code(0x50, 8);
    for _ in 0..=length / 258 {
        // The last 258 bytes again (code 285), from one byte before (code 0).
        bits.push_code(0b1100_0101, 8);
        bits.push_code(0, 5);
    }
    // The end of the block.
    bits.push_code(0, 7);
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [&header[..], &bits.bytes].concat()
}

/// A bit string, with the lowest bit of each byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for at in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= u8::from(value >> at & 1 == 1) << (self.used % 8);
            }
            self.used += 1;
        }
    }

    /// Appends a Huffman code, with the highest bit first.
    fn push_code(&mut self, code: u32, count: u32) {
        self.push(code.reverse_bits() >> (32 - count), count);
    }
}
