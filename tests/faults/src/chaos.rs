//! Thousands of calls at once through proxies that break connections. Then the tenant is asked what became of it all: what
//! succeeded is there once, what was refused is not there, and of the rest the caller was told that nobody knows.

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

use crate::breaker::Breaker;
use crate::program::{Failure, Program};

/// How many calls are under way at a time.
const CONCURRENT: u64 = 64;
/// How many clients make them. Each has connections, a token and a retry budget of its own.
const CLIENTS: u64 = 8;
/// How much sooner waiting is over.
const HASTE: u32 = 100;
/// How long a try may take.
const ATTEMPT: Duration = Duration::from_secs(2);
/// How many events there are on the way through nginx.
const EVENTS: u64 = 16;
/// How long a way may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// What was found out in the end.
#[derive(Debug, Default)]
pub struct Report {
    /// What must not be; empty if all is well.
    pub violations: Vec<String>,
    /// A line for each way.
    pub lines: Vec<String>,
}

/// The system's clock, on which waiting between tries is over a hundred times as soon. The time of day stays what it is: tokens and
/// assertions go by it, and so does the pace after a 429.
#[derive(Debug)]
struct Hasty;

impl Clock for Hasty {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration / HASTE))
    }
}

/// What is known of an app that was to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    /// It is there.
    Created { id: String },
    /// The creation failed, and may have been carried out.
    Unknown,
    /// The creation failed, and was not carried out.
    NotCreated,
    /// It was there, and is no more.
    Deleted,
    /// It was there; the deletion may have been carried out.
    PerhapsDeleted,
}

/// What the calls of a worker, or of a way, came to.
#[derive(Default)]
struct Tally {
    /// By display name.
    apps: HashMap<String, Known>,
    calls: u64,
    repeated: u64,
    errors: BTreeMap<&'static str, u64>,
    violations: Vec<String>,
}

/// Makes so many calls, in equal parts on each way to the tenant.
///
/// # Errors
/// When a server or a client is not to be had; what the calls come to is in the report.
pub async fn run(calls: u64, seed: u64) -> Result<Report, Failure> {
    // No token ends on the way: a call that is refused for that is sent again, rightly, and would look like one that
    // arrived twice.
    let emulator = Emulator::builder().seed(seed).start().await?;
    let server: SocketAddr = emulator.base_url().trim_start_matches("http://").parse()?;
    let mut report = Report::default();
    let mut apps = HashMap::new();

    // Our own breaker, alone; then the programs, with the breaker between them and the server, or not.
    let mut between = Breaker::start(server, 20, seed ^ 1)?;
    let alone = Breaker::start(server, 80, seed)?;
    let haproxy = Program::haproxy(server).await?;
    let nginx = Program::nginx(between.address()).await?;
    let ways = [
        ("breaker", Some(alone.address())),
        ("haproxy", haproxy.as_ref().map(Program::address)),
        ("nginx", nginx.as_ref().map(Program::address)),
    ];
    let share = calls / ways.iter().filter(|(_, address)| address.is_some()).count() as u64;
    for (name, address) in ways {
        let Some(address) = address else {
            let line = format!("{name:8} skipped: not installed, see `just chaos-programs`");
            report.lines.push(line);
            continue;
        };
        let began = Instant::now();
        let clients = (0..CLIENTS).map(|_| client(&emulator, address));
        let clients = clients.collect::<Result<Vec<_>, _>>()?;
        let left = Arc::new(AtomicU64::new(share));
        let mut workers = JoinSet::new();
        for (worker, c1) in (0..CONCURRENT).zip(clients.iter().cycle()) {
            let chance = Numbers::new(seed ^ (worker << 32));
            let name = format!("{name} {worker}");
            workers.spawn(work(c1.clone(), name, chance, Arc::clone(&left)));
        }
        // What is not done in time is left undone.
        let hurry = Arc::clone(&left);
        let hurry = tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            hurry.store(0, Ordering::SeqCst);
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
        hurry.abort();
        let mut tally = Tally::default();
        for one in tallies {
            tally.add(one);
        }
        tally.received(&emulator);
        report.lines.push(tally.line(name, began.elapsed()));
        report.violations.append(&mut tally.violations);
        apps.extend(tally.apps);
    }

    let there = all(&client(&emulator, server)?).await?;
    report.violations.extend(compare(&apps, &there));
    report.lines.push(summary(&apps, &there, &emulator));
    Ok(report)
}

/// Takes the server away from nginx and gives it back, in turn, and lets nginx replace its workers in between.
async fn disturb(
    between: &mut Breaker,
    nginx: Option<&Program>,
    left: &AtomicU64,
) -> Result<(), Failure> {
    let mut seen = left.load(Ordering::SeqCst);
    let interval = (seen / EVENTS).max(5);
    let mut phase = 0;
    while seen > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let now = left.load(Ordering::SeqCst);
        // Away for a short time only: every fourth phase.
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

fn client(emulator: &Emulator, address: SocketAddr) -> Result<C1, Failure> {
    Ok(C1::builder()
        .tenant(format!("http://{address}"))
        .client_credentials(emulator.client_id(), emulator.client_secret())
        .clock(Hasty)
        .retry(RetryPolicy::default().attempt_timeout(ATTEMPT))
        .build()?)
}

/// Calls until none are left. Each worker has apps of its own, so that it knows what to find.
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
            Ok(answer) => {
                let id = answer.app.as_ref().and_then(|app| app.id.clone());
                let id = id.unwrap_or_else(|| {
                    self.violations
                        .push(format!("{name}: created without an id"));
                    String::new()
                });
                own.push((name.clone(), id.clone()));
                Known::Created { id }
            }
            // Nobody else uses the name.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                self.violations
                    .push(format!("{name}: created twice: {error:?}"));
                Known::Unknown
            }
            Err(error) if error.may_have_been_sent() => Known::Unknown,
            Err(_) => Known::NotCreated,
        };
        self.apps.insert(name, known);
        result.map(drop)
    }

    async fn delete(&mut self, c1: &C1, name: String, id: &str) -> Result<(), Error> {
        let result = c1.apps().delete(id).await.map(drop);
        match &result {
            Ok(()) => self.apps.insert(name, Known::Deleted),
            // An earlier try got through. It need not have been the client's: nginx itself repeats a DELETE when the server
            // breaks the connection.
            Err(error) if error.is_not_found() => {
                self.apps.insert(name, Known::Deleted);
                return Ok(());
            }
            Err(error) if error.may_have_been_sent() => {
                self.apps.insert(name, Known::PerhapsDeleted)
            }
            Err(_) => None,
        };
        result
    }

    async fn get(&mut self, c1: &C1, name: &str, id: &str) -> Result<(), Error> {
        let app = c1.apps().get(id).await?.app.unwrap_or_default();
        self.is(&app, name, id);
        Ok(())
    }

    async fn search(&mut self, c1: &C1, name: &str, id: &str) -> Result<(), Error> {
        let request = SearchAppsRequest::new().display_name(name);
        let found = c1.app_search().search(request).await?.list;
        match &found[..] {
            [app] => self.is(app, name, id),
            _ => self
                .violations
                .push(format!("{name}: found {} times", found.len())),
        }
        Ok(())
    }

    /// An answer that belongs to another call, or is not whole, is worse than none.
    fn is(&mut self, app: &App, name: &str, id: &str) {
        if app.id.as_deref() != Some(id) || app.display_name.as_deref() != Some(name) {
            self.violations
                .push(format!("{name}: got {:?}", app.display_name));
        }
    }

    fn failed(&mut self, error: &Error) {
        *self.errors.entry(error.kind().as_str()).or_default() += 1;
        // What comes of broken connections, busy servers and servers that are gone. A cut answer that passes for a whole
        // one, a bad request or an object that is not there are none of these.
        let fits = matches!(
            error.kind(),
            ErrorKind::Auth
                | ErrorKind::Connect
                | ErrorKind::Timeout
                | ErrorKind::Transport
                | ErrorKind::Server
                | ErrorKind::RateLimited
                | ErrorKind::RequestTimeout
        );
        if !fits {
            self.violations
                .push(format!("a call failed like this: {error:?}"));
        }
        self.repeated += u64::from(error.tries() > 1);
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

    /// Looks through what the tenant remembers of the last requests for creations that came twice.
    fn received(&mut self, emulator: &Emulator) {
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
        let words = twice.map(|(name, count)| format!("{name}: creation arrived {count} times"));
        self.violations.extend(words);
    }

    fn line(&self, name: &str, took: Duration) -> String {
        let failed: u64 = self.errors.values().sum();
        format!(
            "{name:8} {} calls in {:.1} s, {failed} failed ({} after several tries): {:?}",
            self.calls,
            took.as_secs_f64(),
            self.repeated,
            self.errors
        )
    }
}

/// How many apps there are of each name.
async fn all(c1: &C1) -> Result<HashMap<String, u64>, Error> {
    let mut names = HashMap::new();
    let mut token = String::new();
    loop {
        let page = c1.apps().list().page_size(100).page_token(&token).await?;
        for app in page.list {
            *names
                .entry(app.display_name.unwrap_or_default())
                .or_insert(0) += 1;
        }
        token = page.next_page_token.unwrap_or_default();
        if token.is_empty() {
            return Ok(names);
        }
    }
}

/// Where what is there is not what the callers were told.
fn compare(apps: &HashMap<String, Known>, there: &HashMap<String, u64>) -> Vec<String> {
    let wrong = |(name, known): &(&String, &Known)| {
        let count = there.get(*name).copied().unwrap_or(0);
        match known {
            Known::Created { .. } => count != 1,
            Known::NotCreated | Known::Deleted => count != 0,
            Known::Unknown | Known::PerhapsDeleted => count > 1,
        }
    };
    let words = |(name, known): (&String, &Known)| {
        let count = there.get(name).copied().unwrap_or(0);
        format!("{name}: {known:?}, but there {count} times")
    };
    apps.iter().filter(wrong).map(words).collect()
}

fn summary(
    apps: &HashMap<String, Known>,
    there: &HashMap<String, u64>,
    emulator: &Emulator,
) -> String {
    let count = |wanted: fn(&Known) -> bool| apps.values().filter(|known| wanted(known)).count();
    let unknown = apps.iter().filter(|(_, known)| **known == Known::Unknown);
    let carried_out = unknown
        .filter(|(name, _)| there.contains_key(*name))
        .count();
    format!(
        "creations: {} confirmed, {} unknown ({carried_out} of them carried out), {} not carried out; {} tokens",
        count(|known| !matches!(known, Known::Unknown | Known::NotCreated)),
        count(|known| *known == Known::Unknown),
        count(|known| *known == Known::NotCreated),
        emulator.token_requests(),
    )
}
