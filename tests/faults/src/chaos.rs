//! Thousands of concurrent calls through proxies that break connections. Afterwards the state of the tenant is compared with
//! the results: an app whose creation succeeded exists once, an app whose creation was rejected does not exist, and for any
//! other creation the error said that the outcome is unknown.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use c1_api_emulator::Emulator;
use c1_api_ext::c1_api::types::{App, CreateAppRequest, SearchAppsRequest};
use c1_api_ext::{BoxFuture, C1, Clock, Error, ErrorKind, RetryPolicy};
use c1_test_kit::Numbers;
use tokio::task::JoinSet;

use crate::faulty_proxy::FaultyProxy;
use crate::program::{BoxError, Program};

/// The number of concurrent calls.
const CONCURRENT: u64 = 64;
/// The number of clients. Each has its own connections, token and retry budget.
const CLIENTS: u64 = 8;
/// How much faster the clock of clients and tenant is than the system's.
const HASTE: u32 = 20;
/// Tokens do not expire during a run: a call rejected for an expired token is sent again, and would look like a duplicate.
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// The time limit of an attempt.
const ATTEMPT: Duration = Duration::from_secs(2);
/// The number of disturbances during the run through nginx.
const EVENTS: u64 = 16;
/// The time limit of a route.
const TIME_LIMIT: Duration = Duration::from_secs(90);

/// The result of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// The violations; empty if the run is successful.
    pub violations: Vec<String>,
    /// A line for each route.
    pub lines: Vec<String>,
}

/// A clock that is twenty times as fast as the system's. The time of day is as fast as delays are: what a `Retry-After`
/// holds back goes by it.
#[derive(Clone, Copy, Debug)]
struct Hasty {
    start: SystemTime,
    began: Instant,
}

impl Hasty {
    fn start() -> Self {
        Self {
            start: SystemTime::now(),
            began: Instant::now(),
        }
    }
}

impl Clock for Hasty {
    fn now(&self) -> SystemTime {
        self.start + self.began.elapsed() * HASTE
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration / HASTE))
    }
}

/// The expected state of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
enum AppState {
    /// It exists.
    Created { id: String },
    /// The creation failed, but may have been carried out.
    Unknown,
    /// The creation failed and was not carried out.
    NotCreated,
    /// It was created and deleted.
    Deleted,
    /// It was created; the deletion failed, but may have been carried out.
    MaybeDeleted,
}

/// The results of a worker, or of a route.
#[derive(Default)]
struct Tally {
    /// By display name.
    apps: HashMap<String, AppState>,
    calls: u64,
    repeated: u64,
    errors: BTreeMap<&'static str, u64>,
    violations: Vec<String>,
}

/// Makes `calls` calls, distributed equally over all routes to the tenant.
///
/// # Errors
/// If a server or a client cannot be started. The results of the calls are in the report.
pub async fn run(calls: u64, seed: u64) -> Result<Report, BoxError> {
    let clock = Hasty::start();
    let emulator = Emulator::builder()
        .seed(seed)
        .clock(move || clock.now())
        .token_lifetime(TOKEN_LIFETIME)
        .start()
        .await?;
    let server: SocketAddr = emulator.base_url().trim_start_matches("http://").parse()?;
    let mut report = Report::default();
    let mut apps = HashMap::new();

    // The faulty proxy alone, HAProxy alone, and nginx with the faulty proxy between it and the server.
    let mut between = FaultyProxy::start(server, 20, seed ^ 1)?;
    let alone = FaultyProxy::start(server, 80, seed)?;
    let haproxy = Program::haproxy(server).await?;
    let nginx = Program::nginx(between.address()).await?;
    let routes = [
        ("proxy", Some(alone.address())),
        ("haproxy", haproxy.as_ref().map(Program::address)),
        ("nginx", nginx.as_ref().map(Program::address)),
    ];
    let share = calls
        / routes
            .iter()
            .filter(|(_, address)| address.is_some())
            .count() as u64;
    for (name, address) in routes {
        let Some(address) = address else {
            let line = format!("{name:8} skipped: not installed, see `just chaos-programs`");
            report.lines.push(line);
            continue;
        };
        let began = Instant::now();
        let clients = (0..CLIENTS).map(|_| client(&emulator, address, clock));
        let clients = clients.collect::<Result<Vec<_>, _>>()?;
        let left = Arc::new(AtomicU64::new(share));
        let mut workers = JoinSet::new();
        for (worker, c1) in (0..CONCURRENT).zip(clients.iter().cycle()) {
            let chance = Numbers::new(seed ^ (worker << 32));
            let name = format!("{name} {worker}");
            workers.spawn(work(c1.clone(), name, chance, Arc::clone(&left)));
        }
        // After the time limit, the remaining calls are dropped.
        let remaining = Arc::clone(&left);
        let timer = tokio::spawn(async move {
            tokio::time::sleep(TIME_LIMIT).await;
            remaining.store(0, Ordering::SeqCst);
        });
        let events = async {
            if name == "nginx" {
                disturb(&mut between, nginx.as_ref(), &left).await
            } else {
                Ok(())
            }
        };
        let (tallies, disturbed) = tokio::join!(workers.join_all(), events);
        disturbed?;
        timer.abort();
        let mut tally = Tally::default();
        for one in tallies {
            tally.add(one);
        }
        tally.check_duplicates(&emulator);
        report.lines.push(tally.line(name, began.elapsed()));
        report.violations.append(&mut tally.violations);
        apps.extend(tally.apps);
    }

    let existing = all(&client(&emulator, server, clock)?).await?;
    report.violations.extend(compare(&apps, &existing));
    report.lines.push(summary(&apps, &existing, &emulator));
    Ok(report)
}

/// Takes the server down and up again, in turn, and reloads nginx in between.
async fn disturb(
    between: &mut FaultyProxy,
    nginx: Option<&Program>,
    left: &AtomicU64,
) -> Result<(), BoxError> {
    let mut seen = left.load(Ordering::SeqCst);
    let interval = (seen / EVENTS).max(5);
    let mut phase = 0;
    while seen > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let now = left.load(Ordering::SeqCst);
        // Every fourth phase, in which the server is down, is short.
        if seen.saturating_sub(now)
            >= if phase % 4 == 3 {
                interval / 5
            } else {
                interval
            }
            || now == 0
        {
            seen = now;
            phase += 1;
            match phase % 4 {
                3 => between.down().await?,
                0 => between.up()?,
                1 => nginx.map_or(Ok(()), Program::reload)?,
                _ => {}
            }
        }
    }
    between.up()?;
    Ok(())
}

fn client(emulator: &Emulator, address: SocketAddr, clock: Hasty) -> Result<C1, BoxError> {
    Ok(C1::builder()
        .tenant(format!("http://{address}"))
        .client_credentials(emulator.client_id(), emulator.client_secret())
        .clock(clock)
        .retry(RetryPolicy::default().attempt_timeout(ATTEMPT))
        .build()?)
}

/// Makes calls until none are left. Each worker has its own apps, so that it knows what to expect.
async fn work(c1: C1, worker: String, mut chance: Numbers, left: Arc<AtomicU64>) -> Tally {
    let mut tally = Tally::default();
    let mut own: Vec<(String, String)> = Vec::new();
    let take = |left: u64| left.checked_sub(1);
    while left
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
        .is_ok()
    {
        tally.calls += 1;
        let index = usize::try_from(chance.below(own.len() as u64)).unwrap_or(0);
        let result = match (chance.below(10), own.get(index).cloned()) {
            (0..3, _) => {
                tally
                    .create(&c1, format!("{worker} {}", tally.calls), &mut own)
                    .await
            }
            (3, Some((name, id))) => {
                own.swap_remove(index);
                tally.delete(&c1, name, &id).await
            }
            (4..6, Some((name, id))) => tally.get(&c1, &name, &id).await,
            (6..8, Some((name, id))) => tally.search(&c1, &name, &id).await,
            _ => c1.apps().list().await.map(drop),
        };
        if let Err(error) = result {
            tally.failed(&error);
        }
    }
    tally
}

impl Tally {
    async fn create(
        &mut self,
        c1: &C1,
        name: String,
        own: &mut Vec<(String, String)>,
    ) -> Result<(), Error> {
        let result = c1.apps().create(CreateAppRequest::new(&name)).await;
        let known = match &result {
            Ok(response) => {
                let id = response.app.as_ref().and_then(|app| app.id.clone());
                let id = id.unwrap_or_else(|| {
                    self.violations
                        .push(format!("{name}: created without an id"));
                    String::new()
                });
                own.push((name.clone(), id.clone()));
                AppState::Created { id }
            }
            // The name is unique to this call.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                self.violations
                    .push(format!("{name}: created twice: {error:?}"));
                AppState::Unknown
            }
            Err(error) if error.may_have_been_sent() => AppState::Unknown,
            Err(_) => AppState::NotCreated,
        };
        self.apps.insert(name, known);
        result.map(drop)
    }

    async fn delete(&mut self, c1: &C1, name: String, id: &str) -> Result<(), Error> {
        let result = c1.apps().delete(id).await.map(drop);
        match &result {
            Ok(()) => self.apps.insert(name, AppState::Deleted),
            // An earlier attempt succeeded. It may have been nginx's, which retries a DELETE itself when the server breaks the
            // connection.
            Err(error) if error.is_not_found() => {
                self.apps.insert(name, AppState::Deleted);
                return Ok(());
            }
            Err(error) if error.may_have_been_sent() => {
                self.apps.insert(name, AppState::MaybeDeleted)
            }
            Err(_) => None,
        };
        result
    }

    async fn get(&mut self, c1: &C1, name: &str, id: &str) -> Result<(), Error> {
        let app = c1.apps().get(id).await?.app.unwrap_or_default();
        self.check_app(&app, name, id);
        Ok(())
    }

    async fn search(&mut self, c1: &C1, name: &str, id: &str) -> Result<(), Error> {
        let request = SearchAppsRequest::new().display_name(name);
        let found = c1.app_search().search(request).await?.list;
        match &found[..] {
            [app] => self.check_app(app, name, id),
            _ => self
                .violations
                .push(format!("{name}: found {} times", found.len())),
        }
        Ok(())
    }

    /// Checks that the response belongs to this call and is complete.
    fn check_app(&mut self, app: &App, name: &str, id: &str) {
        if app.id.as_deref() != Some(id) || app.display_name.as_deref() != Some(name) {
            self.violations
                .push(format!("{name}: received {:?}", app.display_name));
        }
    }

    fn failed(&mut self, error: &Error) {
        *self.errors.entry(error.kind().as_str()).or_default() += 1;
        // The kinds expected from broken connections, busy servers and servers that are down. A truncated response that was
        // accepted, a bad request or a missing object is not among them.
        let expected = matches!(
            error.kind(),
            ErrorKind::Auth
                | ErrorKind::Connect
                | ErrorKind::Timeout
                | ErrorKind::Transport
                | ErrorKind::Server
                | ErrorKind::RateLimited
                | ErrorKind::RequestTimeout
        );
        if !expected {
            self.violations.push(format!("unexpected error: {error:?}"));
        }
        self.repeated += u64::from(error.attempts() > 1);
    }

    fn add(&mut self, other: Self) {
        self.apps.extend(other.apps);
        self.calls += other.calls;
        self.repeated += other.repeated;
        for (kind, count) in other.errors {
            *self.errors.entry(kind).or_default() += count;
        }
        self.violations.extend(other.violations);
    }

    /// Checks the tenant's request log for creations that arrived twice.
    fn check_duplicates(&mut self, emulator: &Emulator) {
        let mut names = HashMap::new();
        for request in emulator.requests() {
            let name = request
                .body
                .as_ref()
                .and_then(|body| body["displayName"].as_str());
            if let Some(name) = name.filter(|_| request.operation == "apps.create") {
                *names.entry(name.to_owned()).or_insert(0) += 1;
            }
        }
        let twice = names.into_iter().filter(|(_, count)| *count > 1);
        let messages = twice.map(|(name, count)| format!("{name}: creation arrived {count} times"));
        self.violations.extend(messages);
    }

    fn line(&self, name: &str, took: Duration) -> String {
        let failed: u64 = self.errors.values().sum();
        format!(
            "{name:8} {} calls in {:.1} s, {failed} failed ({} after several attempts): {:?}",
            self.calls,
            took.as_secs_f64(),
            self.repeated,
            self.errors
        )
    }
}

/// The number of apps with each name.
async fn all(c1: &C1) -> Result<HashMap<String, u64>, Error> {
    let mut names = HashMap::new();
    let mut apps = c1.apps().list().page_size(100).items();
    while let Some(app) = apps.try_next().await? {
        *names
            .entry(app.display_name.unwrap_or_default())
            .or_insert(0) += 1;
    }
    Ok(names)
}

/// The differences between the expected and the existing apps.
fn compare(apps: &HashMap<String, AppState>, existing: &HashMap<String, u64>) -> Vec<String> {
    let wrong = |(name, known): &(&String, &AppState)| {
        let count = existing.get(*name).copied().unwrap_or(0);
        match known {
            AppState::Created { .. } => count != 1,
            AppState::NotCreated | AppState::Deleted => count != 0,
            AppState::Unknown | AppState::MaybeDeleted => count > 1,
        }
    };
    let message = |(name, known): (&String, &AppState)| {
        let count = existing.get(name).copied().unwrap_or(0);
        format!("{name}: {known:?}, but exists {count} times")
    };
    apps.iter().filter(wrong).map(message).collect()
}

fn summary(
    apps: &HashMap<String, AppState>,
    existing: &HashMap<String, u64>,
    emulator: &Emulator,
) -> String {
    let count = |wanted: fn(&AppState) -> bool| apps.values().filter(|known| wanted(known)).count();
    let unknown = apps
        .iter()
        .filter(|(_, known)| **known == AppState::Unknown);
    let carried_out = unknown
        .filter(|(name, _)| existing.contains_key(*name))
        .count();
    format!(
        "creations: {} confirmed, {} unknown ({carried_out} of them carried out), {} not carried out; {} tokens",
        count(|known| !matches!(known, AppState::Unknown | AppState::NotCreated)),
        count(|known| *known == AppState::Unknown),
        count(|known| *known == AppState::NotCreated),
        emulator.token_requests(),
    )
}
