//! Many calls of one client, whose memory must not grow. The emulator runs in another process, so that only the client's
//! memory is measured.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use c1_api_ext::c1_api::types::{CreateAppRequest, SearchAppsRequest};
use c1_api_ext::{C1, Error};
use tokio::task::JoinSet;

use crate::program::BoxError;

/// The number of concurrent calls.
const CONCURRENT: u64 = 16;
/// The number of calls between two samples of the memory.
const SAMPLE: u64 = 500;
/// The allowed growth of the memory in percent.
const TOLERANCE: u64 = 5;

/// Makes `calls` calls and returns a report on the memory they took.
///
/// # Errors
/// If the memory has grown, a call failed, or the emulator does not start.
pub async fn run(calls: u64) -> Result<String, BoxError> {
    let emulator = Emulator::start()?;
    let c1 = C1::from_vars(|name| {
        let known = emulator.variables.iter().find(|(known, _)| known == name);
        known.map(|(_, value)| value.clone())
    })?;
    let began = Instant::now();
    let done = Arc::new(AtomicU64::new(0));
    let samples = Arc::new(Mutex::new(Vec::new()));
    let mut workers = JoinSet::new();
    for worker in 0..CONCURRENT {
        let (c1, done, samples) = (c1.clone(), Arc::clone(&done), Arc::clone(&samples));
        workers.spawn(async move {
            loop {
                let number = done.fetch_add(1, Ordering::SeqCst);
                if number >= calls {
                    return Ok::<_, BoxError>(());
                }
                if number % SAMPLE == 0 {
                    let memory = resident()?;
                    let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
                    samples.push((number, memory));
                }
                call(&c1, worker, number).await?;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    let took = began.elapsed();

    let samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
    let peak = |quarter: u64| {
        let quarter = calls * quarter / 4..calls * (quarter + 1) / 4;
        let within = samples
            .iter()
            .filter(|(number, _)| quarter.contains(number));
        within.map(|(_, memory)| *memory).max().unwrap_or(0)
    };
    let peaks = [0, 1, 2, 3].map(peak);
    let report = format!(
        "{calls} calls in {:.0} s, {:.0} a second; peak memory by quarters, KiB: {peaks:?}, of {} samples",
        took.as_secs_f64(),
        f64::from(u32::try_from(calls)?) / took.as_secs_f64(),
        samples.len(),
    );
    if peaks[3] * 100 > peaks[1] * (100 + TOLERANCE) {
        return Err(format!("memory has grown: {report}").into());
    }
    Ok(report)
}

/// Mostly reads, with small and large responses. The tenant's state does not grow.
async fn call(c1: &C1, worker: u64, number: u64) -> Result<(), Error> {
    match number % 8 {
        0 => {
            let request = CreateAppRequest::new(format!("soak {worker} {number}"));
            let app = c1.apps().create(request).await?.app.unwrap_or_default();
            c1.apps().delete(app.id.unwrap_or_default()).await.map(drop)
        }
        1 | 2 => {
            let request = SearchAppsRequest::new().display_name("no such app");
            c1.app_search().search(request).await.map(drop)
        }
        3 => match c1.apps().get("000000000000000000000000000").await {
            Err(error) if error.is_not_found() => Ok(()),
            other => other.map(drop),
        },
        4 => c1.user().list().page_size(100).await.map(drop),
        _ => c1.apps().list().await.map(drop),
    }
}

/// The resident memory of this process in KiB, from Linux's `/proc`.
fn resident() -> Result<u64, BoxError> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().split(' ').next());
    Ok(number.ok_or("/proc/self/status has no VmRSS")?.parse()?)
}

/// The emulator as a child process; stopped on drop.
struct Emulator {
    child: Child,
    /// The environment variables that it prints.
    variables: Vec<(String, String)>,
    /// Kept open, so that the program can continue to write.
    _stdout: BufReader<ChildStdout>,
}

impl Emulator {
    /// Starts the program in this program's directory.
    fn start() -> Result<Self, BoxError> {
        let path: PathBuf = std::env::current_exe()?.with_file_name("c1-api-emulator");
        let mut child = Command::new(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}: build c1-api-emulator first", path.display()))?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("the emulator has no stdout")?);
        let mut variables = Vec::new();
        while variables.len() < 3 {
            let mut line = String::new();
            if stdout.read_line(&mut line)? == 0 {
                return Err("the emulator exited during startup".into());
            }
            if let Some((name, value)) = line
                .strip_prefix("export ")
                .and_then(|line| line.split_once('='))
            {
                variables.push((name.to_owned(), value.trim_end().to_owned()));
            }
        }
        Ok(Self {
            child,
            variables,
            _stdout: stdout,
        })
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
