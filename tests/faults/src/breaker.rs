//! A TCP proxy that breaks connections at any byte, in either direction, by a reset, an end or silence; and that can be gone
//! for a while. Programs for HTTP break them where HTTP has its joints; this one knows nothing of HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use c1_test_kit::Numbers;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// After how many bytes at most harm is done.
const REACH: u64 = 8192;

/// A running proxy, until it is dropped.
#[derive(Debug)]
pub struct Breaker {
    address: SocketAddr,
    upstream: SocketAddr,
    harmed: u64,
    chance: Arc<Mutex<Numbers>>,
    task: Option<JoinHandle<()>>,
    /// Holds the port while the proxy is gone.
    closed: Option<TcpSocket>,
}

#[derive(Clone, Copy, Debug)]
enum Harm {
    Reset,
    Close,
    Silence,
}

/// What happens to a connection: after so many bytes to the server, or from it.
#[derive(Clone, Copy, Debug)]
struct Fate {
    harm: Harm,
    up: u64,
    down: u64,
}

impl Breaker {
    /// Listens on a free port, in front of `upstream`. Of a hundred connections `harmed` come to harm.
    ///
    /// # Errors
    /// When the system gives no port.
    pub fn start(upstream: SocketAddr, harmed: u64, seed: u64) -> io::Result<Self> {
        let mut breaker = Self {
            address: ([127, 0, 0, 1], 0).into(),
            upstream,
            harmed,
            chance: Arc::new(Mutex::new(Numbers::new(seed))),
            task: None,
            closed: None,
        };
        breaker.up()?;
        Ok(breaker)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resets all connections and refuses new ones.
    ///
    /// # Errors
    /// When the port is lost.
    pub async fn down(&mut self) -> io::Result<()> {
        if let Some(task) = self.task.take() {
            task.abort();
            // It was cancelled; that it is over is what counts.
            let _ = task.await;
            self.closed = Some(bound(self.address)?);
        }
        Ok(())
    }

    /// Listens again.
    ///
    /// # Errors
    /// When the port is lost.
    pub fn up(&mut self) -> io::Result<()> {
        if self.task.is_none() {
            let socket = match self.closed.take() {
                Some(socket) => socket,
                None => bound(self.address)?,
            };
            let listener = socket.listen(1024)?;
            self.address = listener.local_addr()?;
            self.task = Some(tokio::spawn(serve(
                listener,
                self.upstream,
                self.harmed,
                Arc::clone(&self.chance),
            )));
        }
        Ok(())
    }
}

impl Drop for Breaker {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // What is left of earlier connections does not keep the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn serve(
    listener: TcpListener,
    upstream: SocketAddr,
    harmed: u64,
    chance: Arc<Mutex<Numbers>>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let fate = fate(
            harmed,
            &mut chance.lock().unwrap_or_else(PoisonError::into_inner),
        );
        connections.spawn(connection(client, upstream, fate));
        while connections.try_join_next().is_some() {}
    }
}

fn fate(harmed: u64, chance: &mut Numbers) -> Option<Fate> {
    if !chance.percent(harmed) {
        return None;
    }
    let harm = match chance.below(10) {
        0 => Harm::Silence,
        1..=4 => Harm::Close,
        _ => Harm::Reset,
    };
    // Small numbers as often as large ones: the first request and its answer are to be hit as well.
    let reach = 1 << chance.below(u64::from(REACH.ilog2()) + 1);
    let at = chance.below(reach);
    let (up, down) = if chance.percent(30) {
        (at, u64::MAX)
    } else {
        (u64::MAX, at)
    };
    Some(Fate { harm, up, down })
}

/// Passes everything on until one side ends, or fate strikes.
async fn connection(mut client: TcpStream, upstream: SocketAddr, fate: Option<Fate>) {
    // A broken connection needs no report: the client will say what came of it.
    let _ = pass(&mut client, upstream, fate).await;
}

async fn pass(client: &mut TcpStream, upstream: SocketAddr, fate: Option<Fate>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut server = TcpStream::connect(upstream).await?;
    server.set_nodelay(true)?;
    let (mut up, mut down) = fate.map_or((u64::MAX, u64::MAX), |fate| (fate.up, fate.down));
    let (mut from_client, mut from_server) = ([0; 4096], [0; 4096]);
    let ended = loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let bytes = &from_client[..read?];
                if relay(bytes, &mut up, &mut server).await? { break bytes.is_empty() }
            }
            read = server.read(&mut from_server) => {
                let bytes = &from_server[..read?];
                if relay(bytes, &mut down, client).await? { break bytes.is_empty() }
            }
        }
    };
    let Some(fate) = fate.filter(|_| !ended) else {
        return Ok(());
    };
    match fate.harm {
        Harm::Reset => {
            client.set_zero_linger()?;
            server.set_zero_linger()
        }
        Harm::Close => Ok(()),
        // Nothing passes any more, in neither direction, until the client has had enough.
        Harm::Silence => {
            while client.read(&mut from_client).await? > 0 {}
            Ok(())
        }
    }
}

/// Passes on what is left of the allowance; says whether the connection is over.
async fn relay(bytes: &[u8], allowance: &mut u64, to: &mut TcpStream) -> io::Result<bool> {
    let length = bytes.len() as u64;
    let passed = length.min(*allowance);
    to.write_all(&bytes[..usize::try_from(passed).unwrap_or(bytes.len())])
        .await?;
    *allowance -= if *allowance == u64::MAX { 0 } else { passed };
    Ok(length == 0 || passed < length || *allowance == 0)
}
