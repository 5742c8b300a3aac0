//! Any text as an id in a path, and as a path.

use c1_api_ext::c1_api::reqwest::{Method, Url};
use c1_api_ext::c1_api::{Client, Operation, app_entitlements, apps};
use c1_api_ext::{Error, ErrorKind};
use percent_encoding::percent_decode_str;

use crate::canned::{BASE_URL, Bench};
use crate::shows_nothing;

/// The longest error, in characters.
const WORDS: usize = 200;

/// Whatever the ids: the request goes to the operation's path, in which each of them is one segment; or it is refused,
/// if one of them cannot be a segment. The same holds for the path of a request that the description lacks.
///
/// The first byte chooses the call, the rest are the ids, separated by bytes that are not UTF-8.
///
/// # Panics
/// If not.
pub fn path_parameters(data: &[u8]) {
    let &[call, ref ids @ ..] = data else {
        return;
    };
    let mut ids = ids.split(|byte| *byte == 0xff).map(std::str::from_utf8);
    let mut next = || ids.next().unwrap_or(Ok("x"));
    let (Ok(a), Ok(b), Ok(c)) = (next(), next(), next()) else {
        return;
    };
    thread_local!(static BENCH: Bench = Bench::new());
    BENCH.with(|bench| {
        let Bench {
            client, runtime, ..
        } = bench;
        let response = http::Response::new(b"{}".to_vec());
        bench.canned.respond(response);
        let (operation, ids, result) = match call % 6 {
            0 => {
                let result = runtime.block_on(client.apps().get(a).into_future());
                (apps::Get::OPERATION, vec![a], result.map(drop))
            }
            1 => {
                let call = client.app_entitlements().get(a, b).into_future();
                let result = runtime.block_on(call).map(drop);
                (app_entitlements::Get::OPERATION, vec![a, b], result)
            }
            2 => {
                let path = app_entitlements::ListForAppResourcePath {
                    app_id: a,
                    app_resource_type_id: b,
                    app_resource_id: c,
                };
                let call = client.app_entitlements().list_for_app_resource(path);
                let result = runtime.block_on(call.into_future()).map(drop);
                let operation = app_entitlements::ListForAppResource::OPERATION;
                (operation, vec![a, b, c], result)
            }
            3 => {
                let operation = apps::Get::OPERATION;
                let call = client.raw_call(operation);
                let result = runtime.block_on(async {
                    let result = call.raw().apps_get(a).await;
                    call.finish(result).await.map(drop)
                });
                (operation, vec![a], result)
            }
            4 => {
                let operation = app_entitlements::ListForAppResource::OPERATION;
                let call = client.raw_call(operation);
                let result = runtime.block_on(async {
                    let raw = call.raw();
                    let result = raw
                        .app_entitlements_list_for_app_resource(a, b, c, None, None)
                        .await;
                    call.finish(result).await.map(drop)
                });
                (operation, vec![a, b, c], result)
            }
            _ => {
                let result = runtime.block_on(own(client, a));
                own_path_is_kept(a, &bench.canned.sent(), result);
                return;
            }
        };
        let sent = bench.canned.sent();
        let is_sent = ids.iter().copied().all(is_segment);
        assert_eq!(is_sent, result.is_ok(), "{result:?}");
        if let Err(error) = result {
            return is_refused(&error, &sent);
        }
        let [url] = &sent[..] else {
            panic!("sent {} times", sent.len());
        };
        ids_are_segments(operation, &ids, url);
    });
}

async fn own(client: &Client, path: &str) -> Result<(), Error> {
    client.call(Method::GET, path, None).await.map(drop)
}

/// What can be one segment of a path, stated here independently of the client.
fn is_segment(id: &str) -> bool {
    !matches!(id, "" | "." | "..") && !id.contains(char::is_control)
}

fn is_refused(error: &Error, sent: &[Url]) {
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(!error.may_have_been_sent() && sent.is_empty());
    shows_nothing(error, WORDS);
}

/// The segments below the base URL, of a URL that differs from that in its path and query only.
fn segments(url: &Url) -> Vec<&str> {
    let base = Url::parse(BASE_URL).expect("a URL");
    assert_eq!(url.origin(), base.origin());
    assert_eq!((url.username(), url.password()), ("", None));
    assert_eq!(url.fragment(), None);
    let below = url.path().strip_prefix("/base/").expect("the base path");
    // Of what the URL standard and servers take for syntax, nothing is left but the percent sign.
    let allowed = |c: char| c.is_ascii_graphic() && !"?#\\".contains(c);
    assert!(below.chars().all(allowed), "{below:?}");
    below.split('/').collect()
}

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

fn ids_are_segments(operation: &Operation, ids: &[&str], url: &Url) {
    assert_eq!(url.query(), None);
    let mut ids = ids.iter();
    let template = operation.path.trim_start_matches('/').split('/');
    let expected = template.map(|segment| {
        if segment.starts_with('{') {
            ids.next().expect("an id")
        } else {
            segment
        }
    });
    let expected: Vec<_> = expected.collect();
    let found = segments(url);
    assert_eq!(
        found.iter().copied().map(decoded).collect::<Vec<_>>(),
        expected
    );
    for segment in found {
        let plain = segment.replace('%', "");
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        assert!(plain.chars().all(unreserved), "{segment}");
    }
}

fn own_path_is_kept(given: &str, sent: &[Url], result: Result<(), Error>) {
    let (path, query) = match given.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (given, None),
    };
    let expected: Vec<_> = path.split('/').skip(1).map(decoded).collect();
    let is_sent = path.starts_with('/')
        && !given.contains(['#', '\\'])
        && expected.iter().map(String::as_str).all(is_segment);
    assert_eq!(is_sent, result.is_ok(), "{result:?}");
    if let Err(error) = result {
        return is_refused(&error, sent);
    }
    let [url] = sent else {
        panic!("sent {} times", sent.len());
    };
    assert_eq!(query.is_some(), url.query().is_some());
    let found: Vec<_> = segments(url).into_iter().map(decoded).collect();
    assert_eq!(found, expected);
}
