//! What can go wrong between a client and a server, each by a name and as what the server does about a request.

use std::sync::Arc;

/// The answer of a server that is well; every message may be empty.
pub const WELL: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

/// The most that the client of the matrix reads of an answer. The default is larger; so would be the bombs for it.
pub const LIMIT: usize = 11 << 20;

/// What a server does.
#[derive(Clone, Debug)]
pub enum Play {
    /// Is not there.
    Refuse,
    /// Resets the connection when a request begins to arrive.
    ResetUnread,
    /// Reads the request, sends these bytes and ends like this.
    Answer(Arc<[u8]>, End),
}

impl Play {
    /// Whether the server falls silent.
    pub fn stalls(&self) -> bool {
        matches!(self, Self::Answer(_, End::Stall))
    }

    /// Whether it can pass, and takes no time: a server that is not there does not come back, and large answers take a
    /// debug build a second, and are never asked for again.
    pub fn is_brief(&self) -> bool {
        match self {
            Self::Refuse => false,
            Self::ResetUnread => true,
            Self::Answer(bytes, _) => bytes.len() < 256 << 10,
        }
    }
}

/// What becomes of the connection behind an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The next request may come.
    KeepAlive,
    /// It ends as if that were all (FIN).
    Close,
    /// It breaks (RST).
    Reset,
    /// The bytes come one by one, and then nothing more happens.
    Stall,
}

/// What the server does when it plays the fault of that name; `elsewhere` is the URL of another server.
pub fn play(name: &str, elsewhere: &str) -> Option<Play> {
    use End::{Close, KeepAlive, Reset, Stall};
    let answer = |text: &str, end| Play::Answer(text.as_bytes().to_vec().into(), end);
    let status = |line: &str, headers: &str, body: &str| {
        let length = body.len();
        answer(
            &format!("HTTP/1.1 {line}\r\n{headers}content-length: {length}\r\n\r\n{body}"),
            KeepAlive,
        )
    };
    let json = "content-type: application/json\r\n";
    let html = "content-type: text/html; charset=utf-8\r\n";
    // As C1 words it, and as its load balancers do.
    let rpc = |code: u8| {
        format!(r#"{{"code":{code},"message":"said the server (request-id: abc)","details":[]}}"#)
    };
    let page = "<html><body>canary</body></html>";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let location = |to: &str| format!("location: {to}/api/v1/elsewhere\r\n");
    Some(match name {
        "refused" => Play::Refuse,
        "reset in the request" => Play::ResetUnread,
        "reset before the headers" => answer("", Reset),
        "reset in the headers" => answer("HTTP/1.1 200 OK\r\ncontent-ty", Reset),
        "reset after the headers" => answer(&format!("{head}content-length: 2\r\n\r\n"), Reset),
        "reset in the body" => answer(&format!("{head}content-length: 9\r\n\r\n{{\"li"), Reset),
        "closed before the headers" => answer("", Close),
        "closed in the body" => answer(
            &format!("{head}transfer-encoding: chunked\r\n\r\n4\r\n{{\"li\r\n"),
            Close,
        ),
        "length too long" => answer(&format!("{head}content-length: 9\r\n\r\n{{}}"), Close),
        "length too short" => answer(&format!("{head}content-length: 1\r\n\r\n{{}}"), KeepAlive),
        "no HTTP at all" => answer("SSH-2.0-OpenSSH_9.2p1\r\n", Close),
        "no answer" => answer("", Stall),
        "slow headers" => answer("HTTP/1.1 200 OK\r\ncontent-ty", Stall),
        "slow body" => answer(&format!("{head}content-length: 9\r\n\r\n{{\"li"), Stall),
        "302 to another host" => status("302 Found", &location(elsewhere), ""),
        "307 to another host" => status("307 Temporary Redirect", &location(elsewhere), ""),
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
        "429, Retry-After: a day" => {
            let headers = format!("{json}retry-after: 86400\r\n");
            status("429 Too Many Requests", &headers, &rpc(8))
        }
        "429, Retry-After: nonsense" => {
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
        "500 cut off" => answer(
            &format!("HTTP/1.1 500 Internal Server Error\r\n{json}content-length: 99\r\n\r\n{{"),
            Close,
        ),
        "204" => answer("HTTP/1.1 204 No Content\r\n\r\n", KeepAlive),
        "200 with HTML" => status("200 OK", html, page),
        "200 with text" => status("200 OK", "content-type: text/plain\r\n", "{}"),
        "200 without a type" => status("200 OK", "", "{}"),
        "200 with nothing" => status("200 OK", json, ""),
        "200 with cut JSON" => status("200 OK", json, r#"{"x":[{"y":"can"#),
        "200 with other JSON" => status("200 OK", json, r#"["canary"]"#),
        "invalid UTF-8" => {
            let mut bytes = format!("{head}content-length: 7\r\n\r\n").into_bytes();
            bytes.extend_from_slice(b"{\"\xff\":1}");
            Play::Answer(bytes.into(), KeepAlive)
        }
        "10 MB of nesting" => status("200 OK", json, &format!("{{\"x\":{}", "[".repeat(10 << 20))),
        "too long" => status("200 OK", json, &" ".repeat(LIMIT + 1)),
        "too long, chunked" => {
            let mut bytes = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
            let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 1 << 20], b"\r\n"].concat();
            for _ in 0..=LIMIT >> 20 {
                bytes.extend_from_slice(&chunk);
            }
            Play::Answer(bytes.into(), Close)
        }
        "decompression bomb" => {
            let bomb = gzip_of_spaces(LIMIT + (1 << 20));
            let length = bomb.len();
            let headers = format!("content-encoding: gzip\r\ncontent-length: {length}\r\n\r\n");
            let bytes = [head.as_bytes(), headers.as_bytes(), &bomb].concat();
            Play::Answer(bytes.into(), KeepAlive)
        }
        _ => return None,
    })
}

/// So many spaces and more, as a gzip file (RFC 1952) of one block with fixed codes (RFC 1951). It lacks the trailer:
/// nobody should get so far.
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

/// Bits, the lowest of each byte first.
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

    /// Huffman codes go in with their highest bit first.
    fn push_code(&mut self, code: u32, count: u32) {
        self.push(code.reverse_bits() >> (32 - count), count);
    }
}
