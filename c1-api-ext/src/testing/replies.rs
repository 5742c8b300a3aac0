//! Responses for the modules that call operations by hand, one after the other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use c1_api::{BoxFuture, Call, Error, Transport};
use reqwest::{Request, Response};
use serde_json::Value;

use crate::{C1, RetryPolicy};

/// A transport that gives one response after the other, and remembers what was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Replies(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    replies: VecDeque<(u16, Value)>,
    asked: Vec<(String, Value)>,
}

impl Replies {
    /// Statuses and bodies.
    pub(crate) fn new(replies: impl IntoIterator<Item = (u16, Value)>) -> Self {
        Self(Arc::new(Mutex::new(State {
            replies: replies.into_iter().collect(),
            asked: Vec::new(),
        })))
    }

    /// A client that gets them, without retries.
    pub(crate) fn client(&self) -> C1 {
        client(self.clone())
    }

    /// The paths and bodies since the last look.
    pub(crate) fn asked(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.0.lock().expect("no panic").asked)
    }

    /// How many responses are left.
    pub(crate) fn left(&self) -> usize {
        self.0.lock().expect("no panic").replies.len()
    }
}

/// What a transport returns: a response with this status and body.
pub(crate) fn reply(status: u16, body: &Value) -> BoxFuture<'static, Result<Response, Error>> {
    let response = ::http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.to_string())
        .expect("a response");
    Box::pin(std::future::ready(Ok(response.into())))
}

/// A client with this transport, without retries.
pub(crate) fn client(transport: impl Transport) -> C1 {
    let builder = C1::builder().tenant("127.0.0.1:1").access_token("token");
    let builder = builder.retry(RetryPolicy::off()).transport(transport);
    builder.build().expect("a client")
}

impl Transport for Replies {
    fn execute<'a>(
        &'a self,
        request: Request,
        _: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        let body = request.body().and_then(reqwest::Body::as_bytes);
        let body = body.map_or(Value::Null, |body| {
            serde_json::from_slice(body).expect("JSON")
        });
        let mut state = self.0.lock().expect("no panic");
        state.asked.push((request.url().path().to_owned(), body));
        let (status, body) = state.replies.pop_front().expect("another reply");
        drop(state);
        reply(status, &body)
    }
}
