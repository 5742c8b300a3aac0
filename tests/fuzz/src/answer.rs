//! Any answer to a request for a token. Over loopback and the crate's public face, so that what is tried is what
//! callers have: status, headers and length count as much as the JSON, and no way in is made for tests alone.

use std::cell::RefCell;
use std::rc::Rc;

use c1_api_ext::{
    ClientId, ClientSecret, ClientSecretPost, DpopKey, ErrorKind, SignedAssertion, TokenEndpoint,
    TokenSource, http,
};
use c1_test_kit::{Counting, TestClock, shown};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use crate::{TELLING, replace};

/// What the first byte chooses from.
const STATUS: [u16; 8] = [200, 400, 401, 201, 302, 429, 500, 503];
/// What the second byte chooses from; [`TestClock`] begins at the first of them.
const DATES: [&str; 4] = [
    "date: Tue, 14 Nov 2023 22:13:20 GMT\r\n",
    "date: Tue, 14 Nov 2023 12:13:20 GMT\r\n",
    "date: yesterday\r\n",
    "",
];
/// In the answer, the credential that was asked with: servers repeat what they do not like.
const CREDENTIAL: &[u8] = b"{CREDENTIAL}";
/// The longest error in words: twice what the server may say, and ours.
const WORDS: usize = 2 * 500 + 200;

/// Whatever the answer: a token comes from success only and has a sensible lifetime, an error repeats no credential,
/// and nobody asks for ever.
///
/// The first byte chooses the status, the second the `Date`, whether there is a key to bind to, and whether a secret or
/// an assertion is sent; the rest is the body.
///
/// # Panics
/// If not.
pub fn token_answer(data: &[u8]) {
    let &[status, flags, ref body @ ..] = data else {
        return;
    };
    let state = State {
        status: STATUS[usize::from(status) % STATUS.len()],
        date: DATES[usize::from(flags) % DATES.len()],
        body: body.to_owned(),
        credentials: Vec::new(),
    };
    // A server for each thread that tries answers, and not for each answer.
    thread_local!(static SERVER: Server = Server::start());
    SERVER.with(|server| server.answer(state, flags & 4 != 0, flags & 8 != 0));
}

struct Server {
    runtime: Runtime,
    tasks: LocalSet,
    endpoint: TokenEndpoint,
    id: ClientId,
    secret: ClientSecret,
    key: DpopKey,
    state: Rc<RefCell<State>>,
}

#[derive(Default)]
struct State {
    status: u16,
    date: &'static str,
    body: Vec<u8>,
    /// What was sent.
    credentials: Vec<String>,
}

impl Server {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Rc::new(RefCell::new(State::default()));
        let tasks = LocalSet::new();
        let shared = state.clone();
        tasks.spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::task::spawn_local(serve(stream, shared.clone()));
            }
        });
        let id: ClientId = format!("otter@127.0.0.1:{port}/spc")
            .parse()
            .expect("an id");
        let http = http::client(id.tenant()).expect("HTTP");
        Self {
            runtime,
            tasks,
            endpoint: TokenEndpoint::new(http, id.tenant()),
            id,
            secret: ClientSecret::from_seed([0x41; 32]),
            key: DpopKey::ed25519_from_seed(&[7; 32]),
            state,
        }
    }

    fn answer(&self, state: State, dpop: bool, signed: bool) {
        let status = state.status;
        *self.state.borrow_mut() = state;
        // What an endpoint learns must not last until the next answer.
        let mut endpoint = self
            .endpoint
            .clone()
            .clock(TestClock::default())
            .random(Counting::default());
        if dpop {
            endpoint = endpoint.dpop(self.key.clone());
        }
        let id = self.id.clone();
        let source: Box<dyn TokenSource> = if signed {
            Box::new(SignedAssertion::new(endpoint, id, self.secret.clone()))
        } else {
            Box::new(ClientSecretPost::new(endpoint, id, "canary of the secret"))
        };
        let result = self.tasks.block_on(&self.runtime, source.fetch());
        let sent = std::mem::take(&mut self.state.borrow_mut().credentials);
        // Once more for the clock and once for a nonce.
        assert!((1..=3).contains(&sent.len()), "asked {} times", sent.len());
        match result {
            Ok(token) => {
                assert!((200..300).contains(&status));
                assert!(!token.expose().is_empty());
                let lifetime = token.lifetime().expect("known or assumed").as_secs();
                assert!((1..=86_400).contains(&lifetime), "{lifetime} s");
                let text = token.expose();
                assert!(text.len() < TELLING || !format!("{token:?}").contains(text));
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Auth);
                assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
                let words = error.to_string();
                assert!(!words.contains(char::is_control), "{words:?}");
                assert!(words.chars().count() <= WORDS, "{words}");
                let shown = shown(&error);
                for credential in sent {
                    assert!(!shown.contains(&credential), "{shown}");
                }
            }
        }
    }
}

/// Reads requests and answers each with what is wanted.
async fn serve(mut stream: TcpStream, state: Rc<RefCell<State>>) {
    let mut read = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = end_of_request(&read) {
                break end;
            }
            match stream.read_buf(&mut read).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        };
        let request: Vec<u8> = read.drain(..end).collect();
        let request = String::from_utf8_lossy(&request);
        let credential = ["client_assertion=", "client_secret="]
            .into_iter()
            .find_map(|name| request.split_once(name))
            .map_or("", |(_, rest)| rest.split('&').next().unwrap_or(rest))
            .replace('+', " ");
        let answer = {
            let mut state = state.borrow_mut();
            let body = replace(&state.body, CREDENTIAL, credential.as_bytes());
            state.credentials.push(credential);
            let mut answer = format!(
                "HTTP/1.1 {} Any\r\n{}content-length: {}\r\n\r\n",
                state.status,
                state.date,
                body.len()
            )
            .into_bytes();
            answer.extend(body);
            answer
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// Where the first request ends, if all of it is there.
fn end_of_request(read: &[u8]) -> Option<usize> {
    let head = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
    let (_, length) = text.split_once("content-length: ")?;
    let length: usize = length.lines().next()?.parse().ok()?;
    (read.len() >= head + length).then_some(head + length)
}
