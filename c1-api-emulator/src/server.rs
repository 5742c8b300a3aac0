//! Accepts connections on loopback and passes requests to the tenant, within limits of time, size and
//! number.

mod patience;
#[cfg(test)]
mod tests;

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use std::{error, fmt, io};

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use patience::Patience;
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
#[cfg(feature = "tls")]
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::auth::Trust;
use crate::builder::Builder;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::fault::{Body, Disconnect, Fault};
use crate::log::Request;
use crate::received::Received;
use crate::status::Status;
use crate::tenant::Tenant;
#[cfg(feature = "tls")]
use crate::tls::Tls;
use crate::webhook::WebhookDelivery;

/// The limit on the size of a request body: 16 MiB.
const BODY_LIMIT: usize = 16 << 20;
/// The limit on the sizes of all request bodies that are in memory: 256 MiB. Further ones are not read yet.
const BODIES_LIMIT: usize = 256 << 20;
/// The time limit for the header of a request, for its body, and for a client to read some of the response. A connection
/// that is idle for as long is closed.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// The limit on the number of connections. Further ones wait in the system's queue.
const CONNECTION_LIMIT: usize = 1024;
/// How long requests that are under way may go on when the tenant is stopped.
const GRACE: Duration = Duration::from_secs(5);
/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A running emulated C1 tenant.
///
/// It listens on a loopback address as a task of the tokio runtime in which it was started. Dropping
/// it stops the task and closes all connections.
///
/// A request may take a minute to send its header and another for its body of at most 16 MiB, and a
/// connection that is idle or reads nothing of its response for a minute is closed. There are at most 1,024 connections
/// at once, and bodies of 256 MiB; further ones wait.
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
    #[cfg(feature = "tls")]
    certificate: Option<String>,
    /// Set to have the task end.
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    /// Sends webhooks.
    sender: JoinHandle<()>,
}

/// What an emulator begins with.
pub(crate) struct Parts {
    pub(crate) listener: TcpListener,
    pub(crate) base_url: String,
    pub(crate) tenant: Tenant,
    pub(crate) credentials: Credentials,
    pub(crate) trust: Arc<Trust>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
}

impl Emulator {
    /// Serves the tenant.
    pub(crate) fn new(parts: Parts) -> Self {
        let tenant = Arc::new(parts.tenant);
        let (stop, stopped) = watch::channel(false);
        let listener = parts.listener;
        let service = Service {
            tenant: Arc::clone(&tenant),
            #[cfg(feature = "tls")]
            acceptor: parts.tls.as_ref().map(|tls| tls.acceptor.clone()),
            bodies: Arc::new(Semaphore::new(BODIES_LIMIT)),
            stopped,
        };
        let task = tokio::spawn(async move { serve(|| accept(&listener), service).await });
        let own = Arc::clone(&tenant);
        let sender = tokio::spawn(async move { own.send_webhooks().await });
        Self {
            tenant,
            base_url: parts.base_url,
            credentials: parts.credentials,
            trust: parts.trust,
            #[cfg(feature = "tls")]
            certificate: parts.tls.map(|tls| tls.certificate),
            stop,
            task,
            sender,
        }
    }

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
        Builder::default()
    }

    /// The base URL of the API, without a trailing slash: `http://127.0.0.1:PORT`, with [`Builder::tls`]
    /// `https://127.0.0.1:PORT`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The certificate that clients are to trust, as PEM; `None` without [`Builder::tls`].
    #[cfg(feature = "tls")]
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
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

    /// Signs webhooks with a new key from now on. The key before stays among those at `/auth/v1/jwks`, older ones do not.
    ///
    /// # Errors
    ///
    /// If the system's random number generator fails.
    pub fn rotate_webhook_keys(&self) -> Result<(), Error> {
        self.tenant.rotate_webhook_keys()
    }

    /// The webhooks that were sent, oldest first, once none is waiting to be sent. At most 1,000 are kept.
    ///
    /// Each is sent once, as C1 signs it, when its request was handled (`webhooks.test`, or one by which a
    /// task or an automation comes to a step that calls a webhook), one after the other, to http URLs
    /// of this machine only. A response may take 10 s and have 64 KiB.
    pub async fn deliveries(&self) -> Vec<WebhookDelivery> {
        self.tenant.deliveries().await
    }

    /// Revokes all access tokens.
    pub fn revoke_tokens(&self) {
        self.tenant.revoke_tokens();
    }

    /// Has something go wrong with requests from now on. Faults add up, until [`Emulator::clear_faults`].
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use c1_api_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start().await?;
    /// emulator.inject(Fault::new().operation("apps.*").times(1).status(503));
    /// # let _ = rustls::crypto::ring::default_provider().install_default();
    /// let get = || {
    ///     let request = reqwest::Client::new().get(format!("{}/api/v1/apps", emulator.base_url()));
    ///     Ok::<_, c1_api_emulator::Error>(request.bearer_auth(emulator.access_token()?).send())
    /// };
    /// assert_eq!(get()?.await?.status(), 503);
    /// assert_eq!(get()?.await?.status(), 200);
    /// assert_eq!(emulator.requests()[0].fault(), Some("status=503"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inject(&self, fault: Fault) {
        self.tenant.inject(fault);
    }

    /// Removes all faults. Requests that are being handled keep theirs.
    pub fn clear_faults(&self) {
        self.tenant.clear_faults();
    }

    /// A valid access token, for clients that do not use the token endpoint: a bearer token, not bound
    /// to a key.
    ///
    /// # Errors
    ///
    /// If the system's random number generator fails.
    pub fn access_token(&self) -> Result<String, Error> {
        self.tenant.issue_token(None)
    }

    /// A valid access token of the user with the id, for calls in the user's name; see
    /// [`Emulator::access_token`].
    ///
    /// # Errors
    ///
    /// If the system's random number generator fails.
    pub fn access_token_of(&self, user_id: &str) -> Result<String, Error> {
        self.tenant.issue_token(Some(user_id))
    }

    /// Adds an object to the tenant, such as a user, whom no operation creates, and returns it with its id
    /// and times, if it has none.
    ///
    /// `kind` is the name of the object's message, `object` the message in wire form, as the service would
    /// return it: JSON, or a message of c1-api.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use c1_api_emulator::Emulator;
    /// use serde_json::json;
    ///
    /// let emulator = Emulator::start().await?;
    /// let user = emulator.add("User", json!({ "displayName": "Mia Nord", "status": "ENABLED" }))?;
    /// assert_ne!(user["id"], "");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Object`] if no operation gets, lists or changes objects of the kind, if the object violates
    /// its schema or belongs to another one that does not exist, or if its id or name is taken.
    pub fn add(&self, kind: &str, object: impl Serialize) -> Result<Value, Error> {
        let object = serde_json::to_value(object).map_err(|error| Error::Object {
            kind: kind.to_owned(),
            reason: error.to_string(),
        })?;
        self.tenant.add(kind, object)
    }

    /// The tenant's state as JSON, for [`Builder::snapshot`]: all objects in their order, and the generator of ids; no
    /// credentials, tokens or values of sensitive fields.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use c1_api_emulator::Emulator;
    ///
    /// let first = Emulator::start().await?;
    /// let second = Emulator::builder().snapshot(first.snapshot()).start().await?;
    /// assert_eq!(first.snapshot(), second.snapshot());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn snapshot(&self) -> Value {
        self.tenant.snapshot()
    }

    /// A number that is another one after each change of the state, to tell whether a snapshot is still that of now.
    pub fn changes(&self) -> u64 {
        self.tenant.changes()
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

    /// The requests to the operation with the id, such as `apps.list`, for a test to assert what they were; `*` in the id
    /// stands for any text.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use c1_api_emulator::Emulator;
    /// use serde_json::json;
    ///
    /// let emulator = Emulator::start().await?;
    /// # let _ = rustls::crypto::ring::default_provider().install_default();
    /// # let app = json!({ "displayName": "Wiki" });
    /// # let url = format!("{}/api/v1/apps", emulator.base_url());
    /// # let request = reqwest::Client::new().post(url).bearer_auth(emulator.access_token()?);
    /// # request.json(&app).send().await?;
    /// let create = emulator.received("apps.create");
    /// create.with_json(json!({ "displayName": "Wiki" })).assert_once();
    /// emulator.received("apps.delete").assert_never();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn received(&self, operation: &str) -> Received {
        self.tenant.received(operation)
    }

    /// Forgets all requests, and that older ones were dropped.
    pub fn clear_requests(&self) {
        self.tenant.clear_requests();
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

    /// Stops the tenant and waits until its port is free. Requests that are under way may go on for 5 s;
    /// then all connections are closed.
    pub async fn shutdown(mut self) {
        self.stop().await;
    }

    /// Stops the tenant as [`Emulator::shutdown`] does, but its state and the requests can still be read.
    pub async fn stop(&mut self) {
        if self.task.is_finished() {
            return;
        }
        self.stop.send_replace(true);
        if timeout(GRACE, &mut self.task).await.is_err() {
            self.task.abort();
            // It was cancelled, as it had to be.
            let _ = (&mut self.task).await;
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.task.abort();
        self.sender.abort();
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    // An optimization for small responses; a failure only makes them slower.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// What connections are served with.
#[derive(Clone)]
struct Service {
    tenant: Arc<Tenant>,
    #[cfg(feature = "tls")]
    acceptor: Option<TlsAcceptor>,
    /// The bytes that bodies of requests may still take.
    bodies: Arc<Semaphore>,
    /// Becomes true when requests under way are the last ones.
    stopped: watch::Receiver<bool>,
}

impl Service {
    /// Returns when requests under way are the last ones.
    async fn stopped(&mut self) {
        if self.stopped.wait_for(|stopped| *stopped).await.is_err() {
            // Nobody is left to stop it: a dropped emulator aborts the task.
            pending::<()>().await;
        }
    }

    async fn connection<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Reset + Unpin,
    {
        #[cfg(feature = "tls")]
        if let Some(acceptor) = self.acceptor.clone() {
            // A client that does not finish it, or does not trust us, is the only one concerned.
            if let Ok(Ok(stream)) = timeout(TIME_LIMIT, acceptor.accept(stream)).await {
                connection(stream, self).await;
            }
            return;
        }
        connection(stream, self).await;
    }
}

/// Serves the connections that `accept` returns, until the service is stopped and none is left. Dropping this future closes
/// every connection.
async fn serve<A, F, S>(mut accept: A, mut service: Service)
where
    A: FnMut() -> F,
    F: Future<Output = io::Result<S>>,
    S: AsyncRead + AsyncWrite + Reset + Send + Unpin + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept() => accepted,
            () = service.stopped() => break,
        };
        match accepted {
            Ok(stream) => drop(connections.spawn(service.clone().connection(stream))),
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
    while connections.join_next().await.is_some() {}
}

/// A connection that can end with RST.
trait Reset {
    /// Has the connection end with RST instead of FIN when it is dropped, if it is one of TCP.
    fn reset(&self);
}

impl Reset for TcpStream {
    fn reset(&self) {
        // On failure it ends with FIN.
        let _ = self.set_zero_linger();
    }
}

#[cfg(feature = "tls")]
impl<S: Reset> Reset for TlsStream<S> {
    fn reset(&self) {
        self.get_ref().0.reset();
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Reset + Unpin, mut service: Service) {
    let (tenant, bodies) = (Arc::clone(&service.tenant), Arc::clone(&service.bodies));
    let (tenant, bodies) = (&tenant, &bodies);
    let requests = service_fn(move |request| respond(tenant, bodies, request));
    let mut http = http1::Builder::new();
    // The tenant sets `Date` from its own clock.
    http.auto_date_header(false);
    http.timer(TokioTimer::new());
    http.header_read_timeout(TIME_LIMIT);
    let mut served =
        http.serve_connection(TokioIo::new(Patience::new(stream, TIME_LIMIT)), requests);
    let ended = tokio::select! {
        outcome = &mut served => Some(outcome),
        () = service.stopped() => None,
    };
    let outcome = if let Some(outcome) = ended {
        outcome
    } else {
        Pin::new(&mut served).graceful_shutdown();
        (&mut served).await
    };
    if let Err(error) = outcome {
        let cause = error::Error::source(&error).and_then(|cause| cause.downcast_ref());
        if let Some(Disconnect { reset: true }) = cause {
            served.into_parts().io.inner().reset();
        }
    }
}

async fn respond(
    tenant: &Tenant,
    bodies: &Semaphore,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Body>, Disconnect> {
    let (parts, body) = request.into_parts();
    if let Some(refusal) = tenant.refuse(&parts) {
        return Ok(refusal.map(Body::from));
    }
    let effects = match tenant.effects(&parts) {
        Ok(effects) => effects,
        Err(status) => return Ok(tenant.refusal(&status).map(Body::from)),
    };
    // All of it at once, because bodies that each have a part could wait for each other. One of unknown size may have all that
    // it is allowed.
    let size = body
        .size_hint()
        .upper()
        .and_then(|size| usize::try_from(size).ok());
    let size = size.unwrap_or(BODY_LIMIT).min(BODY_LIMIT);
    // Fails only if the semaphore is closed, which it never is.
    let in_memory = bodies
        .acquire_many(u32::try_from(size).unwrap_or(u32::MAX))
        .await;
    let body = Limited::new(body, BODY_LIMIT).collect();
    let body = match timeout(TIME_LIMIT, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Status::too_large()),
        Ok(Err(_)) => Err(Status::incomplete()),
        Err(_) => Err(Status::timeout()),
    };
    if let Some(latency) = effects.latency {
        tokio::time::sleep(latency).await;
    }
    let response = tenant.respond(&parts, &body, &effects);
    // The response may take its time.
    drop((body, in_memory));
    effects.send(response).await
}
