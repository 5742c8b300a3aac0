//! Calls an emulated tenant as the cases of `cases.rs` say, which the corpus wrote beside this file. Prints a line for each
//! case: `ok NAME`, or `failed NAME: why`.
//!
//! Client and tenant are made from the document in `C1_API_SPEC`.

mod cases;

use std::error::Error;
use std::sync::{Arc, Mutex};

use c1_api::{Bearer, BoxFuture, Call, Client, Transport, reqwest, serde_json};
use c1_api_emulator::Emulator;
use serde_json::{Map, Value, json};

/// What a case ends with.
type Outcome = Result<(), Box<dyn Error>>;

/// A case: its name, and its calls.
struct Case {
    name: &'static str,
    run: for<'a> fn(&'a Peer) -> BoxFuture<'a, Outcome>,
}

/// Sends by another transport, and keeps the bytes of the last response.
#[derive(Clone, Debug)]
struct Tap {
    inner: Bearer,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Transport for Tap {
    fn execute<'a>(
        &'a self,
        request: reqwest::Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<reqwest::Response, c1_api::Error>> {
        Box::pin(async move {
            let response = self.inner.execute(request, call).await?;
            let mut copy = http::Response::builder().status(response.status());
            if let Some(headers) = copy.headers_mut() {
                headers.clone_from(response.headers());
            }
            let body = response
                .bytes()
                .await
                .map_err(c1_api::Error::from_reqwest)?;
            *self.answer.lock().expect("no panic before") = body.to_vec();
            Ok(copy.body(body).expect("headers of a response").into())
        })
    }
}

/// The tenant, and a client of it.
struct Peer {
    emulator: Emulator,
    client: Client,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Peer {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let emulator = Emulator::builder().stateful(false).start().await?;
        let http = reqwest::Client::new();
        let tap = Tap {
            inner: Bearer::new(http.clone(), emulator.access_token()?)?,
            answer: Arc::default(),
        };
        let answer = Arc::clone(&tap.answer);
        let client = Client::new(emulator.base_url(), http, tap)?;
        Ok(Self {
            emulator,
            client,
            answer,
        })
    }

    /// Whether the last request is what was expected: these members of the log's entry, and these headers among others.
    fn received(&self, expected: &str) -> Outcome {
        let requests = self.emulator.requests();
        let last = requests.last().ok_or("the emulator received nothing")?;
        let expected: Map<String, Value> = serde_json::from_str(expected)?;
        for (member, expected) in &expected {
            let found = match member.as_str() {
                "operation" => json!(last.operation),
                "method" => json!(last.method),
                "template" => json!(last.template),
                "path" => json!(last.path),
                "query" => json!(last.query),
                "body" => json!(last.body),
                "headers" => {
                    let of_case = |(name, _): &&(String, String)| {
                        expected
                            .as_array()
                            .is_some_and(|all| all.iter().any(|pair| pair[0] == json!(name)))
                    };
                    json!(last.headers.iter().filter(of_case).collect::<Vec<_>>())
                }
                other => return Err(format!("received: {other}: no member of the log").into()),
            };
            if found != *expected {
                return Err(
                    format!("received: {member} is {found} and should be {expected}").into(),
                );
            }
        }
        Ok(())
    }

    /// Whether an answer of bytes is what was sent.
    fn same(&self, answer: &[u8]) -> Outcome {
        let sent = self.answer.lock().expect("no panic before");
        if answer == *sent {
            Ok(())
        } else {
            Err(format!("the answer is {answer:?} and was {sent:?}").into())
        }
    }

    /// Whether an answer, written again, is all that was sent.
    fn whole(&self, answer: &impl serde::Serialize) -> Outcome {
        let sent: Value = serde_json::from_slice(&self.answer.lock().expect("no panic before"))?;
        let answer = serde_json::to_value(answer)?;
        if answer == sent {
            Ok(())
        } else {
            Err(format!("the answer was decoded as {answer} and was {sent}").into())
        }
    }
}

/// Whether the status is that of the case.
fn has_status(found: reqwest::StatusCode, expected: u16) -> Outcome {
    if found == expected {
        Ok(())
    } else {
        Err(format!("the status is {found} and should be {expected}").into())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let peer = Peer::start().await?;
    for case in cases::CASES {
        match (case.run)(&peer).await {
            Ok(()) => println!("ok {}", case.name),
            Err(error) => println!("failed {}: {error:?}", case.name),
        }
    }
    Ok(())
}
