//! The log of received requests.

use std::collections::{BTreeMap, VecDeque};

use c1_api_spec::model::Operation;
use hyper::header::{AUTHORIZATION, HeaderMap};
use serde_json::Value;

use crate::auth::DPOP;
use crate::fault::Effects;

/// A request to an operation of the API as received, including requests that were rejected.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Request {
    /// The id of the operation, for example `apps.get`.
    pub operation: String,
    /// The HTTP method.
    pub method: String,
    /// The path template, for example `/api/v1/apps/{id}`.
    pub template: String,
    /// The decoded path parameters by name.
    pub path: BTreeMap<String, String>,
    /// The decoded query parameters in order; empty if they are not UTF-8.
    pub query: Vec<(String, String)>,
    /// The body; `None` if there was none, it was incomplete or it was not JSON.
    pub body: Option<Value>,
    /// The headers, with names in lower case, without `authorization` and `dpop` and without values
    /// that are not visible ASCII.
    pub headers: Vec<(String, String)>,
    sample: bool,
    fault: Option<String>,
}

impl Request {
    pub(crate) fn new(
        operation: &Operation,
        path: &[(String, String)],
        query: Option<&[(String, String)]>,
        headers: &HeaderMap,
    ) -> Self {
        let headers = headers
            .iter()
            .filter(|(name, _)| *name != AUTHORIZATION && *name != DPOP);
        let headers = headers
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        Self {
            operation: operation.id(),
            method: operation.method.as_str().to_owned(),
            template: operation.path.clone(),
            path: path.iter().cloned().collect(),
            query: query.unwrap_or_default().to_vec(),
            body: None,
            headers: headers.collect(),
            sample: false,
            fault: None,
        }
    }

    /// Says what goes wrong with the request.
    pub(crate) fn faulty(self, effects: &Effects) -> Self {
        let fault = (!effects.is_none()).then(|| effects.to_string());
        Self { fault, ..self }
    }

    /// Says whether the emulator has no state for the operation.
    pub(crate) fn sampled(self, sample: bool) -> Self {
        Self { sample, ..self }
    }

    /// Whether the emulator has no state for the operation, so that a successful response was a sample: it
    /// conforms to its schema, and tells nothing of what was sent before.
    pub fn is_sample(&self) -> bool {
        self.sample
    }

    /// The effects of the [`Fault`](crate::Fault)s that applied to the request, as text: `status=503`. `None` if there
    /// were none.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// About how much memory it takes without the body, in bytes. What the description limits is not
    /// counted.
    fn size(&self) -> usize {
        let pairs = self.query.iter().chain(&self.headers);
        let pairs = pairs.map(|(name, value)| (name, value)).chain(&self.path);
        let pairs =
            pairs.map(|(name, value)| size_of::<(String, String)>() + name.len() + value.len());
        size_of::<Self>() + pairs.sum::<usize>()
    }
}

/// The largest number of requests in the log.
const MAX_REQUESTS: usize = 10_000;

/// The last requests, within limits of number and size.
#[derive(Default)]
pub(crate) struct Log {
    max_bytes: usize,
    /// The requests without their bodies, and the bodies as received: a parsed body may take many
    /// times as much memory, and `Bytes` may keep a larger read buffer.
    entries: VecDeque<(Request, Box<[u8]>)>,
    bytes: usize,
    dropped: u64,
}

impl Log {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            ..Self::default()
        }
    }

    /// Adds a request, and drops the oldest ones that exceed the limits.
    pub(crate) fn push(&mut self, request: Request, body: &[u8]) {
        self.bytes += request.size() + body.len();
        self.entries.push_back((request, body.into()));
        while self.bytes > self.max_bytes || self.entries.len() > MAX_REQUESTS {
            let Some((request, body)) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= request.size() + body.len();
            self.dropped += 1;
        }
    }

    /// The requests with their bodies, oldest first.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let requests = self.entries.iter().map(|(request, body)| Request {
            body: serde_json::from_slice(body).ok(),
            ..request.clone()
        });
        requests.collect()
    }

    /// Forgets all requests.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.max_bytes);
    }

    /// The number of requests that were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;
    use serde_json::json;

    use super::{Log, MAX_REQUESTS, Request};
    use crate::testing::operation;

    fn request(query: &str) -> Request {
        let query = [("page_token".to_owned(), query.to_owned())];
        Request::new(
            &operation("things.list"),
            &[],
            Some(&query),
            &HeaderMap::new(),
        )
    }

    fn tokens(log: &Log) -> Vec<String> {
        let requests = log.requests().into_iter();
        requests.map(|request| request.query[0].1.clone()).collect()
    }

    #[test]
    fn the_oldest_requests_are_dropped_beyond_the_limit_of_bytes() {
        let mut log = Log::new(1 << 20);
        let body = |length| json!("a".repeat(length)).to_string();
        for token in ["1", "2", "3"] {
            log.push(request(token), body(300 << 10).as_bytes());
        }
        assert_eq!((tokens(&log).len(), log.dropped()), (3, 0));
        log.push(request("4"), body(300 << 10).as_bytes());
        assert_eq!(tokens(&log), ["2", "3", "4"]);
        // What is not in the body counts too.
        log.push(request(&"5".repeat(700 << 10)), b"");
        assert_eq!((tokens(&log).len(), log.dropped()), (2, 3));
        let last_but_one = &log.requests()[0];
        assert_eq!(last_but_one.body, Some(json!("a".repeat(300 << 10))));
        assert_eq!(log.requests()[1].body, None);
        // A request that exceeds the limit by itself.
        log.push(request("6"), body(1 << 20).as_bytes());
        assert_eq!(
            (log.requests(), log.dropped(), log.bytes),
            (Vec::new(), 6, 0)
        );
    }

    #[test]
    fn the_oldest_requests_are_dropped_beyond_the_limit_of_number() {
        let mut log = Log::new(usize::MAX);
        for at in 0..=MAX_REQUESTS {
            log.push(request(&at.to_string()), b"");
        }
        assert_eq!((log.entries.len(), log.dropped()), (MAX_REQUESTS, 1));
        assert_eq!(tokens(&log)[0], "1");
    }
}
