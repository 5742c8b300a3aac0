//! A server that responds with whatever the test makes of a request.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Status line without the version and headers, separated by CR LF; and the body.
pub type Reply = (String, String);

/// An HTTP/1.1 server on loopback that gives each request to a function, and keeps it.
#[derive(Debug)]
pub struct HostileServer {
    base_url: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl HostileServer {
    /// Starts it. `reply` gets the number of the request, from 0, and its head and body.
    pub async fn start(reply: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            for number in 0.. {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let request = read(&mut stream).await;
                log.lock().expect("no panic").push(request.clone());
                let (head, body) = reply(number, &request);
                let length = body.len();
                let response = format!(
                    "HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                // A client that has read enough may close the connection.
                let _ = stream.write_all(response.as_bytes()).await;
            }
        });
        Self {
            base_url: format!("http://{address}"),
            requests,
            task,
        }
    }

    /// The root, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// A client id of the tenant that the server plays.
    pub fn client_id(&self) -> String {
        format!("otter@{}/pcc", self.base_url.trim_start_matches("http://"))
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic").clone()
    }
}

impl Drop for HostileServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A whole request: its head, and as much body as that announces.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_ascii_lowercase()
                .split_once("content-length: ")
                .and_then(|(_, rest)| rest.split("\r\n").next()?.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        if stream.read_buf(&mut bytes).await.expect("a request") == 0 {
            return text;
        }
    }
}
