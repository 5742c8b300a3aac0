//! The tenant without its sockets: one request in, one response out.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use c1_api_spec::model::{Description, Operation, Payload, Success};
use hyper::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
    WWW_AUTHENTICATE,
};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::auth::{self, Auth, DEVICE_PATH, OAuthError, Realm, TOKEN_PATH, Trust};
use crate::check::{self, Direction, Violation};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::fault::{Effects, Fault, Faults, take_token};
use crate::lock::lock;
use crate::log::{Log, Request};
use crate::random::Random;
use crate::received::Received;
use crate::route::Router;
use crate::sample::Sampler;
use crate::site::Hosts;
use crate::state::{Call, LATEST, PERSONAL_CLIENT, Pages, Plan, State};
use crate::status::Status;
use crate::webhook::{CALLBACK_PATH, KEYS_PATH, REPLY_LIMIT, WebhookDelivery, Webhooks};
use crate::{canonical, json, text};

/// The limit on the size of a form: 128 KiB, twice the longest subject token that the client reads.
const FORM_LIMIT: usize = 128 << 10;
/// The header of a response that is a sample, or has a fault.
const MARK: HeaderName = HeaderName::from_static("c1-emulator");
/// The header of a request that has a fault.
const FAULT_HEADER: &str = "c1-emulator-fault";

/// A body that is not JSON.
const SAMPLE: &[u8] = b"a sample\n";

pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;
/// Returns whether to approve the device login with the given user code immediately.
pub(crate) type Approve = Arc<dyn Fn(&str) -> bool + Send + Sync>;

#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "independent options")]
pub(crate) struct Settings {
    /// By default, that of [`crate::description`].
    pub(crate) description: Option<Arc<Description>>,
    pub(crate) clock: Clock,
    pub(crate) auth: auth::Settings,
    pub(crate) approve_devices: Option<Approve>,
    pub(crate) log_bytes: usize,
    pub(crate) seed: u64,
    pub(crate) seed_data: bool,
    pub(crate) stateful: bool,
    pub(crate) refuse_samples: bool,
    pub(crate) nulls: bool,
    pub(crate) snapshot: Option<Value>,
    pub(crate) pages: Pages,
    /// The time after which lists show changes; `None` for at once.
    pub(crate) consistency_delay: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            description: None,
            clock: Arc::new(SystemTime::now),
            auth: auth::Settings::default(),
            approve_devices: None,
            log_bytes: 64 << 20,
            seed: 0,
            seed_data: true,
            stateful: true,
            refuse_samples: false,
            nulls: true,
            snapshot: None,
            pages: Pages::default(),
            consistency_delay: None,
        }
    }
}

impl Settings {
    /// The time, within the years of a `Date` header and of a timestamp.
    fn now(&self) -> SystemTime {
        (self.clock)().clamp(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + LATEST)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("auth", &self.auth)
            .field("log_bytes", &self.log_bytes)
            .field("seed", &self.seed)
            .field("seed_data", &self.seed_data)
            .field("stateful", &self.stateful)
            .field("refuse_samples", &self.refuse_samples)
            .field("nulls", &self.nulls)
            .field("consistency_delay", &self.consistency_delay)
            .finish_non_exhaustive()
    }
}

/// The body of a request, or why it could not be read.
pub(crate) type Body = Result<Bytes, Status>;

pub(crate) struct Tenant {
    description: Arc<Description>,
    router: Router,
    address: SocketAddr,
    settings: Settings,
    /// What the operations do to the state.
    plan: Arc<Plan>,
    hosts: Hosts,
    auth: Mutex<Auth>,
    state: Mutex<State>,
    request_ids: Mutex<Random>,
    /// The seeds of the samples of each operation.
    samples: Mutex<BTreeMap<String, Random>>,
    faults: Mutex<Faults>,
    log: Mutex<Log>,
    token_requests: Mutex<u64>,
    webhooks: Webhooks,
}

impl Tenant {
    pub(crate) fn new(
        mut settings: Settings,
        address: SocketAddr,
        hosts: Hosts,
        client: &Credentials,
        trust: Arc<Trust>,
    ) -> Result<Self, Error> {
        let (description, plan) = match &settings.description {
            Some(description) => (Arc::clone(description), Arc::new(Plan::new(description))),
            None => (crate::default_description()?, crate::default_plan()?),
        };
        let mut state = State::new(Arc::clone(&description), Arc::clone(&plan), settings.seed);
        settings.pages.set_seed(settings.seed);
        if let Some(snapshot) = settings.snapshot.take() {
            state.restore(&snapshot)?;
        } else if settings.seed_data {
            state.seed(settings.now()).map_err(|_| Error::SeedData)?;
        }
        state.delay_lists(settings.consistency_delay);
        state.send_nulls(settings.nulls);
        let auth = Auth::new(&settings.auth, hosts.scheme(), address, client, trust)?;
        Ok(Self {
            router: Router::new(&description)?,
            description,
            address,
            plan,
            hosts,
            auth: Mutex::new(auth),
            state: Mutex::new(state),
            request_ids: Mutex::new(Random::named(settings.seed, "requests")),
            samples: Mutex::default(),
            faults: Mutex::default(),
            log: Mutex::new(Log::new(settings.log_bytes)),
            token_requests: Mutex::default(),
            webhooks: Webhooks::new()?,
            settings,
        })
    }

    /// The request log, oldest first.
    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.log).requests()
    }

    /// The requests to the operations whose ids match the pattern.
    pub(crate) fn received(&self, pattern: &str) -> Received {
        let log = lock(&self.log);
        let (requests, dropped) = (log.requests(), log.dropped());
        Received::new(Arc::clone(&self.description), pattern, requests, dropped)
    }

    pub(crate) fn clear_requests(&self) {
        lock(&self.log).clear();
    }

    pub(crate) fn dropped_requests(&self) -> u64 {
        lock(&self.log).dropped()
    }

    pub(crate) fn token_requests(&self) -> u64 {
        *lock(&self.token_requests)
    }

    /// Adds an object to the state. Returns it with what the state adds.
    pub(crate) fn add(&self, kind: &str, object: Value) -> Result<Value, Error> {
        let refused = |reason: String| Error::Object {
            kind: kind.to_owned(),
            reason,
        };
        check::value(&self.description, kind, &object, Direction::Response)
            .map_err(|violation| refused(violation.to_string()))?;
        let Value::Object(fields) = object else {
            return Err(refused("expected a message".to_owned()));
        };
        let now = self.now();
        let added = lock(&self.state).insert_object(kind, fields, now);
        added.map_err(|status| refused(status.to_string()))
    }

    /// The state as JSON.
    pub(crate) fn snapshot(&self) -> Value {
        lock(&self.state).snapshot()
    }

    pub(crate) fn changes(&self) -> u64 {
        lock(&self.state).changes()
    }

    /// Issues a token without the token endpoint.
    pub(crate) fn issue_token(&self, user: Option<&str>) -> Result<String, Error> {
        let now = self.now();
        lock(&self.auth).issue(now, user)
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.settings.now()
    }

    /// Approves or denies a device login. Returns whether one was pending.
    pub(crate) fn decide_device_login(&self, user_code: &str, approve: bool) -> bool {
        let now = self.now();
        lock(&self.auth).decide_device_login(now, user_code, approve)
    }

    pub(crate) fn rotate_dpop_nonces(&self) {
        lock(&self.auth).rotate_dpop_nonces();
    }

    pub(crate) fn rotate_webhook_keys(&self) -> Result<(), Error> {
        self.webhooks.keys().rotate()
    }

    /// Sends webhooks, forever.
    pub(crate) async fn send_webhooks(&self) {
        let issuer = self.address.ip().to_string();
        let end = |id: &str, response: &_| {
            let mut state = lock(&self.state);
            state.end_webhook(id, response, self.now());
            self.send(&mut state);
        };
        self.webhooks.run(&issuer, || self.now(), end).await;
    }

    /// Has the webhooks sent that the state has emitted.
    fn send(&self, state: &mut State) {
        let mut outgoing = state.take_webhooks();
        for one in outgoing.iter_mut().filter(|one| one.has_reply) {
            let scheme = self.hosts.scheme();
            let url = format!("{scheme}://{}{CALLBACK_PATH}{}", self.address, one.id);
            one.body["callbackUrl"] = url.into();
        }
        self.webhooks.enqueue(outgoing);
    }

    /// Receives the reply to a webhook. Its URL, which only the receiver of the webhook knows, is its authorization.
    fn call_back(&self, id: &str, body: &Body, now: SystemTime) -> Result<Value, Status> {
        let body = body.as_ref().map_err(Status::clone)?;
        if body.len() > REPLY_LIMIT {
            return Err(Status::too_large());
        }
        let mut state = lock(&self.state);
        state.reply_to_webhook(id, body, now)?;
        self.send(&mut state);
        Ok(json!({}))
    }

    /// The webhooks that were sent, when none is waiting.
    pub(crate) async fn deliveries(&self) -> Vec<WebhookDelivery> {
        self.webhooks.sent().await
    }

    pub(crate) fn revoke_tokens(&self) {
        lock(&self.auth).revoke_tokens();
    }

    /// The response to a request whose body is not to be read, if it is one.
    pub(crate) fn refuse(&self, parts: &Parts) -> Option<Response<Bytes>> {
        let status = self.hosts.check(parts).err()?;
        Some(self.refusal(&status))
    }

    /// The response to a request that is not handled.
    pub(crate) fn refusal(&self, status: &Status) -> Response<Bytes> {
        let mut response = self.error(status);
        set_header(&mut response, DATE, text::http_date(self.now()));
        response
    }

    /// Adds a fault.
    pub(crate) fn inject(&self, fault: Fault) {
        lock(&self.faults).inject(fault, self.settings.seed);
    }

    pub(crate) fn clear_faults(&self) {
        lock(&self.faults).clear();
    }

    /// What goes wrong with the request.
    pub(crate) fn effects(&self, parts: &Parts) -> Result<Effects, Status> {
        let mut effects = Effects::default();
        let mut faults = lock(&self.faults);
        if !faults.is_empty() {
            let (method, path) = (parts.method.as_str(), parts.uri.path());
            let found = self.router.find(&self.description, method, path);
            effects = faults.next(found.ok().map(|(operation, _)| operation), path);
        }
        drop(faults);
        for value in parts.headers.get_all(FAULT_HEADER) {
            let fault = value.to_str().unwrap_or_default().parse::<Fault>();
            let own = fault.and_then(Fault::into_effects);
            let own = own.map_err(|error| Status::invalid_field(FAULT_HEADER, error.expected()))?;
            effects = effects.and(own);
        }
        Ok(effects)
    }

    /// Handles one request, with a fault if there is one.
    pub(crate) fn respond(&self, parts: &Parts, body: &Body, effects: &Effects) -> Response<Bytes> {
        let path = parts.uri.path();
        let now = effects.time(self.now());
        let (mut response, realm) = if parts.method == "GET" && path == KEYS_PATH {
            let keys = self.webhooks.keys().set();
            (json_response(StatusCode::OK, &keys, None), Realm::Token)
        } else if parts.method == "POST" && is_oauth(path) {
            let response = self.respond_oauth(path, &parts.headers, body, now, effects);
            (response, Realm::Token)
        } else if let Some(id) = path.strip_prefix(CALLBACK_PATH)
            && parts.method == "POST"
        {
            let response = match self.call_back(id, body, now) {
                Ok(value) => json_response(StatusCode::OK, &value, None),
                Err(status) => self.error(&status),
            };
            (response, Realm::Token)
        } else {
            (self.respond_api(parts, body, now, effects), Realm::Api)
        };
        set_header(&mut response, DATE, text::http_date(now));
        if !effects.is_none() {
            effects.change_response(&mut response, now);
            response
                .headers_mut()
                .append(MARK, HeaderValue::from_static("fault"));
        }
        if let Some(nonce) = lock(&self.auth).dpop_nonce(realm) {
            set_header(&mut response, HeaderName::from_static("dpop-nonce"), nonce);
        }
        response
    }

    fn error(&self, status: &Status) -> Response<Bytes> {
        let request_id = lock(&self.request_ids).id();
        json_response(
            status.http,
            &status.body(&request_id),
            status.header.clone(),
        )
    }

    fn respond_api(
        &self,
        parts: &Parts,
        body: &Body,
        now: SystemTime,
        effects: &Effects,
    ) -> Response<Bytes> {
        match self.call(parts, body, now, effects) {
            Ok((operation, value, sample)) => {
                let mut response = success(operation, &value);
                if sample {
                    set_header(&mut response, MARK, "sample".to_owned());
                }
                response
            }
            Err(status) => self.error(&status),
        }
    }

    fn respond_oauth(
        &self,
        path: &str,
        headers: &HeaderMap,
        body: &Body,
        now: SystemTime,
        effects: &Effects,
    ) -> Response<Bytes> {
        if path == TOKEN_PATH {
            *lock(&self.token_requests) += 1;
        }
        let body = match body {
            Ok(body) if body.len() > FORM_LIMIT => return self.error(&Status::too_large()),
            Ok(body) => body,
            Err(status) => return self.error(status),
        };
        let result = if let Some(http) = effects.status {
            Err(OAuthError::injected(http))
        } else if path == DEVICE_PATH {
            self.start_device_login(now, headers, body)
        } else {
            lock(&self.auth).token(now, headers, body)
        };
        let mut response = match result {
            Ok(value) => json_response(StatusCode::OK, &value, None),
            Err(error) => {
                let challenge = (error.http == StatusCode::UNAUTHORIZED
                    && headers.contains_key(AUTHORIZATION))
                .then(|| (WWW_AUTHENTICATE, "Basic".to_owned()));
                json_response(error.http, &error.body(), challenge)
            }
        };
        set_header(&mut response, CACHE_CONTROL, "no-store".to_owned());
        response
    }

    fn start_device_login(
        &self,
        now: SystemTime,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Value, OAuthError> {
        let login = lock(&self.auth).start_device_login(now, headers, body)?;
        // Not under the lock, because the callback may call `Emulator::approve_device`.
        if let Some(approve) = &self.settings.approve_devices
            && approve(&login.user_code)
        {
            self.decide_device_login(&login.user_code, true);
        }
        Ok(login.response)
    }

    /// The operation that is called, what it responds with, if that is JSON, and whether that is a sample.
    fn call(
        &self,
        parts: &Parts,
        body: &Body,
        now: SystemTime,
        effects: &Effects,
    ) -> Result<(&Operation, Value, bool), Status> {
        let found = if is_oauth(parts.uri.path()) {
            Err(Status::method_not_allowed("POST"))
        } else {
            self.router
                .find(&self.description, parts.method.as_str(), parts.uri.path())
        };
        let (operation, path) = match found {
            Ok(found) => found,
            Err(status) => return effects.refusal().and(Err(status)),
        };
        let query = text::pairs(parts.uri.query().unwrap_or_default());
        let body = body_of(operation, &parts.headers, body);
        let sample = !self.settings.stateful || !self.plan.has_state(&operation.id());
        lock(&self.log).push(
            Request::new(operation, &path, query.as_deref(), &parts.headers)
                .sampled(sample)
                .faulty(effects),
            body.as_deref().unwrap_or_default(),
        );

        effects.refusal()?;
        let mut auth = lock(&self.auth);
        if let Some(fault) = effects.token {
            return Err(auth.refuse_token(&parts.headers, fault));
        }
        let caller = auth.authorize(now, parts)?;
        drop(auth);
        let mut query = query.ok_or_else(|| {
            Status::invalid(&Violation::new("percent-encoded UTF-8").within("query"))
        })?;
        let is_json = operation
            .body
            .as_ref()
            .is_none_or(|body| body.json.is_some());
        let mut body = match body? {
            b"" => None,
            _ if !is_json => None,
            text => Some(json::read(text).map_err(|violation| Status::invalid(&violation))?),
        };
        check::path(&self.description, operation, &path)
            .and_then(|()| check::query(&self.description, operation, &query))
            .and_then(|()| check::headers(&self.description, operation, &parts.headers))
            .and_then(|()| canonical_body(&self.description, operation, body.as_mut()))
            .and_then(|()| check::body(&self.description, operation, body.as_ref()))
            .map_err(|violation| Status::invalid(&violation))?;

        if sample && self.settings.refuse_samples {
            return Err(Status::no_state(&operation.id()));
        }
        let token = take_token(operation, &mut query, body.as_mut());
        let response = if sample {
            self.sample(operation)
        } else {
            let call = Call::new(operation, &path, &query, body.as_ref(), now)
                .by(caller)
                .paged(self.settings.pages);
            self.execute(&call)?
        };
        let mut response = self.check_response(operation, response)?;
        effects.change_value(&self.description, operation, &token, &mut response);
        Ok((operation, response, sample))
    }

    /// Executes an operation that has state.
    fn execute(&self, call: &Call<'_>) -> Result<Value, Status> {
        let operation = call.operation;
        let response = if (operation.id().as_str(), operation.path.as_str()) == PERSONAL_CLIENT {
            self.create_personal_client(call)?
        } else {
            let mut state = lock(&self.state);
            let response = state.handle(call);
            self.send(&mut state);
            let removed = state.take_removed_clients();
            drop(state);
            for client in &removed {
                lock(&self.auth).remove_client(client);
            }
            response.transpose()?
        };
        response.ok_or_else(|| Status::no_state(&operation.id()))
    }

    /// Changes both the state and the clients of the token endpoint.
    fn create_personal_client(&self, call: &Call<'_>) -> Result<Option<Value>, Status> {
        let credentials = Credentials::generate(self.address, "pcc")
            .map_err(|error| Status::internal(error.to_string()))?;
        let created = lock(&self.state).create_personal_client(call, &credentials);
        let Some((response, expiry)) = created.transpose()? else {
            return Ok(None);
        };
        let user = call.caller().map(str::to_owned);
        lock(&self.auth).add_client(&credentials, expiry, user);
        Ok(Some(response))
    }

    /// A sample, another one for each call of the operation.
    fn sample(&self, operation: &Operation) -> Value {
        let id = operation.id();
        let named = || Random::named(self.settings.seed, &id);
        let mut samples = lock(&self.samples);
        let seed = samples.entry(id.clone()).or_insert_with(named).next();
        drop(samples);
        match operation
            .response
            .payload
            .as_ref()
            .and_then(|payload| payload.json.as_ref())
        {
            Some(ty) => Sampler::new(&self.description, seed)
                .value(ty, operation.response.schema().unwrap_or("value")),
            None => Value::Null,
        }
    }

    /// In debug builds, validates the emulator's own response.
    fn check_response(&self, operation: &Operation, response: Value) -> Result<Value, Status> {
        if cfg!(debug_assertions)
            && let Some(payload) = &operation.response.payload
            && let Some(ty) = &payload.json
        {
            check::of_type(&self.description, ty, &response, Direction::Response).map_err(
                |violation| {
                    Status::internal(format!(
                        "bug in the emulator: invalid response: {violation}"
                    ))
                },
            )?;
        }
        Ok(response)
    }
}

/// Whether the path is an OAuth endpoint.
fn is_oauth(path: &str) -> bool {
    path == TOKEN_PATH || path == DEVICE_PATH
}

/// The body of a request if it claims to be of the operation's media type, or is empty.
fn body_of<'a>(
    operation: &Operation,
    headers: &HeaderMap,
    body: &'a Body,
) -> Result<&'a [u8], Status> {
    let body = body.as_ref().map_err(Status::clone)?;
    if body.is_empty() {
        return Ok(body);
    }
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = |media: &str| {
        media
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_lowercase()
    };
    let expected = operation
        .body
        .as_ref()
        .map_or(Payload::JSON, |body| &body.media);
    if essence(content_type) != essence(expected) {
        return Err(Status::invalid_field("content-type", expected));
    }
    Ok(body)
}

/// Replaces a JSON body by its canonical form.
fn canonical_body(
    description: &Description,
    operation: &Operation,
    body: Option<&mut Value>,
) -> Result<(), Violation> {
    let payload = operation.body.as_ref();
    match (payload.and_then(|payload| payload.json.as_ref()), body) {
        (Some(ty), Some(body)) => canonical::replace(description, ty, body),
        _ => Ok(()),
    }
}

/// The response of an operation: its first status, and the JSON that it responds with, or a sample of what is not JSON.
fn success(operation: &Operation, json: &Value) -> Response<Bytes> {
    let Success {
        payload,
        statuses,
        empty,
    } = &operation.response;
    let status = statuses.iter().chain(empty).next();
    let status = status.and_then(|status| status.parse().ok());
    let status = status.unwrap_or(StatusCode::OK);
    match payload {
        None => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = status;
            response
        }
        Some(payload) => {
            let mut response = json_response(status, json, None);
            if payload.json.is_none() {
                *response.body_mut() = Bytes::from_static(SAMPLE);
            }
            // Of any type, it is as it is.
            let media = if payload.media.contains('*') {
                "application/octet-stream"
            } else {
                &payload.media
            };
            set_header(&mut response, CONTENT_TYPE, media.to_owned());
            response
        }
    }
}

fn json_response(
    http: StatusCode,
    body: &Value,
    header: Option<(HeaderName, String)>,
) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = http;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some((name, value)) = header {
        set_header(&mut response, name, value);
    }
    response
}

/// Sets a header. All values here are ASCII.
fn set_header(response: &mut Response<Bytes>, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use bytes::Bytes;

    use crate::check::{self, Direction};
    use crate::fault::Effects;
    use crate::random::Random;
    use crate::sample::{Fill, Sampler};
    use crate::state::State;
    use crate::status::Status;
    use crate::testing::tenant;

    #[test]
    fn every_operation_is_routed() {
        let tenant = tenant();
        assert!(!tenant.description.operations.is_empty());
        for operation in &tenant.description.operations {
            let path = operation.path.split('/').map(|segment| {
                if segment.starts_with('{') {
                    "x%2Fy"
                } else {
                    segment
                }
            });
            let path = path.collect::<Vec<_>>().join("/");
            let (found, values) = tenant
                .router
                .find(&tenant.description, operation.method.as_str(), &path)
                .unwrap();
            assert_eq!(found.id(), operation.id());
            let names: Vec<_> = operation
                .path_parameters
                .iter()
                .map(|parameter| parameter.name.clone())
                .collect();
            assert_eq!(
                values
                    .into_iter()
                    .map(|(name, value)| (value == "x/y").then_some(name))
                    .collect::<Option<Vec<_>>>(),
                Some(names)
            );
        }
    }

    #[test]
    fn every_sample_response_conforms_to_its_schema() {
        let tenant = tenant();
        for operation in &tenant.description.operations {
            let response = tenant.sample(operation);
            let schema = operation.response.schema().unwrap();
            let checked = check::value(&tenant.description, schema, &response, Direction::Response);
            assert_eq!(checked, Ok(()), "{}", operation.id());
        }
    }

    #[test]
    fn every_sample_conforms_to_its_schema() {
        let description = crate::description().unwrap();
        for name in description.schemas.keys() {
            for fill in [Fill::All, Fill::Few] {
                let sample = Sampler::new(description, Random::named(1, name).next())
                    .fill(fill)
                    .message(name);
                let checked = check::value(description, name, &sample, Direction::Response);
                assert_eq!(checked, Ok(()), "{name}");
                assert!(sample.to_string().len() < 1_000_000, "{name}");
            }
        }
    }

    #[test]
    fn the_seed_data_is_valid() {
        let description = crate::default_description().unwrap();
        let mut state = State::new(description, crate::default_plan().unwrap(), 0);
        assert_eq!(state.seed(SystemTime::UNIX_EPOCH), Ok(()));
        assert!(
            state.seed(SystemTime::UNIX_EPOCH).is_err(),
            "names are taken"
        );
    }

    #[test]
    fn requests_with_incomplete_bodies_change_nothing() {
        let tenant = tenant();
        let token = format!("Bearer {}", tenant.issue_token(None).unwrap());
        let status = |method: &str, path: &str, body| {
            let request = hyper::Request::builder().method(method).uri(path);
            let request = request.header("authorization", &token).body(()).unwrap();
            tenant
                .respond(&request.into_parts().0, &body, &Effects::default())
                .status()
                .as_u16()
        };
        let id = Random::named(0, "ids").id();
        let path = format!("/api/v1/apps/{id}");
        assert_eq!(status("DELETE", &path, Err(Status::incomplete())), 400);
        assert_eq!(status("DELETE", &path, Err(Status::too_large())), 413);
        assert_eq!(status("DELETE", &path, Err(Status::timeout())), 408);
        assert_eq!(status("GET", &path, Ok(Bytes::new())), 200);
        assert_eq!(status("DELETE", &path, Ok(Bytes::new())), 200);
    }
}
