//! Tests of the limits on connections, in memory and with tokio's paused clock.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::{
    ACCEPT_PAUSE, BODIES_LIMIT, BODY_LIMIT, CONNECTION_LIMIT, Emulator, Reset, Service, TIME_LIMIT,
    connection, serve,
};
use crate::fault::Fault;
use crate::tenant::Tenant;
use crate::testing::tenant;

impl Reset for DuplexStream {
    fn reset(&self) {}
}

/// Serves the tenant for ever.
fn service(tenant: Tenant) -> Service {
    Service {
        tenant: Arc::new(tenant),
        #[cfg(feature = "tls")]
        acceptor: None,
        bodies: Arc::new(Semaphore::new(BODIES_LIMIT)),
        // Its sender is dropped: nobody stops it.
        stopped: watch::channel(false).1,
    }
}

/// Has the tenant serve a client that sends this and then nothing. Returns the response, if any, and the
/// time in which the connection was closed.
async fn stall_after(sent: &str) -> (String, Duration) {
    let (mut client, server) = duplex(1 << 16);
    let began = Instant::now();
    let server = tokio::spawn(connection(server, service(tenant())));
    client.write_all(sent.as_bytes()).await.unwrap();
    let mut response = String::new();
    let reading = timeout(3 * TIME_LIMIT, client.read_to_string(&mut response));
    reading.await.expect("the connection was closed").unwrap();
    server.await.unwrap();
    (response, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_finish_its_headers_is_disconnected() {
    for sent in ["", "GET /api/v1/apps HTTP/1.1\r\nhost: localhost\r\nx-a: "] {
        let (response, took) = stall_after(sent).await;
        assert_eq!(response, "");
        assert!(took >= TIME_LIMIT && took < 2 * TIME_LIMIT, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_finish_its_body_is_disconnected() {
    for path in ["/api/v1/apps", "/auth/v1/token"] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: 9\r\n\r\n{{"
        );
        let (response, took) = stall_after(&request).await;
        // Without a token the body does not matter.
        let expected = if path.starts_with("/api") { 401 } else { 408 };
        assert!(
            response.starts_with(&format!("HTTP/1.1 {expected} ")),
            "{response}"
        );
        assert!(took >= TIME_LIMIT && took < 3 * TIME_LIMIT, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_refused_request_is_not_waited_for() {
    let request =
        "POST /auth/v1/token HTTP/1.1\r\nhost: rebound.example\r\ncontent-length: 9\r\n\r\n";
    let (response, took) = stall_after(request).await;
    assert!(response.starts_with("HTTP/1.1 421 "), "{response}");
    assert_eq!(took, Duration::ZERO);
}

/// What a tenant with the fault sends within an hour, and the time of the last byte.
async fn received_within_an_hour(fault: Fault) -> (String, Duration) {
    let (mut client, server) = duplex(1 << 16);
    let service = service(tenant());
    service.tenant.inject(fault);
    let server = tokio::spawn(connection(server, service));
    let (mut received, mut last) = (Vec::new(), Duration::ZERO);
    let began = Instant::now();
    client
        .write_all(b"GET /api/v1/apps HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let reading = async {
        while client.read_buf(&mut received).await.unwrap() > 0 {
            last = began.elapsed();
        }
    };
    let _ = timeout(60 * TIME_LIMIT, reading).await;
    // A response that hangs ends with its connection.
    drop(client);
    server.await.unwrap();
    (String::from_utf8(received).unwrap(), last)
}

#[tokio::test(start_paused = true)]
async fn a_response_is_late_by_tokio_time() {
    let latency = Duration::from_secs(100);
    let (received, last) = received_within_an_hour(Fault::new().latency(latency)).await;
    assert!(received.starts_with("HTTP/1.1 401 "), "{received}");
    assert_eq!(last, latency);
}

#[tokio::test(start_paused = true)]
async fn a_response_hangs() {
    let (received, _) = received_within_an_hour(Fault::new().hang()).await;
    assert_eq!(received, "");
    let fault = Fault::new().hang_in_body().cut(3);
    let (received, last) = received_within_an_hour(fault).await;
    assert!(received.starts_with("HTTP/1.1 401 "), "{received}");
    assert!(received.ends_with("\r\n\r\n{\"c"), "{received}");
    assert_eq!(last, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_disconnected() {
    // Less than the header of a response.
    let (mut client, server) = duplex(64);
    let server = tokio::spawn(connection(server, service(tenant())));
    let request = b"GET /api/v1/apps HTTP/1.1\r\nhost: localhost\r\n\r\n";
    client.write_all(request).await.unwrap();
    // It reads some at times, and then nothing more.
    for _ in 0..2 {
        sleep(TIME_LIMIT * 9 / 10).await;
        client.read_exact(&mut [0; 32]).await.unwrap();
    }
    let began = Instant::now();
    timeout(3 * TIME_LIMIT, server).await.unwrap().unwrap();
    let took = began.elapsed();
    assert!(took >= TIME_LIMIT && took < 2 * TIME_LIMIT, "{took:?}");
}

/// A client that sends this to a server with the limit on bodies, the time at which it has its response, and the
/// response.
fn sender(sent: String, bodies: &Arc<Semaphore>) -> JoinHandle<(Duration, String)> {
    let (mut client, server) = duplex(1 << 16);
    let service = Service {
        bodies: Arc::clone(bodies),
        ..service(tenant())
    };
    drop(tokio::spawn(connection(server, service)));
    tokio::spawn(async move {
        let began = Instant::now();
        client.write_all(sent.as_bytes()).await.unwrap();
        let mut response = vec![0; 12];
        client.read_exact(&mut response).await.unwrap();
        (began.elapsed(), String::from_utf8(response).unwrap())
    })
}

#[tokio::test(start_paused = true)]
async fn bodies_wait_for_others_beyond_the_limit() {
    let bodies = service(tenant()).bodies;
    let head = "POST /auth/v1/token HTTP/1.1\r\nhost: localhost\r\n";
    let full = BODIES_LIMIT / BODY_LIMIT;
    // A body of unknown size counts as one of the largest, and one that is too large, too.
    let sizes = ["transfer-encoding: chunked", "content-length: 999999999999"];
    let sizes = sizes.into_iter().cycle().take(full);
    let senders = sizes.map(|size| sender(format!("{head}{size}\r\n\r\n"), &bodies));
    let senders: Vec<_> = senders.collect();
    tokio::task::yield_now().await;
    let small = sender(format!("{head}content-length: 1\r\n\r\nx"), &bodies);
    let get = "GET /api/v1/apps HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned();
    let (took, response) = sender(get, &bodies).await.unwrap();
    assert_eq!((took, response.as_str()), (Duration::ZERO, "HTTP/1.1 401"));
    let (took, response) = small.await.unwrap();
    assert_eq!(response, "HTTP/1.1 400");
    assert!(took >= TIME_LIMIT && took < 2 * TIME_LIMIT, "{took:?}");
    for sender in senders {
        assert_eq!(sender.await.unwrap().1, "HTTP/1.1 408");
    }
    assert_eq!(bodies.available_permits(), BODIES_LIMIT);
}

#[test]
#[should_panic(expected = "timers are disabled")]
fn a_runtime_without_time_is_noticed_at_the_start() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_io().build().unwrap();
    let _ = runtime.block_on(Emulator::start());
}

/// Serves the connections that `accept` returns for this time. Returns how many were asked for.
async fn asked_within(
    time: Duration,
    mut accept: impl FnMut(usize) -> Option<io::Result<DuplexStream>>,
) -> usize {
    let mut asked = 0;
    let accept = || {
        asked += 1;
        assert!(asked <= 3 * CONNECTION_LIMIT, "without a pause or a limit");
        let accepted = accept(asked);
        async {
            if let Some(accepted) = accepted {
                accepted
            } else {
                pending().await
            }
        }
    };
    let serving = serve(accept, service(tenant()));
    timeout(time, serving).await.unwrap_err();
    asked
}

#[tokio::test(start_paused = true)]
async fn out_of_file_handles_the_server_pauses() {
    let time = 100 * ACCEPT_PAUSE;
    // EMFILE on Linux and macOS; but any error counts.
    let error = |_| Some(Err(io::Error::from_raw_os_error(24)));
    let asked = asked_within(time, error).await;
    assert!((50..=101).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_closed_in_the_queue_causes_no_pause() {
    let aborted = |asked| (asked <= 500).then(|| Err(io::ErrorKind::ConnectionAborted.into()));
    assert_eq!(asked_within(ACCEPT_PAUSE, aborted).await, 501);
}

#[tokio::test(start_paused = true)]
async fn connections_are_limited_until_others_are_closed() {
    for (time, expected) in [
        (TIME_LIMIT / 2, CONNECTION_LIMIT),
        // Idle connections were closed.
        (TIME_LIMIT * 3 / 2, 2 * CONNECTION_LIMIT),
    ] {
        let mut clients = Vec::new();
        let connect = |_| {
            let (client, server) = duplex(64);
            clients.push(client);
            Some(Ok(server))
        };
        assert_eq!(asked_within(time, connect).await, expected);
    }
}
