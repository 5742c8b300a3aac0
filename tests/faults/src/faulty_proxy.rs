//! A TCP proxy that breaks connections at any byte, in either direction, by a reset, a close or a stall, and that can be taken
//! down for a while. HTTP proxies break connections at HTTP boundaries only; this one does not interpret HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use c1_test_kit::Numbers;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The largest number of bytes before a connection breaks.
const MAX_OFFSET: u64 = 8192;

/// A running proxy; stopped on drop.
#[derive(Debug)]
pub struct FaultyProxy {
    address: SocketAddr,
    upstream: SocketAddr,
    broken_percent: u64,
    chance: Arc<Mutex<Numbers>>,
    task: Option<JoinHandle<()>>,
    /// Reserves the port while the proxy is down.
    closed: Option<TcpSocket>,
}

#[derive(Clone, Copy, Debug)]
enum Break {
    Reset,
    Close,
    Stall,
}

/// How a connection breaks, after `up` bytes to the server or `down` bytes from it.
#[derive(Clone, Copy, Debug)]
struct Fault {
    kind: Break,
    up: u64,
    down: u64,
}

impl FaultyProxy {
    /// Listens on a free port in front of `upstream`, and breaks `broken_percent` of the connections.
    ///
    /// # Errors
    /// If no port is available.
    pub fn start(upstream: SocketAddr, broken_percent: u64, seed: u64) -> io::Result<Self> {
        let mut proxy = Self {
            address: ([127, 0, 0, 1], 0).into(),
            upstream,
            broken_percent,
            chance: Arc::new(Mutex::new(Numbers::new(seed))),
            task: None,
            closed: None,
        };
        proxy.up()?;
        Ok(proxy)
    }

    /// The address of the proxy.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resets all connections and refuses new ones.
    ///
    /// # Errors
    /// If another process has taken the port.
    pub async fn down(&mut self) -> io::Result<()> {
        if let Some(task) = self.task.take() {
            task.abort();
            // Only waits for the end of the task, which was cancelled.
            let _ = task.await;
            self.closed = Some(bound(self.address)?);
        }
        Ok(())
    }

    /// Listens again.
    ///
    /// # Errors
    /// If another process has taken the port.
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
                self.broken_percent,
                Arc::clone(&self.chance),
            )));
        }
        Ok(())
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Earlier connections in TIME_WAIT must not block the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn serve(
    listener: TcpListener,
    upstream: SocketAddr,
    broken_percent: u64,
    chance: Arc<Mutex<Numbers>>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let fault = fault(
            broken_percent,
            &mut chance.lock().unwrap_or_else(PoisonError::into_inner),
        );
        connections.spawn(connection(client, upstream, fault));
        while connections.try_join_next().is_some() {}
    }
}

fn fault(broken_percent: u64, chance: &mut Numbers) -> Option<Fault> {
    if !chance.percent(broken_percent) {
        return None;
    }
    let kind = match chance.below(10) {
        0 => Break::Stall,
        1..=4 => Break::Close,
        _ => Break::Reset,
    };
    // Small offsets are as likely as large ones, so that the first request and its response break as well.
    let limit = 1 << chance.below(u64::from(MAX_OFFSET.ilog2()) + 1);
    let at = chance.below(limit);
    let (up, down) = if chance.percent(30) {
        (at, u64::MAX)
    } else {
        (u64::MAX, at)
    };
    Some(Fault { kind, up, down })
}

/// Relays until one side closes the connection, or the fault occurs.
async fn connection(mut client: TcpStream, upstream: SocketAddr, fault: Option<Fault>) {
    // The error is not needed: the client reports the outcome.
    let _ = relay_both(&mut client, upstream, fault).await;
}

async fn relay_both(
    client: &mut TcpStream,
    upstream: SocketAddr,
    fault: Option<Fault>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut server = TcpStream::connect(upstream).await?;
    server.set_nodelay(true)?;
    let (mut up, mut down) = fault.map_or((u64::MAX, u64::MAX), |fault| (fault.up, fault.down));
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
    let Some(fault) = fault.filter(|_| !ended) else {
        return Ok(());
    };
    match fault.kind {
        Break::Reset => {
            client.set_zero_linger()?;
            server.set_zero_linger()
        }
        Break::Close => Ok(()),
        // Nothing is relayed until the client closes the connection.
        Break::Stall => {
            while client.read(&mut from_client).await? > 0 {}
            Ok(())
        }
    }
}

/// Relays up to the remaining allowance; returns whether the connection is finished.
async fn relay(bytes: &[u8], allowance: &mut u64, to: &mut TcpStream) -> io::Result<bool> {
    let length = bytes.len() as u64;
    let passed = length.min(*allowance);
    to.write_all(&bytes[..usize::try_from(passed).unwrap_or(bytes.len())])
        .await?;
    *allowance -= if *allowance == u64::MAX { 0 } else { passed };
    Ok(length == 0 || passed < length || *allowance == 0)
}
