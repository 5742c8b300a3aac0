//! Faults on demand, over loopback.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use std::error::Error as _;
use std::io;
use std::time::{Duration, SystemTime};

use c1_api_emulator::{Emulator, Fault};
use client::{Client, text};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const APPS: &str = "/api/v1/apps";

/// The time of the tenants here.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// A tenant with the fault.
async fn with(fault: Fault) -> Client {
    let emulator = Emulator::builder().clock(now).start().await.unwrap();
    emulator.inject(fault);
    Client::of(emulator)
}

impl Client {
    /// The status of the list of apps, and its header with the name; empty if it has none.
    async fn header(&self, name: &str) -> (u16, String) {
        let response = self.request(Method::GET, APPS).send().await.unwrap();
        let header = response.headers().get(name);
        let header = header.map_or("", |header| header.to_str().unwrap());
        (response.status().as_u16(), header.to_owned())
    }

    /// What a connection receives in response to a request for the list of apps, and whether it ended without an error.
    async fn raw(&self) -> (String, io::Result<usize>) {
        let address = self.emulator.base_url().strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let token = &self.token;
        let request = format!(
            "GET {APPS} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut received = Vec::new();
        let end = stream.read_to_end(&mut received).await;
        (String::from_utf8(received).unwrap(), end)
    }
}

#[tokio::test]
async fn a_status_keeps_the_operation_from_being_executed() {
    let client = with(Fault::new().operation("apps.create").times(1).status(503)).await;
    let (status, body) = client.post(APPS, json!({ "displayName": "a" })).await;
    assert_eq!((status, &body["code"]), (503, &json!(14)));
    assert!(text(&body["message"]).contains("(request-id: "), "{body}");
    // Otherwise this was a conflict.
    client.app("a").await;
    let faults: Vec<_> = client.emulator.requests();
    let faults: Vec<_> = faults.iter().map(|request| request.fault()).collect();
    assert_eq!(faults, [Some("status=503"), None]);
}

#[tokio::test]
async fn a_response_with_a_fault_says_so() {
    let client = with(
        Fault::new()
            .times(1)
            .status(429)
            .retry_after(Duration::from_millis(6001)),
    )
    .await;
    let response = client.request(Method::GET, APPS).send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["c1-emulator"], "fault");
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(client.header("c1-emulator").await, (200, String::new()));
    let date = Fault::new()
        .status(503)
        .retry_after_date(Duration::from_secs(20));
    client.emulator.inject(date);
    let expected = (503, "Tue, 14 Nov 2023 22:13:40 GMT".to_owned());
    assert_eq!(client.header("retry-after").await, expected);
    client.emulator.clear_faults();
    assert_eq!(client.header("retry-after").await, (200, String::new()));
}

#[tokio::test]
async fn a_header_is_a_fault_of_its_request() {
    let client = with(Fault::new().latency(Duration::ZERO)).await;
    let send = |fault: &'static str| {
        Client::send(
            client
                .request(Method::GET, APPS)
                .header("C1-Emulator-Fault", fault),
        )
    };
    assert_eq!(send("status=409").await.0, 409);
    let fault = client.emulator.requests()[0].fault().unwrap().to_owned();
    assert_eq!(fault, "latency=0s, status=409");
    for (fault, expected) in [
        (
            "status=1",
            "c1-emulator-fault: expected a number from 200 to 599 for status",
        ),
        (
            "times=1, reset",
            "c1-emulator-fault: expected no selection of requests",
        ),
    ] {
        let (status, body) = send(fault).await;
        assert!(
            status == 400 && text(&body["message"]).starts_with(expected),
            "{body}"
        );
    }
    assert_eq!(client.get(APPS).await.0, 200);
}

#[tokio::test]
async fn bodies_that_are_no_json() {
    let client = with(Fault::new().times(1).status(502).html()).await;
    let response = client.request(Method::GET, APPS).send().await.unwrap();
    assert_eq!(response.status(), 502);
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    assert!(
        response
            .text()
            .await
            .unwrap()
            .starts_with("<!DOCTYPE html>")
    );
    client.emulator.inject(Fault::new().empty_body());
    let response = client.request(Method::GET, APPS).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.text().await.unwrap()),
        (200, String::new())
    );
}

#[tokio::test]
async fn tokens_that_are_refused_stay_so() {
    for (fault, expected) in [
        (Fault::new().expired_token(), "the access token is expired"),
        (Fault::new().revoked_token(), "the access token is revoked"),
    ] {
        let mut client = with(fault.operation("apps.list").times(1)).await;
        let challenge = client.header("www-authenticate").await;
        let expected = format!("Bearer error=\"invalid_token\", error_description=\"{expected}\"");
        assert_eq!(challenge, (401, expected));
        assert_eq!(client.get(APPS).await.0, 401);
        client.token = client.emulator.access_token().unwrap();
        assert_eq!(client.get(APPS).await.0, 200);
    }
}

#[tokio::test]
async fn a_clock_that_is_ahead_expires_tokens_and_shows() {
    let client = with(Fault::new().clock_ahead(Duration::from_secs(3599))).await;
    let expected = (200, "Tue, 14 Nov 2023 23:13:19 GMT".to_owned());
    assert_eq!(client.header("date").await, expected);
    client
        .emulator
        .inject(Fault::new().clock_ahead(Duration::from_secs(3601)));
    assert_eq!(client.header("date").await.0, 401);
    client
        .emulator
        .inject(Fault::new().clock_behind(Duration::from_secs(20)));
    let expected = (200, "Tue, 14 Nov 2023 22:13:00 GMT".to_owned());
    assert_eq!(client.header("date").await, expected);
}

#[tokio::test]
async fn the_token_endpoint_has_faults_of_its_own() {
    let client = with(Fault::new().path("/auth/v1/token").times(1).status(503)).await;
    let url = format!("{}/auth/v1/token", client.emulator.base_url());
    let send = || Client::send(client.http.post(&url).form(&[("a", "b")]));
    let (status, body) = send().await;
    assert_eq!(
        (status, &body["error"]),
        (503, &json!("temporarily_unavailable"))
    );
    assert_eq!(send().await.0, 400);
    assert_eq!(client.emulator.token_requests(), 2);
    client
        .emulator
        .inject(Fault::new().path("/auth/v1/token").status(502));
    assert_eq!(send().await.1["error"], "server_error");
    assert_eq!(client.get(APPS).await.0, 200);
}

#[tokio::test]
async fn an_empty_page_loses_nothing() {
    let client = Client::start().await;
    for at in 0..25 {
        client.app(&at.to_string()).await;
    }
    let ids = async || {
        let (mut ids, mut tokens) = (Vec::new(), vec![String::new()]);
        loop {
            let path = format!("{APPS}?page_size=10&page_token={}", tokens.last().unwrap());
            let (status, page) = client.get(&path).await;
            assert_eq!(status, 200, "{page}");
            let list = page["list"].as_array().unwrap();
            ids.extend(list.iter().map(|app| text(&app["id"])));
            let token = text(&page["nextPageToken"]);
            if token.is_empty() {
                return (ids, tokens.len());
            }
            assert!(!tokens.contains(&token), "{token}");
            tokens.push(token);
        }
    };
    let expected = ids().await;
    assert_eq!((expected.0.len(), expected.1), (28, 3));
    // The first, the second and the last page, and twice in a row.
    client
        .emulator
        .inject(Fault::new().operation("apps.list").every(3).empty_page());
    client
        .emulator
        .inject(Fault::new().operation("apps.list").times(2).empty_page());
    let (found, pages) = ids().await;
    assert_eq!(found, expected.0);
    assert!(pages > 5, "{pages}");
}

#[tokio::test]
async fn a_page_token_repeats() {
    let client = with(Fault::new().operation("apps.*").repeated_page_token()).await;
    let (_, first) = client.get(APPS).await;
    let token = text(&first["nextPageToken"]);
    let (status, second) = client.get(&format!("{APPS}?page_token={token}")).await;
    assert_eq!((status, &second["nextPageToken"]), (200, &json!(token)));
    // Operations without pages are not selected.
    let id = text(&first["list"][0]["id"]);
    client.get(&format!("{APPS}/{id}")).await;
    assert_eq!(client.emulator.requests()[2].fault(), None);
}

#[tokio::test]
async fn values_that_no_description_has() {
    let fault = Fault::new()
        .unknown_enums()
        .unknown_fields()
        .duplicate_key();
    let client = with(fault).await;
    let response = client.request(Method::GET, "/api/v1/users").send();
    let response = response.await.unwrap().text().await.unwrap();
    assert!(
        response.starts_with("{\"expanded\":[],\"expanded\":[],"),
        "{response}"
    );
    assert!(
        response.contains("\"status\":\"C1_EMULATOR_UNKNOWN_VALUE\""),
        "{response}"
    );
    assert!(
        response.contains("\"c1EmulatorUnknownField\":"),
        "{response}"
    );
}

#[tokio::test]
async fn beyond_a_limit_requests_are_refused_for_the_rest_of_the_period() {
    let client = with(
        Fault::new()
            .operation("apps.*")
            .limit(2, Duration::from_secs(60)),
    )
    .await;
    assert_eq!(client.header("retry-after").await, (200, String::new()));
    assert_eq!(client.get(APPS).await.0, 200);
    let (status, wait) = client.header("retry-after").await;
    let wait: u64 = wait.parse().unwrap();
    assert!(status == 429 && (1..=60).contains(&wait), "{status} {wait}");
}

#[tokio::test]
async fn a_connection_ends_within_the_body() {
    let client = with(Fault::new().times(1).cut(7)).await;
    let (received, end) = client.raw().await;
    assert!(received.ends_with("\r\n\r\n{\"list\""), "{received}");
    assert!(end.is_ok());
    let length = received.split_once("content-length: ").unwrap().1;
    let length: usize = length.split_once("\r\n").unwrap().0.parse().unwrap();
    assert!(length > 100, "{length}");
    // More than there is: all but the last byte, so that the response is incomplete nevertheless.
    client
        .emulator
        .inject(Fault::new().times(1).cut(usize::MAX));
    let response = client.request(Method::GET, APPS).send().await.unwrap();
    assert!(response.text().await.is_err());
    // The requests were executed.
    assert_eq!(client.get(APPS).await.0, 200);
}

#[tokio::test]
async fn a_connection_is_reset() {
    let client = with(Fault::new().times(1).reset()).await;
    let (received, end) = client.raw().await;
    assert_eq!(received, "");
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    client.emulator.inject(Fault::new().times(1).reset().cut(3));
    let (received, end) = client.raw().await;
    assert!(
        received.is_empty() || received.ends_with("{\"l"),
        "{received}"
    );
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(client.get(APPS).await.0, 200);
}

#[tokio::test]
async fn a_fault_loses_the_response_to_a_write_and_not_the_write() {
    let client = with(Fault::new().operation("apps.create").times(1).reset()).await;
    let create = client
        .request(Method::POST, APPS)
        .json(&json!({ "displayName": "a" }));
    let error = create.send().await.unwrap_err();
    assert!(error.source().is_some());
    assert_eq!(
        client.post(APPS, json!({ "displayName": "a" })).await.0,
        409
    );
}
