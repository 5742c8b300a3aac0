//! Tests of the error: what it says, and what it never shows.

use crate::wire;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use std::fmt::Write as _;

use super::*;

const CANARY: &str = "canary-7357";

fn response(status: u16, content_type: &str, body: impl Into<reqwest::Body>) -> reqwest::Response {
    http::Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("set-cookie", CANARY)
        .body(body.into())
        .unwrap()
        .into()
}

/// Everything that an error can be made to print, its sources included.
fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(error) = source {
        let _ = write!(text, " {error} {error:?}");
        source = error.source();
    }
    text
}

#[tokio::test]
async fn a_google_rpc_status_is_taken_apart() {
    let body = r#"{"code": 6, "message": "app exists (request-id: 2xYz)", "more": null,
        "details": [{"@type": "type.googleapis.com/c1.Existing", "appId": "2B"}]}"#;
    let error = Error::from_response(response(409, "application/json; charset=utf-8", body)).await;
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.status(), Some(StatusCode::CONFLICT));
    assert_eq!(error.code(), Some(Code::AlreadyExists));
    assert_eq!(error.message(), "app exists (request-id: 2xYz)");
    assert_eq!(error.to_string(), error.message());
    assert_eq!(error.request_id(), Some("2xYz"));
    assert!(error.is_already_exists() && !error.is_not_found() && !error.is_server_error());
    assert_eq!(error.details().len(), 1);
    assert_eq!(error.details()[0].type_name(), Some("c1.Existing"));
    assert_eq!(error.details()[0].0["appId"], "2B");
    assert!(!shown(&error).contains(CANARY));
}

#[tokio::test]
async fn a_malformed_part_does_not_hide_the_others() {
    for (body, code) in [
        (
            r#"{"code": 5, "message": "gone", "details": {"a": 1}}"#,
            Some(Code::NotFound),
        ),
        (
            r#"{"code": "x", "message": "gone", "details": [1, null, "a"]}"#,
            None,
        ),
        (
            r#"{"code": null, "message": "gone", "details": null}"#,
            None,
        ),
        (
            r#"{"code": 99, "message": "gone"}"#,
            Some(Code::Unrecognized(99)),
        ),
    ] {
        let error = Error::from_response(response(404, "application/json", body)).await;
        assert_eq!(
            (error.message(), error.code(), error.details().len()),
            ("gone", code, 0)
        );
    }
}

#[tokio::test]
async fn any_other_body_is_not_quoted() {
    let huge = format!(
        "{{\"message\": \"{}\"}}",
        CANARY.repeat(1024 * 1024 / CANARY.len())
    );
    for (kind, body, message) in [
        (
            "text/html; charset=utf-8",
            format!("<html>{CANARY}"),
            "the server responded 502 Bad Gateway with text/html",
        ),
        (
            "application/json",
            format!("{{\"error\": \"{CANARY}\"}}"),
            "the server responded 502 Bad Gateway with application/json",
        ),
        (
            "application/json",
            format!("{{\"message\": [\"{CANARY}\"]}}"),
            "the server responded 502 Bad Gateway with application/json",
        ),
        (
            "application/json",
            String::new(),
            "the server responded 502 Bad Gateway with application/json",
        ),
        (
            "application/json",
            huge,
            "the server responded 502 Bad Gateway with application/json",
        ),
        (
            "<canary-7357>",
            String::new(),
            "the server responded 502 Bad Gateway with an unreadable content type",
        ),
    ] {
        let error = Error::from_response(response(502, kind, body)).await;
        assert_eq!(error.message(), message);
        assert_eq!((error.code(), error.request_id()), (None, None));
        assert!(error.is_server_error());
        assert!(!shown(&error).contains(CANARY));
    }
}

#[tokio::test]
async fn a_decode_error_hides_the_body() {
    let text = format!("[\"{CANARY}\"]");
    let inner = serde_json::from_str::<wire::Any>(&text).err().unwrap();
    let raw = progenitor_client::Error::InvalidResponsePayload(text.into(), inner);
    assert!(
        format!("{raw}").contains(CANARY),
        "progenitor no longer quotes: from_raw may forward it"
    );
    let error = Error::from_raw(raw).await;
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(
        error.message(),
        "the response could not be decoded: expected an object"
    );
    assert!(error.source().is_some());
    assert!(!shown(&error).contains(CANARY));
}

#[tokio::test]
async fn raw_errors_keep_their_secrets() {
    use progenitor_client::{Error as Raw, ResponseValue};
    let http = crate::testing::http();
    // Port 1 is closed on any sane machine; the URL carries the secret.
    let refused = http
        .get(format!("http://127.0.0.1:1/?token={CANARY}"))
        .send()
        .await
        .unwrap_err();
    let builder = http
        .get("http://127.0.0.1/")
        .header(CANARY, "\n")
        .build()
        .unwrap_err();
    let headers = HeaderMap::from_iter([(reqwest::header::COOKIE, CANARY.parse().unwrap())]);
    for (raw, kind) in [
        (Raw::CommunicationError(refused), ErrorKind::Connect),
        (Raw::CommunicationError(builder), ErrorKind::InvalidRequest),
        (
            Raw::InvalidRequest(CANARY.into()),
            ErrorKind::InvalidRequest,
        ),
        (Raw::Custom(CANARY.into()), ErrorKind::InvalidRequest),
        (
            Raw::ErrorResponse(ResponseValue::new((), StatusCode::NOT_FOUND, headers)),
            ErrorKind::NotFound,
        ),
        (
            Raw::UnexpectedResponse(response(204, CANARY, CANARY)),
            ErrorKind::UnexpectedContent,
        ),
        (
            Raw::UnexpectedResponse(response(404, "text/html", CANARY)),
            ErrorKind::NotFound,
        ),
    ] {
        let error = Error::from_raw(raw).await;
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(!shown(&error).contains(CANARY), "{}", shown(&error));
    }
}

#[tokio::test]
async fn questions() {
    type Question = fn(&Error) -> bool;
    let questions: [(&str, Question); 9] = [
        ("not_found", Error::is_not_found),
        ("already_exists", Error::is_already_exists),
        ("permission_denied", Error::is_permission_denied),
        ("unauthenticated", Error::is_unauthenticated),
        ("rate_limited", Error::is_rate_limited),
        ("timeout", Error::is_timeout),
        ("connect", Error::is_connect),
        ("invalid_request", Error::is_invalid_request),
        ("server_error", Error::is_server_error),
    ];
    let yes = |error: &Error| -> Vec<&str> {
        questions
            .iter()
            .filter(|(_, question)| question(error))
            .map(|(name, _)| *name)
            .collect()
    };
    for (status, code, answers) in [
        (400, 3, &["invalid_request"][..]),
        (401, 16, &["unauthenticated"]),
        (403, 7, &["permission_denied"]),
        (404, 0, &["not_found"]),
        (500, 5, &["not_found", "server_error"]),
        (408, 0, &["timeout"]),
        (409, 0, &["already_exists"]),
        (409, 10, &[]),
        (429, 8, &["rate_limited"]),
        (500, 2, &["server_error"]),
        (504, 4, &["timeout", "server_error"]),
    ] {
        let body = format!("{{\"code\": {code}}}");
        let error = Error::from_response(response(status, "application/json", body)).await;
        assert_eq!(yes(&error), answers, "{status} {code}");
    }
    for (kind, answers) in [
        (ErrorKind::Connect, &["connect"][..]),
        (ErrorKind::Timeout, &["timeout"]),
        (ErrorKind::InvalidRequest, &["invalid_request"]),
        (ErrorKind::Transport, &[]),
    ] {
        assert_eq!(yes(&Error::new(kind, "")), answers, "{kind:?}");
    }
}

#[tokio::test]
async fn request_ids() {
    for (message, id) in [
        ("no (request-id: a-1)", Some("a-1")),
        ("(request-id: fake) x (request-id:b)", Some("b")),
        ("x (request-id: )", None),
        ("x (request-id: a", None),
        ("request-id: a", None),
    ] {
        let body = format!("{{\"message\": \"{message}\"}}");
        let error = Error::from_response(response(500, "application/json", body)).await;
        assert_eq!(error.request_id(), id, "{message}");
    }
}

#[tokio::test]
async fn every_status_has_its_kind_and_says_whether_it_is_a_refusal() {
    use ErrorKind as K;
    for (status, kind, sent) in [
        (301, K::Redirect, true),
        (302, K::Redirect, true),
        (303, K::Redirect, true),
        (307, K::Redirect, false),
        (308, K::Redirect, false),
        (400, K::Status, false),
        (401, K::Unauthenticated, false),
        (403, K::PermissionDenied, false),
        (404, K::NotFound, false),
        (405, K::Status, false),
        (408, K::RequestTimeout, true),
        (409, K::Conflict, false),
        (413, K::Status, false),
        (422, K::Status, false),
        (429, K::RateLimited, false),
        (499, K::Status, true),
        (500, K::Server, true),
        (501, K::Server, true),
        (502, K::Server, true),
        (503, K::Server, true),
        (504, K::Server, true),
        (599, K::Server, true),
    ] {
        let body = r#"{"message": "no (request-id: a)"}"#;
        let error = Error::from_response(response(status, "application/json", body)).await;
        assert_eq!(error.kind(), kind, "{status}");
        assert_eq!(error.may_have_been_sent(), sent, "{status}");
        assert_eq!(error.request_id(), Some("a"), "{status}");
        // An earlier try may have got through, whatever became of the last one.
        assert!(error.with_may_have_been_sent(true).may_have_been_sent());
    }
    for (kind, sent) in [
        (K::InvalidRequest, false),
        (K::NoRuntime, false),
        (K::Auth, false),
        (K::Connect, false),
        (K::Timeout, true),
        (K::Transport, true),
        (K::UnexpectedContent, true),
        (K::Decode, true),
        (K::TooLarge, true),
    ] {
        let error = Error::new(kind, "no (request-id: a)");
        assert_eq!(error.may_have_been_sent(), sent, "{kind:?}");
        assert_eq!(error.request_id(), None, "{kind:?}");
    }
}

#[tokio::test]
async fn retry_after_is_seconds_or_a_date() {
    const DATED: Option<&str> = Some("Tue, 14 Nov 2023 22:13:20 GMT");
    for (told, date, delay) in [
        ("120", None, Some(120)),
        (" 0 ", None, Some(0)),
        ("99999999999999999999999", None, Some(u64::MAX)),
        ("Tue, 14 Nov 2023 22:13:50 GMT", DATED, Some(30)),
        ("Tuesday, 14-Nov-23 22:13:50 GMT", DATED, Some(30)),
        ("Tue Nov 14 22:13:50 2023", DATED, Some(30)),
        ("Tue, 14 Nov 2023 22:13:19 GMT", DATED, Some(0)),
        ("Tue, 14 Nov 2023 22:13:50 GMT", None, None),
        ("Tue, 14 Nov 2023 22:13:50 GMT", Some("today"), None),
        ("-1", DATED, None),
        ("1.5", DATED, None),
        ("", DATED, None),
        ("soon", DATED, None),
    ] {
        let mut response = response(429, "application/json", "");
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, told.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        let error = Error::from_response(response).await;
        assert_eq!(
            error.retry_after(),
            delay.map(Duration::from_secs),
            "{told}"
        );
    }
    let error = Error::from_response(response(429, "application/json", "")).await;
    assert_eq!(error.retry_after(), None);
}

#[tokio::test]
async fn the_existing_id_is_found_where_there_is_only_one() {
    const INFO: &str = r#""@type": "type.googleapis.com/google.rpc.ResourceInfo""#;
    for (details, id) in [
        (format!("{{{INFO}, \"resourceName\": \"2B\"}}"), Some("2B")),
        (
            format!("{{\"id\": \"2A\"}}, {{{INFO}, \"resourceName\": \"2B\"}}"),
            Some("2B"),
        ),
        (
            format!("{{{INFO}, \"resourceName\": \"\"}}, {{\"id\": \"2A\"}}"),
            Some("2A"),
        ),
        (
            r#"{"@type": "x/c1.Existing", "appId": "2A", "id": "2B"}"#.into(),
            Some("2B"),
        ),
        (
            r#"{"@type": "x/c1.Existing", "appId": "2B", "paid": "x"}"#.into(),
            Some("2B"),
        ),
        (r#"{"appId": "2A", "userId": "2B"}"#.into(), None),
        (r#"{"appId": 1, "userId": "2B"}"#.into(), Some("2B")),
        (
            r#"{"@type": "x/google.rpc.RequestInfo", "requestId": "r"}"#.into(),
            None,
        ),
        (String::new(), None),
    ] {
        let body = format!("{{\"code\": 6, \"details\": [{details}]}}");
        let of = async |status| {
            Error::from_response(response(status, "application/json", body.clone())).await
        };
        assert_eq!(of(409).await.existing_id(), id, "{details}");
        assert_eq!(of(400).await.existing_id(), None, "{details}");
    }
}

#[test]
fn transports_add_what_they_know() {
    let error = Error::new(ErrorKind::Timeout, "no answer")
        .with_attempts(3)
        .with_elapsed(Duration::from_secs(7))
        .with_retry_after(Duration::from_secs(1))
        .with_may_have_been_sent(false)
        .with_note("not tried again");
    assert_eq!(error.to_string(), "no answer; not tried again");
    assert_eq!((error.attempts(), error.may_have_been_sent()), (3, false));
    assert_eq!(error.elapsed(), Some(Duration::from_secs(7)));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    assert_eq!(
        format!("{error:?}"),
        "Error { kind: Timeout, attempts: 3, message: \"no answer; not tried again\", .. }"
    );
    let plain = Error::new(ErrorKind::Timeout, "");
    assert_eq!((plain.attempts(), plain.elapsed()), (0, None));
}

#[test]
fn codes_are_open() {
    for number in 0..=16 {
        let code = Code::from(number);
        assert!(!matches!(code, Code::Unrecognized(_)));
        assert_eq!(i32::from(code), number);
    }
    assert_eq!(i32::from(Code::from(99)), 99);
    assert_eq!(Code::from(99).to_string(), "99");
    assert_eq!(Code::NotFound.to_string(), "NOT_FOUND");
}

#[test]
fn shared_errors_are_not_changed_behind_each_others_back() {
    let one = Error::new(ErrorKind::Auth, "no");
    let two = one.clone().with_status(StatusCode::UNAUTHORIZED);
    assert_eq!(
        (one.status(), two.status()),
        (None, Some(StatusCode::UNAUTHORIZED))
    );
    assert_eq!(
        format!("{two:?}"),
        "Error { kind: Auth, status: 401, message: \"no\", .. }"
    );
}

/// Fails to resolve any name with this error of the operating system.
struct Failing(i32);

impl reqwest::dns::Resolve for Failing {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let error = std::io::Error::from_raw_os_error(self.0);
        Box::pin(async move { Err(error.into()) })
    }
}

#[tokio::test]
async fn an_error_says_that_there_are_too_many_open_files() {
    let too_many = if cfg!(windows) { 10_024 } else { 24 };
    // 1: EPERM, or ERROR_INVALID_FUNCTION.
    for (code, told) in [(too_many, true), (1, false)] {
        // Installs TLS for the builder.
        let _ = crate::testing::http();
        let http = reqwest::Client::builder().dns_resolver(std::sync::Arc::new(Failing(code)));
        let request = http.no_proxy().build().unwrap();
        let request = request.get(format!("http://t.invalid/?token={CANARY}"));
        let error = Error::from_reqwest(request.send().await.unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert!(!error.may_have_been_sent());
        for advice in ["out of file handles", "`Limits::concurrent`", "`ulimit -n`"] {
            assert_eq!(error.message().contains(advice), told, "{error}");
        }
        assert!(!shown(&error).contains(CANARY));
    }
}

fn _is_send_sync<T: Send + Sync + 'static>() {}
const _: fn() = _is_send_sync::<Error>;

#[tokio::test]
async fn a_message_is_printable_and_of_bounded_length_and_keeps_its_request_id() {
    let long = format!("{}\u{1b}[2J(request-id: 2xYz)", "é\r\n".repeat(100_000));
    let body = serde_json::json!({ "code": 3, "message": long }).to_string();
    let error = Error::from_response(response(400, "application/json", body)).await;
    assert_eq!(error.message().chars().count(), 2001);
    assert!(error.message().ends_with('…'));
    assert!(!format!("{error}").contains(char::is_control));
    assert_eq!(error.request_id(), Some("2xYz"));
}
