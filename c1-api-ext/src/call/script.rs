//! A transport that follows a script, and a client above it with a clock and random numbers of the test.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use c1_api::{BoxFuture, Call, Client, Error, ErrorKind, OPERATIONS, Operation, Safety, Transport};
use hyper::body::{Body, Frame};
use reqwest::{Request, Response};

use crate::auth::token_error::TokenError;
use crate::testing::{Fixed, ManualClock};
use crate::{C1, C1Builder};

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What comes of a try.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Status(u16),
    /// A status, with one header.
    With(u16, &'static str, &'static str),
    Fail(ErrorKind),
    /// No token, and there may or may not be one later.
    NoToken {
        later: bool,
    },
    /// A success whose body is so long.
    Long(usize),
    /// A success whose body ends before its time.
    BreaksOff,
    /// A status, and then a body that never comes.
    Stalls(u16),
    /// Nothing, ever.
    Silence,
}

/// Takes one step for each try; the last one again and again.
#[derive(Clone, Debug)]
pub(crate) struct Script(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    steps: VecDeque<Step>,
    tried: Vec<Request>,
    under_way: usize,
}

impl State {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            tried: Vec::new(),
            under_way: 0,
        }
    }
}

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self(Arc::new(Mutex::new(State::new(steps))))
    }

    /// From here on, these.
    pub(crate) fn go_on(&self, steps: impl IntoIterator<Item = Step>) {
        self.state().steps = steps.into_iter().collect();
    }

    pub(crate) fn tries(&self) -> usize {
        self.state().tried.len()
    }

    pub(crate) fn under_way(&self) -> usize {
        self.state().under_way
    }

    pub(crate) fn last_header(&self, name: &str) -> String {
        let state = self.state();
        let request = state.tried.last().expect("a request");
        let value = request.headers().get(name);
        value.map_or_else(String::new, |value| {
            value.to_str().expect("ASCII").to_owned()
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic")
    }
}

impl Transport for Script {
    fn execute<'a>(
        &'a self,
        request: Request,
        _: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(async move {
            let step = {
                let mut state = self.state();
                state.tried.push(request);
                state.under_way += 1;
                match state.steps.len() {
                    1 => state.steps.front().cloned(),
                    _ => state.steps.pop_front(),
                }
            };
            let _leave = Leave(self);
            take(step.expect("another step")).await
        })
    }
}

struct Leave<'a>(&'a Script);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
    }
}

async fn take(step: Step) -> Result<Response, Error> {
    let answer = |status: u16| {
        ::http::Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .header("set-cookie", "canary")
    };
    let body = r#"{"code": 2, "message": "as scripted (request-id: r1)"}"#;
    let response = match step {
        Step::Status(status) => answer(status).body(body.into()),
        Step::With(status, name, value) => answer(status).header(name, value).body(body.into()),
        Step::Long(length) => answer(200).body(vec![b' '; length].into()),
        Step::BreaksOff => answer(200).body(reqwest::Body::wrap(BreaksOff(2))),
        Step::Stalls(status) => answer(status).body(reqwest::Body::wrap(Stalled)),
        Step::Silence => std::future::pending().await,
        Step::Fail(kind) => return Err(Error::new(kind, "as scripted")),
        Step::NoToken { later: true } => {
            let error = Error::new(ErrorKind::Connect, "as scripted");
            return Err(TokenError::Unreachable(error).into());
        }
        Step::NoToken { later: false } => {
            return Err(TokenError::Signing(io::Error::other("as scripted")).into());
        }
    };
    Ok(response.expect("a response").into())
}

struct Stalled;

impl Body for Stalled {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Pending
    }
}

struct BreaksOff(u8);

impl Body for BreaksOff {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0 -= 1;
        Poll::Ready(Some(match self.0 {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(Frame::data(Bytes::from_static(b"{"))),
        }))
    }
}

/// Sends nothing, but must be there; made once because its TLS takes a moment.
fn http() -> reqwest::Client {
    static HTTP: OnceLock<reqwest::Client> = OnceLock::new();
    let tenant = "127.0.0.1".parse().expect("a tenant");
    let make = || crate::http::client_builder(&tenant).expect("TLS").build();
    HTTP.get_or_init(|| make().expect("a client")).clone()
}

/// A client above a script.
pub(crate) struct Scene {
    pub(crate) script: Script,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) c1: C1,
}

impl Scene {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::with(steps, |builder| builder)
    }

    /// Half of each delay is waited for.
    pub(crate) fn with(
        steps: impl IntoIterator<Item = Step>,
        settings: impl FnOnce(C1Builder) -> C1Builder,
    ) -> Self {
        let (script, clock) = (Script::new(steps), Arc::new(ManualClock::default()));
        let builder = C1::builder()
            .tenant("http://127.0.0.1:1")
            .access_token("canary")
            .http(http())
            .clock(clock.clone())
            .random(Fixed(0x80))
            .transport(script.clone());
        let c1 = settings(builder).build().expect("a client");
        Self { script, clock, c1 }
    }

    /// With a token already, so that no call waits for one.
    pub(crate) async fn with_token(
        steps: impl IntoIterator<Item = Step>,
        settings: impl FnOnce(C1Builder) -> C1Builder,
    ) -> Self {
        let scene = Self::with([Step::Status(200)], settings);
        scene.call(get()).await.expect("a response");
        *scene.script.state() = State::new(steps);
        scene
    }

    /// A call with secrets in all the places that a call has.
    pub(crate) fn request(operation: &Operation) -> Request {
        let method = operation.method.parse().expect("a method");
        let path = operation.path.replace(['{', '}'], "canary");
        let url = format!("http://127.0.0.1:1{path}?page_token=canary");
        let mut request = Request::new(method, url.parse().expect("a URL"));
        *request.body_mut() = Some("canary".into());
        request
            .headers_mut()
            .insert("x-canary", "canary".parse().expect("a value"));
        request
    }

    pub(crate) async fn call(&self, operation: &'static Operation) -> Result<Response, Error> {
        Self::call_by(&self.c1, operation).await
    }

    pub(crate) async fn call_by(c1: &C1, operation: &'static Operation) -> Result<Response, Error> {
        send(c1, Self::request(operation), operation).await
    }

    /// The error of a call, and how often it was tried.
    pub(crate) async fn fail(&self, operation: &'static Operation) -> (Error, usize) {
        let before = self.script.tries();
        let error = self.call(operation).await.expect_err("as scripted");
        (error, self.script.tries() - before)
    }
}

/// A call as the client makes it, from the outermost layer on.
pub(crate) async fn send(
    c1: &C1,
    request: Request,
    operation: &'static Operation,
) -> Result<Response, Error> {
    let call = Call::new(operation, c1.options().clone());
    send_as(c1, request, call).await
}

pub(crate) async fn send_as(c1: &C1, request: Request, call: Call) -> Result<Response, Error> {
    let mut transport = None;
    let _ = Client::map_transport(c1, |inner| transport.insert(inner).clone());
    let transport = transport.expect("the transport of the client");
    let result = transport.execute(request, &call).await;
    call.end(result.as_ref().map(Response::status));
    result
}

/// An operation of that kind, be there one or not.
pub(crate) fn operation(method: &'static str, safety: Safety) -> &'static Operation {
    let mut operation = OPERATIONS[0];
    operation.method = method;
    operation.safety = safety;
    Box::leak(Box::new(operation))
}

pub(crate) fn get() -> &'static Operation {
    operation("GET", Safety::Safe)
}

pub(crate) fn post() -> &'static Operation {
    operation("POST", Safety::Neither)
}
