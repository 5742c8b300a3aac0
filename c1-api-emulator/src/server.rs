//! The sockets: accepts connections on loopback and hands requests to the tenant.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::auth::{self, Trust};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::log::Request;
use crate::tenant::{Body, Settings, Tenant};

/// The longest request body that is read: 16 MiB.
const BODY_LIMIT: usize = 16 << 20;

/// A running C1 tenant, made up and offline.
///
/// It listens on a loopback address as a task of the runtime it was started in, and stops with all
/// its connections when it is dropped.
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
    /// Needs a tokio runtime with I/O enabled.
    ///
    /// # Errors
    ///
    /// When the description cannot be read, or the system gives no port or no random numbers.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// A tenant with settings of your own.
    pub fn builder() -> Builder {
        let settings = Settings {
            clock: Arc::new(SystemTime::now),
            auth: auth::Settings::default(),
            approve_devices: None,
            seed: 0,
            seed_data: true,
            stateful: true,
        };
        Builder {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            settings,
        }
    }

    /// Where the API is, without a slash at the end: `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The id of the client that is there from the start, a service principal: `quiet-otter-12345@127.0.0.1:PORT/spc`.
    pub fn client_id(&self) -> &str {
        &self.credentials.client_id
    }

    /// The client's secret, made up at the start: `secret-token:conductorone.com:v1:...`.
    pub fn client_secret(&self) -> &str {
        &self.credentials.client_secret
    }

    /// The id of the tenant's one trust, for token exchange: `calm-heron-12345@127.0.0.1:PORT/wfe`.
    pub fn federation_client_id(&self) -> &str {
        &self.trust.client_id
    }

    /// A JWT of the issuer that the trust is in, made now: what is exchanged for an access token.
    ///
    /// It says when it was made and can be exchanged for ten minutes.
    ///
    /// # Errors
    ///
    /// When the system gives no random numbers.
    pub fn subject_token(&self) -> Result<String, Error> {
        self.trust.subject_token(self.tenant.now())
    }

    /// Approves the device login with the user code, as a person would.
    ///
    /// Whether there was one that waited for it.
    pub fn approve_device(&self, user_code: &str) -> bool {
        self.tenant.decide_device_login(user_code, true)
    }

    /// Denies the device login with the user code, as a person would.
    ///
    /// Whether there was one that waited for it.
    pub fn deny_device(&self, user_code: &str) -> bool {
        self.tenant.decide_device_login(user_code, false)
    }

    /// Makes other nonces needed than before, if [`Builder::dpop_nonces`] asks for any.
    pub fn rotate_dpop_nonces(&self) {
        self.tenant.rotate_dpop_nonces();
    }

    /// Makes every token that is live unknown.
    pub fn revoke_tokens(&self) {
        self.tenant.revoke_tokens();
    }

    /// Lets the next `count` token requests fail with the HTTP status, whatever they hold.
    ///
    /// The OAuth error is `temporarily_unavailable` for 503, and `server_error` for others. A status
    /// that is none of an error counts as 500.
    pub fn fail_token_requests(&self, count: u32, status: u16) {
        let status = StatusCode::from_u16(status).ok();
        let status = status.filter(|status| status.is_client_error() || status.is_server_error());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.tenant.fail_token_requests(count, status);
    }

    /// A live access token, for clients that do not get one themselves; a bearer token, bound to no key.
    ///
    /// # Errors
    ///
    /// When the system gives no random numbers.
    pub fn access_token(&self) -> Result<String, Error> {
        self.tenant.issue_token()
    }

    /// The requests that reached an operation of the API, oldest first; the last 10,000 of them.
    ///
    /// Requests that were refused for their token, parameters or body are among them.
    pub fn requests(&self) -> Vec<Request> {
        self.tenant.requests()
    }

    /// How many requests the token endpoint has received.
    pub fn token_requests(&self) -> u64 {
        self.tenant.token_requests()
    }

    /// Stops the tenant and waits until its port is free again. Calls under way are cut off.
    pub async fn shutdown(mut self) {
        self.task.abort();
        // The only outcome is that it was cancelled.
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

/// The settings of an [`Emulator`], from [`Emulator::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    address: SocketAddr,
    settings: Settings,
}

impl Builder {
    /// The address to listen on; port 0 is a free one. Only loopback addresses are served.
    pub fn address(mut self, address: impl Into<SocketAddr>) -> Self {
        self.address = address.into();
        self
    }

    /// The clock that everything here follows, from token lifetimes to the `Date` of answers; the system's by default.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// How long access tokens live, told as `expires_in` in whole seconds; an hour by default.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.auth.token_lifetime = lifetime;
        self
    }

    /// How long clients have to wait between two polls for a device login; 5 s by default.
    ///
    /// It is told in whole seconds. With `None` it is not told, and 5 s hold all the same.
    pub fn device_interval(mut self, interval: Option<Duration>) -> Self {
        self.settings.auth.device_interval = interval;
        self
    }

    /// How long a person has for a device login, told in whole seconds; ten minutes by default.
    pub fn device_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.auth.device_lifetime = lifetime;
        self
    }

    /// Who is told the user code of every device login that begins, and may approve it at once by
    /// `true`; nobody by default.
    pub fn on_device_login(
        mut self,
        approve: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.settings.approve_devices = Some(Arc::new(approve));
        self
    }

    /// Whether the token endpoint gives out nothing but tokens bound to a key by `DPoP`; by default
    /// it binds those that were asked for with a proof.
    pub fn require_dpop(mut self, require: bool) -> Self {
        self.settings.auth.require_dpop = require;
        self
    }

    /// Whether `DPoP` proofs have to hold a nonce, one for the token endpoint and another for the
    /// API; they need none by default.
    pub fn dpop_nonces(mut self, nonces: bool) -> Self {
        self.settings.auth.dpop_nonces = nonces;
        self
    }

    /// What ids and samples follow from; 0 by default. Credentials and tokens are random always.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Whether the tenant starts with three apps, 33 entitlements and twelve users; it does by default.
    pub fn seed_data(mut self, seed_data: bool) -> Self {
        self.settings.seed_data = seed_data;
        self
    }

    /// Whether operations on apps, entitlements and the like have state; they do by default.
    ///
    /// Without state every operation answers with a sample, whatever the ids.
    pub fn stateful(mut self, stateful: bool) -> Self {
        self.settings.stateful = stateful;
        self
    }

    /// Starts the tenant.
    ///
    /// # Errors
    ///
    /// As for [`Emulator::start`]; also [`Error::NotLoopback`].
    pub async fn start(self) -> Result<Emulator, Error> {
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
        let tenant = Tenant::new(self.settings, address, &credentials, Arc::clone(&trust))?;
        let tenant = Arc::new(tenant);
        let task = tokio::spawn(serve(listener, Arc::clone(&tenant)));
        Ok(Emulator {
            tenant,
            base_url: format!("http://{address}"),
            credentials,
            trust,
            task,
        })
    }
}

/// Accepts connections for ever; ending this future ends every connection.
async fn serve(listener: TcpListener, tenant: Arc<Tenant>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // A connection that was gone before it was accepted; or no file handles, which others must free.
            tokio::task::yield_now().await;
            continue;
        };
        // Small answers must not wait for an acknowledgement; without it they are only slower.
        let _ = stream.set_nodelay(true);
        let tenant = Arc::clone(&tenant);
        let service = service_fn(move |request| {
            let tenant = Arc::clone(&tenant);
            async move { Ok::<_, Infallible>(answer(&tenant, request).await) }
        });
        // Answers are dated by the clock of the tenant; hyper knows the machine's only.
        let mut http = http1::Builder::new();
        http.auto_date_header(false);
        connections.spawn(http.serve_connection(TokioIo::new(stream), service));
        // What has ended is forgotten, whatever its end: a broken connection is the client's affair.
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    tenant: &Tenant,
    request: hyper::Request<Incoming>,
) -> hyper::Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => Body::Whole(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Body::TooLarge,
        Err(_) => Body::Broken,
    };
    tenant.answer(&parts, &body)
}
