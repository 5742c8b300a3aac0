//! Requests of clients that mean harm, over loopback.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use c1_api_emulator::Emulator;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const TOKEN: &str = "/auth/v1/token";
const DEVICE: &str = "/auth/v1/device_authorization";
const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

fn address(emulator: &Emulator) -> &str {
    emulator.base_url().strip_prefix("http://").unwrap()
}

/// Sends a request with these header lines and returns the status and the JSON of the response.
async fn send(emulator: &Emulator, target: &str, headers: &str, body: &str) -> (u16, Value) {
    let method = if body.is_empty() { "GET" } else { "POST" };
    let mut request = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n{headers}");
    write!(request, "content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut stream = TcpStream::connect(address(emulator)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// Sends a form to the emulator under its own name.
async fn form(emulator: &Emulator, path: &str, headers: &str, body: &str) -> (u16, Value) {
    let headers = format!("host: {}\r\n{FORM}{headers}", address(emulator));
    send(emulator, path, &headers, body).await
}

#[tokio::test]
async fn the_log_is_limited_in_bytes_and_counts_what_it_dropped() {
    let emulator = Emulator::builder()
        .log_bytes(1 << 20)
        .start()
        .await
        .unwrap();
    let body = json!({ "displayName": "a".repeat(400 << 10) });
    let headers = format!(
        "host: {}\r\ncontent-type: application/json\r\n",
        address(&emulator)
    );
    for (kept, dropped) in [(1, 0), (2, 0), (2, 1), (2, 2)] {
        let (status, _) = send(&emulator, "/api/v1/apps", &headers, &body.to_string()).await;
        assert_eq!(status, 401);
        let requests = emulator.requests();
        assert_eq!(
            (requests.len(), emulator.dropped_requests()),
            (kept, dropped)
        );
        assert_eq!(requests[kept - 1].body.as_ref(), Some(&body));
    }
}

#[tokio::test]
async fn the_longest_durations_are_accepted() {
    let builder = Emulator::builder()
        .token_lifetime(Duration::MAX)
        .device_lifetime(Duration::MAX)
        .device_interval(Some(Duration::MAX));
    let emulator = builder.start().await.unwrap();
    let token = emulator.access_token().unwrap();
    let headers = format!(
        "host: {}\r\nauthorization: Bearer {token}\r\n",
        address(&emulator)
    );
    let (status, _) = send(&emulator, "/api/v1/apps", &headers, "").await;
    assert_eq!(status, 200);

    let century = 100_u64 * 365 * 86_400;
    let (_, login) = form(&emulator, DEVICE, "", "client_id=a").await;
    assert_eq!(
        (&login["expires_in"], &login["interval"]),
        (&json!(century), &json!(century))
    );
    let code = login["device_code"].as_str().unwrap();
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let poll = format!("grant_type={grant}&device_code={code}&client_id=a");
    for error in ["authorization_pending", "slow_down"] {
        assert_eq!(form(&emulator, TOKEN, "", &poll).await.1["error"], error);
    }
    assert!(emulator.approve_device(login["user_code"].as_str().unwrap()));
    let (status, response) = form(&emulator, TOKEN, "", &poll).await;
    assert_eq!((status, &response["expires_in"]), (200, &json!(century)));
}

#[tokio::test]
async fn a_clock_far_off_is_limited_to_years_of_four_digits() {
    let far = Duration::from_secs(1 << 60);
    for (time, date, year) in [
        (
            SystemTime::UNIX_EPOCH - far,
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "1970-",
        ),
        (
            SystemTime::UNIX_EPOCH + far,
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "9999-",
        ),
    ] {
        let builder = Emulator::builder().clock(move || time);
        let emulator = builder.start().await.unwrap();
        let token = emulator.access_token().unwrap();
        emulator.subject_token().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let apps = http.get(format!("{}/api/v1/apps", emulator.base_url()));
        let response = apps.bearer_auth(token).send().await.unwrap();
        assert_eq!(response.headers()["date"], date);
        let apps: Value = response.json().await.unwrap();
        let created = apps["list"][0]["createdAt"].as_str().unwrap();
        assert!(created.starts_with(year), "{created}");
    }
}

/// Sends a request to the API with a token.
async fn call(emulator: &Emulator, target: &str, body: &str) -> (u16, Value) {
    let headers = format!(
        "host: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n",
        address(emulator),
        emulator.access_token().unwrap()
    );
    send(emulator, target, &headers, body).await
}

#[tokio::test]
async fn a_page_token_behind_the_last_row_gives_an_empty_page() {
    let emulator = Emulator::start().await.unwrap();
    let token = URL_SAFE_NO_PAD.encode(format!("apps.list:{}", u64::MAX));
    let (status, page) = call(&emulator, &format!("/api/v1/apps?page_token={token}"), "").await;
    assert_eq!((status, &page["list"]), (200, &json!([])));
}

#[tokio::test]
async fn a_client_expires_by_the_year_9999() {
    let emulator = Emulator::start().await.unwrap();
    for (expires, expected) in [("200000000000s", 200), ("315575999999s", 400)] {
        let body = json!({ "expires": expires }).to_string();
        let (status, response) = call(&emulator, "/api/v1/iam/personal_clients", &body).await;
        assert_eq!(status, expected, "{expires}: {response}");
    }
}

#[tokio::test]
async fn forms_are_limited_in_size_and_number_of_fields() {
    let emulator = Emulator::start().await.unwrap();
    let padded = |length| format!("client_id={}", "a".repeat(length));
    let fields =
        |count: u32| (0..count).fold(String::new(), |form, at| form + &format!("f{at}=1&"));
    for (body, status) in [
        (padded(100 << 10), 200),
        (padded(128 << 10), 413),
        (fields(31) + "client_id=a", 200),
        (fields(32) + "client_id=a", 400),
    ] {
        let (found, response) = form(&emulator, DEVICE, "", &body).await;
        assert_eq!(found, status, "{}: {response}", body.len());
    }
}

#[tokio::test]
async fn update_masks_are_limited_in_number_of_paths() {
    let emulator = Emulator::start().await.unwrap();
    let (_, apps) = call(&emulator, "/api/v1/apps", "").await;
    let path = format!("/api/v1/apps/{}", apps["list"][0]["id"].as_str().unwrap());
    for (count, status) in [(200, 200), (201, 400)] {
        let mask = vec!["description"; count].join(",");
        let body = json!({ "app": { "description": "x" }, "updateMask": mask }).to_string();
        let (found, response) = call(&emulator, &path, &body).await;
        assert_eq!(found, status, "{count}: {response}");
    }
}

#[tokio::test]
async fn no_request_target_makes_the_emulator_panic() {
    let emulator = Emulator::start().await.unwrap();
    let long = format!("/{}", "a/".repeat(16 << 10));
    for target in [
        "*",
        "/",
        "//",
        "/%",
        "/%ff",
        "/api/v1/apps/%00",
        "/?&=&%",
        "/api/v1/apps?=%ff",
        &long,
    ] {
        let (status, response) = call(&emulator, target, "").await;
        assert!((400..500).contains(&status), "{target}: {response}");
    }
}
