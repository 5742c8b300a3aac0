//! The emulator as a program: `c1-api-emulator [options]`.

mod cli;
mod state_file;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use c1_api_emulator::c1_api_spec::Source;
use c1_api_emulator::{Builder, Emulator};
use serde_json::{Map, Value, json};
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

use self::cli::{Command, Format, Options, USAGE, parse};

/// How long after a change the state is written.
const SAVE_AFTER: Duration = Duration::from_secs(1);

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What the options say of the emulator.
fn builder(options: &Options) -> Outcome<Builder> {
    let mut source = Source::from_env();
    if let Some(file) = &options.spec {
        source = source.spec(file);
    }
    if let Some(file) = &options.overlay {
        source = source.overlay(file);
    }
    let mut builder = Emulator::builder();
    // What the environment names is served by default, but with the warnings unsaid.
    if source != Source::default() {
        let loaded = source.load()?;
        for warning in loaded.warnings {
            eprintln!("c1-api-emulator: warning: {warning}");
        }
        eprintln!("c1-api-emulator: the operations of {}", loaded.name);
        builder = builder.description(loaded.description);
    }
    builder = builder
        .address(([127, 0, 0, 1], options.port))
        // Nobody can read it.
        .log_bytes(0)
        .seed(options.seed)
        .seed_data(!options.empty)
        .refuse_samples(options.refuse_samples)
        .consistency_delay(Duration::from_secs(options.consistency_delay.into()))
        .irregular_pages(options.irregular_pages);
    if let Some((least, most)) = options.page_sizes {
        builder = builder.page_sizes(least..=most);
    }
    for host in &options.allow_hosts {
        builder = builder.allow_host(host);
    }
    if options.approve_devices {
        builder = builder.on_device_login(|user_code| {
            eprintln!("approved the device login with the user code {user_code}");
            true
        });
    }
    if let Some(begin) = options.time {
        let started = Instant::now();
        builder = builder.clock(move || begin.checked_add(started.elapsed()).unwrap_or(begin));
    }
    if let Some(path) = &options.state
        && let Some(state) = state_file::read(path)?
    {
        builder = builder.snapshot(state);
    }
    Ok(builder.tls(options.tls))
}

/// A file with the certificate, for clients to trust.
struct Certificate {
    path: PathBuf,
    /// Whether it goes when the program ends.
    temporary: bool,
}

impl Certificate {
    /// Writes the emulator's certificate, if it has one.
    fn write(emulator: &Emulator, file: Option<PathBuf>) -> io::Result<Option<Self>> {
        let Some(certificate) = emulator.certificate() else {
            return Ok(None);
        };
        let temporary = file.is_none();
        let path = file.unwrap_or_else(|| {
            let port = emulator.base_url().rsplit(':').next().unwrap_or_default();
            std::env::temp_dir().join(format!("c1-api-emulator-{port}.pem"))
        });
        if temporary {
            // One that was left behind, or that somebody else put there: it is not to be written through.
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let mut options = OpenOptions::new();
        options
            .write(true)
            .create(true)
            .truncate(true)
            .create_new(temporary);
        options.open(&path)?.write_all(certificate.as_bytes())?;
        Ok(Some(Self {
            path: std::path::absolute(path)?,
            temporary,
        }))
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        if self.temporary {
            // Nothing depends on it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The variables that have clients reach the emulator, and trust it.
fn variables(emulator: &Emulator, certificate: Option<&Certificate>) -> Map<String, Value> {
    let mut variables = Map::new();
    let mut set = |name: &str, value: &str| {
        variables.insert(name.to_owned(), json!(value));
    };
    set("CONDUCTORONE_SERVER_URL", emulator.base_url());
    set("CONDUCTORONE_CLIENT_ID", emulator.client_id());
    set("CONDUCTORONE_CLIENT_SECRET", emulator.client_secret());
    if let Some(certificate) = certificate {
        let path = certificate.path.to_string_lossy();
        // rustls-native-certs and OpenSSL, so curl; Go; Python's ssl.
        set("SSL_CERT_FILE", &path);
        set("NODE_EXTRA_CA_CERTS", &path);
        // The Python package of that name.
        set("REQUESTS_CA_BUNDLE", &path);
    }
    variables
}

/// Prints what clients need. Nothing comes after it, so that a script can wait for its last line.
fn announce(format: Format, variables: Map<String, Value>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Shell => {
            writeln!(
                out,
                "# C1 emulator, made-up credentials; stop it with Ctrl-C"
            )?;
            if variables.contains_key("SSL_CERT_FILE") {
                writeln!(
                    out,
                    "# Most programs trust SSL_CERT_FILE and REQUESTS_CA_BUNDLE in place of the system's certificates."
                )?;
            }
            for (name, value) in &variables {
                // In single quotes, a shell takes everything but these as it is.
                let value = value.as_str().unwrap_or_default().replace('\'', r"'\''");
                writeln!(out, "export {name}='{value}'")?;
            }
            writeln!(out, "# ready")?;
        }
        Format::Json => writeln!(out, "{}", Value::Object(variables))?,
    }
    out.flush()
}

/// What ends when the program is to end: on Ctrl-C (SIGINT), and on SIGTERM where there is one. From the call on, neither
/// kills the program.
#[cfg(unix)]
fn ended() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn ended() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a handler, Ctrl-C kills the program anyway.
        let _ = tokio::signal::ctrl_c().await;
    })
}

async fn run(options: Options) -> Outcome<()> {
    let emulator = builder(&options)?.start().await?;
    for fault in options.faults {
        emulator.inject(fault);
    }
    let certificate = Certificate::write(&emulator, options.tls_cert)
        .map_err(|error| format!("cannot write the certificate: {error}"))?;
    let written = emulator.changes();
    if let Some(path) = &options.state {
        // What cannot be written is to fail before it is needed.
        state_file::write(path, &emulator.snapshot())?;
    }
    // Before scripts learn that they can end it.
    let ended = ended()?;
    announce(options.format, variables(&emulator, certificate.as_ref()))?;
    if let Some(path) = &options.state {
        return keep(emulator, path, written, ended).await;
    }
    ended.await;
    emulator.shutdown().await;
    Ok(())
}

/// Writes the state whenever it is no longer the one that was written, and in the end, with what requests under way did.
async fn keep(
    mut emulator: Emulator,
    path: &Path,
    mut written: u64,
    ended: impl Future<Output = ()>,
) -> Outcome<()> {
    let mut ended = pin!(ended);
    loop {
        tokio::select! {
            () = &mut ended => break,
            () = tokio::time::sleep(SAVE_AFTER) => {}
        }
        let changes = emulator.changes();
        if written != changes {
            state_file::write(path, &emulator.snapshot())?;
            written = changes;
        }
    }
    emulator.stop().await;
    state_file::write(path, &emulator.snapshot())?;
    Ok(())
}

fn serve(options: Options) -> Outcome<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run(options))
}

/// Prints a line for each operation, and how many there are of each kind.
fn print_support() -> Outcome<()> {
    let mut counts = BTreeMap::new();
    let mut out = io::stdout().lock();
    for one in c1_api_emulator::support(c1_api_emulator::description()?) {
        let reason = one
            .sample
            .map_or("state".to_owned(), |reason| format!("sample: {reason}"));
        writeln!(out, "{:<70} {reason}", one.operation)?;
        *counts.entry(reason).or_insert(0_usize) += 1;
    }
    for (reason, count) in counts {
        writeln!(out, "# {count:>3} {reason}")?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let result = match parse(std::env::args_os().skip(1)) {
        Ok(Command::Serve(options)) => serve(*options),
        Ok(Command::Support) => print_support(),
        Ok(Command::Help) => {
            println!("{USAGE}");
            Ok(())
        }
        Ok(Command::Version) => {
            println!("c1-api-emulator {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Err(error) => {
            eprintln!("c1-api-emulator: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Err(error) = result {
        let mut cause = Some(error.as_ref() as &dyn Error);
        while let Some(error) = cause {
            eprintln!("c1-api-emulator: {error}");
            cause = error.source();
        }
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
