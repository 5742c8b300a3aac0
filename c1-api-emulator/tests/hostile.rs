//! Requests of web pages and of clients that mean harm, over loopback.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use c1_api_emulator::{Emulator, Error};
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
    assert!(
        !head.to_lowercase().contains("access-control-"),
        "no page of another site may read a response: {head}"
    );
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// Sends a form to the emulator under its own name.
async fn form(emulator: &Emulator, path: &str, headers: &str, body: &str) -> (u16, Value) {
    let headers = format!("host: {}\r\n{FORM}{headers}", address(emulator));
    send(emulator, path, &headers, body).await
}

#[tokio::test]
async fn requests_for_foreign_hosts_are_refused_even_if_logins_are_approved() {
    let builder = Emulator::builder().on_device_login(|_| true);
    let emulator = builder.start().await.unwrap();
    let (_, port) = address(&emulator).split_once(':').unwrap();
    let token = format!(
        "authorization: Bearer {}\r\n",
        emulator.access_token().unwrap()
    );
    let secret = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        emulator.client_id(),
        emulator.client_secret()
    );
    for (host, status) in [
        (format!("rebound.example:{port}"), 421),
        ("127.0.0.1.example".to_owned(), 421),
        ("192.0.2.1".to_owned(), 421),
        (format!("127.0.0.1:{port}"), 200),
        // A forwarded port.
        ("localhost:1".to_owned(), 200),
    ] {
        let host = format!("host: {host}\r\n");
        let headers = format!("{host}{FORM}");
        for (path, body) in [(DEVICE, "client_id=a-tool"), (TOKEN, &secret)] {
            let (found, response) = send(&emulator, path, &headers, body).await;
            assert_eq!(found, status, "{host}{path}: {response}");
        }
        let headers = format!("{host}{token}");
        let (found, _) = send(&emulator, "/api/v1/apps", &headers, "").await;
        assert_eq!(found, status, "{host}");
    }
    let own = format!("host: {}\r\n{token}", address(&emulator));
    let target = "http://rebound.example/api/v1/apps";
    assert_eq!(send(&emulator, target, &own, "").await.0, 421);
    assert_eq!(send(&emulator, "/api/v1/apps", &token, "").await.0, 400);
    let twice = format!("{own}host: localhost\r\n");
    assert_eq!(send(&emulator, "/api/v1/apps", &twice, "").await.0, 400);
    assert_eq!(emulator.requests().len(), 2, "those that were served");
}

#[tokio::test]
async fn other_hosts_can_be_allowed() {
    let builder = Emulator::builder()
        .allow_host("C1.test")
        .allow_host("192.0.2.1");
    let emulator = builder.start().await.unwrap();
    for (host, status) in [("c1.test:80", 200), ("192.0.2.1", 200), ("c2.test", 421)] {
        let headers = format!("host: {host}\r\n{FORM}");
        let (found, _) = send(&emulator, DEVICE, &headers, "client_id=a").await;
        assert_eq!(found, status, "{host}");
    }
    let rejected = Emulator::builder().allow_host("http://c1.test").start();
    assert!(matches!(rejected.await, Err(Error::HostName(host)) if host == "http://c1.test"));
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
async fn cross_site_requests_are_refused() {
    let builder = Emulator::builder().on_device_login(|_| true);
    let emulator = builder.start().await.unwrap();
    let own = emulator.base_url();
    for (headers, status) in [
        ("origin: https://page.example\r\n".to_owned(), 403),
        ("origin: null\r\n".to_owned(), 403),
        // Another program on this machine.
        ("origin: http://127.0.0.1:1\r\n".to_owned(), 403),
        (format!("origin: {}\r\n", own.replace("http", "https")), 403),
        (format!("origin: {own}\r\norigin: null\r\n"), 403),
        ("sec-fetch-site: cross-site\r\n".to_owned(), 403),
        ("sec-fetch-site: same-site\r\n".to_owned(), 403),
        (
            format!("origin: {own}\r\nsec-fetch-site: cross-site\r\n"),
            403,
        ),
        (
            format!("origin: {own}\r\nsec-fetch-site: same-origin\r\n"),
            200,
        ),
        ("sec-fetch-site: none\r\n".to_owned(), 200),
    ] {
        let (found, response) = form(&emulator, DEVICE, &headers, "client_id=a").await;
        assert_eq!(found, status, "{headers}{response}");
        let Some(code) = response["device_code"].as_str() else {
            continue;
        };
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let poll = format!("grant_type={grant}&device_code={code}&client_id=a");
        let evil = form(&emulator, TOKEN, "origin: https://page.example\r\n", &poll);
        assert_eq!(evil.await.0, 403);
        assert_eq!(form(&emulator, TOKEN, &headers, &poll).await.0, 200);
    }
}

#[tokio::test]
async fn a_preflight_is_refused() {
    let emulator = Emulator::start().await.unwrap();
    let mut stream = TcpStream::connect(address(&emulator)).await.unwrap();
    let request = format!(
        "OPTIONS {TOKEN} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\norigin: https://page.example\r\n\
         access-control-request-method: POST\r\n\r\n",
        address(&emulator)
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 403 "), "{response}");
    assert!(!response.contains("access-control"), "{response}");
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
