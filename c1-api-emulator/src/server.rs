//! Accepts connections on loopback and passes requests to the tenant, within limits of time, size and
//! number.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{fmt, io};

use bytes::Bytes;
use c1_api_spec::Description;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::auth::{self, Trust};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::log::Request;
use crate::site::Hosts;
use crate::status::Status;
use crate::tenant::{Settings, Tenant};

/// The limit on the size of a request body: 16 MiB.
const BODY_LIMIT: usize = 16 << 20;
/// The time limit for the header of a request, and for its body. A connection that is idle for as long is
/// closed.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// The limit on the number of connections. Further ones wait in the system's queue.
const CONNECTION_LIMIT: usize = 1024;
/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A running emulated C1 tenant.
///
/// It listens on a loopback address as a task of the tokio runtime in which it was started. Dropping
/// it stops the task and closes all connections.
///
/// A request may take a minute to send its header and another for its body of at most 16 MiB, and a
/// connection that is idle for a minute is closed. There are at most 1,024 connections at once; further
/// ones wait.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use c1_api_emulator::Emulator;
///
/// let emulator = Emulator::start().await?;
/// # let _ = rustls::crypto::ring::default_provider().install_default();
/// let apps = reqwest::Client::new()
///     .get(format!("{}/api/v1/apps", emulator.base_url()))
///     .bearer_auth(emulator.access_token()?)
///     .send()
///     .await?;
/// assert_eq!(apps.status(), 200);
/// assert_eq!(emulator.requests()[0].operation, "apps.list");
/// emulator.shutdown().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Emulator {
    tenant: Arc<Tenant>,
    base_url: String,
    credentials: Credentials,
    trust: Arc<Trust>,
    task: JoinHandle<()>,
}

impl Emulator {
    /// Starts a tenant with seed data on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// If the description is invalid, no port is available, or the system's random number generator
    /// fails.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, and in one without I/O or time.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// A builder to change the settings.
    pub fn builder() -> Builder {
        let settings = Settings {
            description: None,
            clock: Arc::new(SystemTime::now),
            auth: auth::Settings::default(),
            approve_devices: None,
            log_bytes: 64 << 20,
            seed: 0,
            seed_data: true,
            stateful: true,
        };
        Builder {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            hosts: Vec::new(),
            settings,
        }
    }

    /// The base URL of the API, without a trailing slash: `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The client id of the tenant's service principal: `quiet-otter-12345@127.0.0.1:PORT/spc`.
    pub fn client_id(&self) -> &str {
        &self.credentials.client_id
    }

    /// The client secret of the service principal, random for each emulator:
    /// `secret-token:conductorone.com:v1:...`.
    pub fn client_secret(&self) -> &str {
        &self.credentials.client_secret
    }

    /// The client id of the tenant's federation trust, for token exchange:
    /// `calm-heron-12345@127.0.0.1:PORT/wfe`.
    pub fn federation_client_id(&self) -> &str {
        &self.trust.client_id
    }

    /// A new subject token: a JWT of the issuer that the tenant trusts, to be exchanged for an access
    /// token within ten minutes.
    ///
    /// # Errors
    ///
    /// If the system's random number generator fails.
    pub fn subject_token(&self) -> Result<String, Error> {
        self.trust.subject_token(self.tenant.now())
    }

    /// Approves the device login with the user code, as a user would.
    ///
    /// Returns whether such a login was pending.
    pub fn approve_device(&self, user_code: &str) -> bool {
        self.tenant.decide_device_login(user_code, true)
    }

    /// Denies the device login with the user code, as a user would.
    ///
    /// Returns whether such a login was pending.
    pub fn deny_device(&self, user_code: &str) -> bool {
        self.tenant.decide_device_login(user_code, false)
    }

    /// Replaces the `DPoP` nonces, if [`Builder::dpop_nonces`] is on.
    pub fn rotate_dpop_nonces(&self) {
        self.tenant.rotate_dpop_nonces();
    }

    /// Revokes all access tokens.
    pub fn revoke_tokens(&self) {
        self.tenant.revoke_tokens();
    }

    /// Makes the next `count` token requests fail with the HTTP status, regardless of their content.
    ///
    /// The OAuth error is `temporarily_unavailable` for 503, and `server_error` for others. A status
    /// outside of 400 to 599 counts as 500.
    pub fn fail_token_requests(&self, count: u32, status: u16) {
        let status = StatusCode::from_u16(status).ok();
        let status = status.filter(|status| status.is_client_error() || status.is_server_error());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.tenant.fail_token_requests(count, status);
    }

    /// A valid access token, for clients that do not use the token endpoint: a bearer token, not bound
    /// to a key.
    ///
    /// # Errors
    ///
    /// If the system's random number generator fails.
    pub fn access_token(&self) -> Result<String, Error> {
        self.tenant.issue_token()
    }

    /// The last requests to operations of the API, oldest first, including those that were rejected for
    /// their token, parameters or body.
    ///
    /// At most 10,000 are kept, and those in at most as many bytes as [`Builder::log_bytes`] says.
    /// [`Emulator::dropped_requests`] is the number of older ones. Requests that were refused for their
    /// host or origin are never among them.
    pub fn requests(&self) -> Vec<Request> {
        self.tenant.requests()
    }

    /// The number of requests that are no longer in [`Emulator::requests`]; 0 means that none is missing.
    pub fn dropped_requests(&self) -> u64 {
        self.tenant.dropped_requests()
    }

    /// The number of requests to the token endpoint, without those that were refused for their host or
    /// origin.
    pub fn token_requests(&self) -> u64 {
        self.tenant.token_requests()
    }

    /// Stops the tenant and waits until its port is free. Open connections are closed.
    pub async fn shutdown(mut self) {
        self.task.abort();
        // The task never returns, so the result is always that it was cancelled.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// Builds an [`Emulator`]; see [`Emulator::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    address: SocketAddr,
    hosts: Vec<String>,
    settings: Settings,
}

impl Builder {
    /// Sets the address to listen on, which must be a loopback address. Port 0 selects a free port.
    pub fn address(mut self, address: impl Into<SocketAddr>) -> Self {
        self.address = address.into();
        self
    }

    /// Serves another API description; default: [`description`](crate::description).
    ///
    /// Operations that it has at another path than ours, or with other messages, return samples.
    ///
    /// ```no_run
    /// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
    /// use c1_api_emulator::Emulator;
    /// use c1_api_emulator::c1_api_spec::Source;
    ///
    /// let loaded = Source::default().spec("path/to/openapi.yaml").load()?;
    /// let emulator = Emulator::builder().description(loaded.description).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn description(mut self, description: impl Into<Arc<Description>>) -> Self {
        self.settings.description = Some(description.into());
        self
    }

    /// Serves requests for another host too: a name or an address, without port. Can be called several
    /// times.
    ///
    /// By default the emulator serves requests for loopback addresses, `localhost` and its subdomains,
    /// with any port. Others are refused with status 421, because a web page can have a name of its own
    /// resolve to a loopback address. Allow the name of a proxy or of a container through which clients
    /// reach the emulator. Client ids and `DPoP` proofs contain the emulator's own address nevertheless.
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Sets the clock for everything from token lifetimes to the `Date` header; default: the system's
    /// clock. A time before 1970 counts as its beginning, one after 9999 as its end.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// Sets the lifetime of access tokens, reported as `expires_in` in whole seconds; default: 1 hour,
    /// at most 100 years.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.auth.token_lifetime = lifetime.min(auth::LONGEST);
        self
    }

    /// Sets the minimum time between two polls of a device login; default: 5 s, at most 100 years.
    ///
    /// It is reported in whole seconds. With `None` it is 5 s and not reported.
    pub fn device_interval(mut self, interval: Option<Duration>) -> Self {
        self.settings.auth.device_interval = interval.map(|interval| interval.min(auth::LONGEST));
        self
    }

    /// Sets the lifetime of a device login, reported in whole seconds; default: 10 minutes, at most 100
    /// years.
    ///
    /// At most 1,000 logins can be started in twice this time.
    pub fn device_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.auth.device_lifetime = lifetime.min(auth::LONGEST);
        self
    }

    /// Sets a callback that receives the user code of every device login when it starts, and approves
    /// the login by returning `true`.
    pub fn on_device_login(
        mut self,
        approve: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.settings.approve_devices = Some(Arc::new(approve));
        self
    }

    /// Sets whether token requests without a `DPoP` proof are rejected; default: `false`. A request with
    /// a proof always gets a bound token.
    pub fn require_dpop(mut self, require: bool) -> Self {
        self.settings.auth.require_dpop = require;
        self
    }

    /// Sets whether `DPoP` proofs must contain a nonce, which differs between the token endpoint and the
    /// API; default: `false`.
    pub fn dpop_nonces(mut self, nonces: bool) -> Self {
        self.settings.auth.dpop_nonces = nonces;
        self
    }

    /// Sets how many bytes [`Emulator::requests`] may take, bodies included; default: 64 MiB. The oldest
    /// requests are dropped first.
    pub fn log_bytes(mut self, bytes: usize) -> Self {
        self.settings.log_bytes = bytes;
        self
    }

    /// Sets the seed of ids and samples; default: 0. Credentials and tokens are always random.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Sets whether the tenant starts with 3 apps, 33 entitlements and 12 users; default: `true`.
    pub fn seed_data(mut self, seed_data: bool) -> Self {
        self.settings.seed_data = seed_data;
        self
    }

    /// Sets whether operations on apps, entitlements and so on have state; default: `true`.
    ///
    /// Without state every operation returns a sample, whatever the ids.
    pub fn stateful(mut self, stateful: bool) -> Self {
        self.settings.stateful = stateful;
        self
    }

    /// Starts the tenant.
    ///
    /// # Errors
    ///
    /// Those of [`Emulator::start`], [`Error::NotLoopback`] and [`Error::HostName`].
    ///
    /// # Panics
    ///
    /// As [`Emulator::start`] does.
    pub async fn start(self) -> Result<Emulator, Error> {
        // Panics here, and not in a task of its own, if the runtime has no time.
        drop(tokio::time::sleep(Duration::ZERO));
        let mut hosts = Hosts::default();
        self.hosts.iter().try_for_each(|host| hosts.allow(host))?;
        if !self.address.ip().is_loopback() {
            return Err(Error::NotLoopback(self.address));
        }
        let bind = |source| Error::Bind {
            address: self.address,
            source,
        };
        let listener = TcpListener::bind(self.address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let credentials = Credentials::generate(address, "spc")?;
        let trust = Arc::new(Trust::generate(address, auth::hosts(address))?);
        let shared = Arc::clone(&trust);
        let tenant = Tenant::new(self.settings, address, hosts, &credentials, shared)?;
        let tenant = Arc::new(tenant);
        let served = Arc::clone(&tenant);
        let task = tokio::spawn(async move { serve(|| accept(&listener), served).await });
        Ok(Emulator {
            tenant,
            base_url: format!("http://{address}"),
            credentials,
            trust,
            task,
        })
    }
}

async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    // An optimization for small responses; a failure only makes them slower.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Serves the connections that `accept` returns. Dropping this future closes every connection.
async fn serve<A, F, S>(mut accept: A, tenant: Arc<Tenant>)
where
    A: FnMut() -> F,
    F: Future<Output = io::Result<S>>,
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        match accept().await {
            Ok(stream) => drop(connections.spawn(connection(stream, Arc::clone(&tenant)))),
            // The client closed the connection before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // Most likely no file handle is free. The connection stays in the queue, so that without a
            // pause this loop would take all of a core.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
        // Removes finished connections. Their errors concern only the client.
        while connections.try_join_next().is_some() {}
        if connections.len() == CONNECTION_LIMIT {
            connections.join_next().await;
        }
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, tenant: Arc<Tenant>) {
    let tenant = &tenant;
    let service =
        service_fn(
            move |request| async move { Ok::<_, Infallible>(respond(tenant, request).await) },
        );
    let mut http = http1::Builder::new();
    // The tenant sets `Date` from its own clock.
    http.auto_date_header(false);
    http.timer(TokioTimer::new());
    http.header_read_timeout(TIME_LIMIT);
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(
    tenant: &Tenant,
    request: hyper::Request<Incoming>,
) -> hyper::Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    if let Some(refusal) = tenant.refuse(&parts) {
        return refusal;
    }
    let body = Limited::new(body, BODY_LIMIT).collect();
    let body = match tokio::time::timeout(TIME_LIMIT, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Status::too_large()),
        Ok(Err(_)) => Err(Status::incomplete()),
        Err(_) => Err(Status::timeout()),
    };
    tenant.respond(&parts, &body)
}
