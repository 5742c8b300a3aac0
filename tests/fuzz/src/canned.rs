//! A transport that responds with what a target made of its input, and keeps the URL that it was given.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use c1_api_ext::c1_api::Client;
use c1_api_ext::c1_api::reqwest::{self, Request, Response, Url};
use c1_api_ext::{BoxFuture, Call, Error, Transport, http};
use tokio::runtime::{Builder, Runtime};

/// With a path, below which all requests have to stay.
pub(crate) const BASE_URL: &str = "http://127.0.0.1:9/base";

/// One response and the URLs that were asked for. Clones are the same transport.
#[derive(Clone, Debug, Default)]
pub(crate) struct Canned(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    response: ::http::Response<Vec<u8>>,
    sent: Vec<Url>,
}

impl Canned {
    /// Responds with this from now on.
    pub(crate) fn respond(&self, response: ::http::Response<Vec<u8>>) {
        self.state().response = response;
    }

    /// The URLs since the last time.
    pub(crate) fn sent(&self) -> Vec<Url> {
        std::mem::take(&mut self.state().sent)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Canned {
    fn execute<'a>(
        &'a self,
        request: Request,
        _: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        let mut state = self.state();
        state.sent.push(request.url().clone());
        let response = state.response.clone().into();
        Box::pin(async move { Ok(response) })
    }
}

/// What a thread needs for calls, made once, because it costs more than a call.
pub(crate) struct Bench {
    pub(crate) runtime: Runtime,
    pub(crate) http: reqwest::Client,
    pub(crate) canned: Canned,
    /// A client without layers.
    pub(crate) client: Client,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_time().build();
        let http = http::client(&"127.0.0.1".parse().expect("a tenant")).expect("HTTP");
        let canned = Canned::default();
        let client = Client::new(BASE_URL, http.clone(), canned.clone());
        Self {
            runtime: runtime.expect("a runtime"),
            http,
            canned,
            client: client.expect("a client"),
        }
    }
}
