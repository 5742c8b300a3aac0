//! Any body of a successful response, for messages of different shapes.

use c1_api_ext::c1_api::serde_json;
#[cfg(operation = "system_log.list_events")]
use c1_api_ext::types::SystemLogServiceListEventsRequest;
use c1_api_ext::types::TaskSearchRequest;
use c1_api_ext::{Error, ErrorKind};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::canned::Bench;
use crate::shows_nothing;

/// The longest error, in characters: the names of fields, as deep as JSON may be nested.
const WORDS: usize = 10_000;

/// Whatever the body of a 200: the call ends, with a message that is the same when it was written and read again, or
/// with an error that shows nothing of the body.
///
/// The first byte chooses the operation, the rest is the body.
///
/// # Panics
/// If not.
pub fn response_body(data: &[u8]) {
    let &[operation, ref body @ ..] = data else {
        return;
    };
    let response = http::Response::builder()
        .header("content-type", "application/json")
        .body(body.to_owned());
    thread_local!(static BENCH: Bench = Bench::new());
    BENCH.with(|bench| {
        bench.canned.respond(response.expect("a response"));
        let client = &bench.client;
        bench.runtime.block_on(async {
            match operation % 8 {
                0 => check(client.apps().list().await),
                // Oneofs, maps, times, integers of all sizes, doubles, bytes, Any.
                1 => check(client.task_search().search(TaskSearchRequest::new()).await),
                // The others are small, so that each kind of field is near.
                #[cfg(operation = "app_access_requests_defaults.get")]
                2 => check(client.app_access_requests_defaults().get("a").await),
                #[cfg(operation = "system_log.list_events")]
                3 => {
                    let request = SystemLogServiceListEventsRequest::new();
                    check(client.system_log().list_events(request).await);
                }
                #[cfg(operation = "role_mining_management.get_suggestion")]
                4 => check(client.role_mining_management().get_suggestion("s").await),
                #[cfg(operation = "functions.get_commit_content")]
                5 => check(client.functions().get_commit_content("f", "c").await),
                #[cfg(operation = "connector.get")]
                6 => check(client.connector().get("a", "c").await),
                _ => {
                    let json = client.call(Method::GET, "/x", None).await;
                    if let Ok(json) = &json {
                        is_exact(json, body);
                    }
                    check(json);
                }
            }
        });
    });
}

/// A number by itself is the double that is nearest to its text.
fn is_exact(json: &Value, body: &[u8]) {
    if let Some(number) = json.as_f64() {
        let text = std::str::from_utf8(body).expect("JSON");
        assert_eq!(text.trim().parse(), Ok(number));
    }
}

fn check<M: Serialize + DeserializeOwned + PartialEq>(result: Result<M, Error>) {
    match result {
        Ok(message) => {
            let written = serde_json::to_string(&message).expect("what was read can be written");
            let again: M = serde_json::from_str(&written).expect("our own JSON");
            let tree: Value = serde_json::from_str(&written).expect("our own JSON");
            let from_tree: M = serde_json::from_value(tree).expect("our own JSON");
            for again in [again, from_tree] {
                let text = serde_json::to_string(&again).expect("once more");
                assert_eq!(text, written);
                // NaN is not equal to itself.
                assert!(again == message || written.contains("\"NaN\""), "{written}");
            }
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            shows_nothing(&error, WORDS);
        }
    }
}
