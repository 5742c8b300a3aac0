//! A server with a fault: raw sockets on loopback and minimal HTTP, one fault per server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::fault::{Behavior, End, OK_RESPONSE};

/// A running server; stopped on drop.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Reserves the port without listening on it.
    _closed: Option<TcpSocket>,
    task: Option<JoinHandle<()>>,
}

/// Which requests a server's fault applies to. It responds normally to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The number of normal responses before the fault. They keep the connection open, so the fault hits a reused one.
    pub after: u32,
    /// The number of requests with the fault.
    pub times: u32,
}

impl Schedule {
    /// All requests.
    pub const ALWAYS: Self = Self {
        after: 0,
        times: u32::MAX,
    };
    /// No request.
    pub const NEVER: Self = Self { after: 0, times: 0 };
    /// Only the first request.
    pub const ONCE: Self = Self { after: 0, times: 1 };
    /// All requests except the first.
    pub const AFTER_FIRST: Self = Self {
        after: 1,
        times: u32::MAX,
    };
}

/// The state shared by all connections.
#[derive(Debug)]
struct Shared {
    behavior: Behavior,
    schedule: Schedule,
    attempts: AtomicU32,
    requests: AtomicU32,
    stalled: Arc<Semaphore>,
}

impl Server {
    /// Starts a server that behaves as described for the requests of the schedule.
    ///
    /// # Errors
    /// If no port is available.
    pub async fn start(behavior: Behavior, schedule: Schedule) -> io::Result<Self> {
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let refuses = matches!(behavior, Behavior::Refuse);
        let shared = Arc::new(Shared {
            behavior,
            schedule,
            attempts: AtomicU32::new(0),
            requests: AtomicU32::new(0),
            stalled: Arc::new(Semaphore::new(0)),
        });
        if refuses {
            // Bound but not listening: connections are refused, and no other process can take the port.
            let socket = TcpSocket::new_v4()?;
            socket.bind(local)?;
            let address = socket.local_addr()?;
            return Ok(Self {
                address,
                shared,
                _closed: Some(socket),
                task: None,
            });
        }
        let listener = TcpListener::bind(local).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            _closed: None,
            task: Some(task),
        })
    }

    /// The base URL, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The number of complete requests, headers and body, since the first fault.
    pub fn requests(&self) -> u32 {
        let requests = self.shared.requests.load(Ordering::SeqCst);
        requests.saturating_sub(self.shared.schedule.after)
    }

    /// The number of requests since the first fault, including incomplete ones.
    pub fn attempts(&self) -> u32 {
        let attempts = self.shared.attempts.load(Ordering::SeqCst);
        attempts.saturating_sub(self.shared.schedule.after)
    }

    /// A semaphore that gets a permit each time the server stalls, before or within a response.
    pub fn stalled(&self) -> Arc<Semaphore> {
        Arc::clone(&self.shared.stalled)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        // Errors are expected here: breaking connections is the purpose.
        tokio::spawn(async move { connection(stream, &shared).await });
    }
}

/// Responds to the requests of one connection until either side closes it.
async fn connection(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // Waits for the first byte of a request, or for the client to close the connection.
    while stream.peek(&mut [0]).await? > 0 {
        let behavior = shared.next();
        if matches!(behavior, Some(Behavior::ResetUnread)) {
            return stream.set_zero_linger();
        }
        if !read_request(&mut stream).await? {
            return Ok(());
        }
        shared.requests.fetch_add(1, Ordering::SeqCst);
        let (bytes, end) = match behavior {
            Some(Behavior::Respond(bytes, end)) => (&bytes[..], *end),
            _ => (OK_RESPONSE, End::KeepAlive),
        };
        if end == End::Stall {
            return stall(stream, bytes, &shared.stalled).await;
        }
        stream.write_all(bytes).await?;
        match end {
            End::Close => return stream.shutdown().await,
            End::Reset => return stream.set_zero_linger(),
            End::KeepAlive | End::Stall => {}
        }
    }
    Ok(())
}

/// Sends the bytes one by one, then stalls until the client closes the connection.
async fn stall(mut stream: TcpStream, bytes: &[u8], stalled: &Semaphore) -> io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte]).await?;
        tokio::task::yield_now().await;
    }
    stalled.add_permits(1);
    while stream.read(&mut [0; 64]).await? > 0 {}
    Ok(())
}

impl Shared {
    /// The faulty behavior for the next request; `None` to respond normally.
    fn next(&self) -> Option<&Behavior> {
        let before = self.attempts.fetch_add(1, Ordering::SeqCst);
        let Schedule { after, times } = self.schedule;
        (before >= after && before - after < times).then_some(&self.behavior)
    }
}

/// Reads one request; `false` if the client closes the connection first.
async fn read_request(stream: &mut TcpStream) -> io::Result<bool> {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        if let Some(at) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut chunk).await? {
            0 => return Ok(false),
            read => head.extend_from_slice(&chunk[..read]),
        }
    };
    let mut body = head.len() - end;
    // Requests are not pipelined, so everything after the head is the body.
    let length = content_length(&head[..end]);
    while body < length {
        match stream.read(&mut chunk).await? {
            0 => return Ok(false),
            read => body += read,
        }
    }
    Ok(true)
}

fn content_length(head: &[u8]) -> usize {
    String::from_utf8_lossy(head)
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}
