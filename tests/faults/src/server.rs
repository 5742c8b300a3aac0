//! A server that speaks just enough HTTP to misbehave to order: raw sockets on loopback, one fault for each server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::fault::{End, Play, WELL};

/// A running server, until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Keeps the port to itself without listening on it.
    _closed: Option<TcpSocket>,
    task: Option<JoinHandle<()>>,
}

/// When a server plays its fault; otherwise it answers well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spell {
    /// So many requests are answered well before it begins. They keep the connection, which is then no fresh one.
    pub after: u32,
    /// So many times it goes on.
    pub times: u32,
}

impl Spell {
    /// From the first request to the last.
    pub const ALWAYS: Self = Self {
        after: 0,
        times: u32::MAX,
    };
    /// The first request only.
    pub const ONCE: Self = Self { after: 0, times: 1 };
    /// From the second request to the last.
    pub const LATER: Self = Self {
        after: 1,
        times: u32::MAX,
    };
}

/// What the connections have in common.
#[derive(Debug)]
struct Shared {
    play: Play,
    spell: Spell,
    attempts: AtomicU32,
    requests: AtomicU32,
    stalled: Arc<Semaphore>,
}

impl Server {
    /// Plays the fault during the spell.
    ///
    /// # Errors
    /// When the system gives no port.
    pub async fn start(play: Play, spell: Spell) -> io::Result<Self> {
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let refuses = matches!(play, Play::Refuse);
        let shared = Arc::new(Shared {
            play,
            spell,
            attempts: AtomicU32::new(0),
            requests: AtomicU32::new(0),
            stalled: Arc::new(Semaphore::new(0)),
        });
        if refuses {
            // Bound but not listening: whoever connects is refused, and nobody else can take the port meanwhile.
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

    /// Where it is, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many whole requests have arrived, headers and body, since the spell began.
    pub fn requests(&self) -> u32 {
        let requests = self.shared.requests.load(Ordering::SeqCst);
        requests.saturating_sub(self.shared.spell.after)
    }

    /// The same, requests that were not read to their end included.
    pub fn attempts(&self) -> u32 {
        let attempts = self.shared.attempts.load(Ordering::SeqCst);
        attempts.saturating_sub(self.shared.spell.after)
    }

    /// Gets a permit each time that the server has fallen silent in the middle of an answer, or before it.
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
        // How a connection ends is what this is about, so there is nothing to do about it.
        tokio::spawn(async move { connection(stream, &shared).await });
    }
}

/// Answers the requests of one connection until one of the two sides ends it.
async fn connection(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // Until the first byte of a request; the client may also close.
    while stream.peek(&mut [0]).await? > 0 {
        let play = shared.next();
        if matches!(play, Some(Play::ResetUnread)) {
            return stream.set_zero_linger();
        }
        if !read_request(&mut stream).await? {
            return Ok(());
        }
        shared.requests.fetch_add(1, Ordering::SeqCst);
        let (bytes, end) = match play {
            Some(Play::Answer(bytes, end)) => (&bytes[..], *end),
            _ => (WELL, End::KeepAlive),
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

/// Sends the bytes one by one, as over a connection that is hardly alive, and then nothing more.
async fn stall(mut stream: TcpStream, bytes: &[u8], stalled: &Semaphore) -> io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte]).await?;
        tokio::task::yield_now().await;
    }
    stalled.add_permits(1);
    // Until the client has had enough.
    while stream.read(&mut [0; 64]).await? > 0 {}
    Ok(())
}

impl Shared {
    /// What to do about the next request, if not the usual.
    fn next(&self) -> Option<&Play> {
        let before = self.attempts.fetch_add(1, Ordering::SeqCst);
        let Spell { after, times } = self.spell;
        (before >= after && before - after < times).then_some(&self.play)
    }
}

/// Reads one request to its end; `false` if the client sends no more.
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
    // Requests are not pipelined, so that what follows the head is the body.
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
