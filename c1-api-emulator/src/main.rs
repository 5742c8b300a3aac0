//! The emulator as a program: `c1-api-emulator [options]`.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use c1_api_emulator::c1_api_spec::Source;
use c1_api_emulator::{Emulator, Fault};
use lexopt::Arg::{Long, Short};
use lexopt::{Parser, ValueExt};

const USAGE: &str = "\
Serves an offline C1 tenant on 127.0.0.1 until interrupted.

usage: c1-api-emulator [options]

  --spec FILE        serve another API description, in the vendor's form or that of
                     c1-api-spec; by default that of C1_API_SPEC, or ours
  --overlay FILE     lay an overlay over it; by default that of C1_API_OVERLAY
  --port N           listen on port N; by default, a free one
  --allow-host NAME  serve requests for this host too, such as the name of a proxy
                     in front; can be repeated. Others than loopback are refused
  --empty            start without seed data
  --approve-devices  approve every device login and print its user code
  --refuse-samples   refuse operations that have no state (501) instead of
                     returning samples
  --consistency-delay SECONDS
                     have lists show changes only after a time, as C1 does
  --fault FAULT      have requests fail, such as 'apps.list: times=2, status=503';
                     can be repeated. See the documentation of Fault
  --support          print which operations have state, and why others do not
  -h, --help         print this help
  -V, --version      print the version";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
enum Command {
    Serve(Options),
    Support,
    Help,
    Version,
}

#[derive(Debug, Default, PartialEq)]
struct Options {
    spec: Option<PathBuf>,
    overlay: Option<PathBuf>,
    /// 0 for a free one.
    port: u16,
    allow_hosts: Vec<String>,
    empty: bool,
    approve_devices: bool,
    refuse_samples: bool,
    /// In seconds.
    consistency_delay: u32,
    faults: Vec<Fault>,
}

/// Reads the arguments, without the name of the program.
fn parse<A: Into<OsString>>(
    arguments: impl IntoIterator<Item = A>,
) -> Result<Command, lexopt::Error> {
    let mut options = Options::default();
    let mut parser = Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("spec") => options.spec = Some(parser.value()?.into()),
            Long("overlay") => options.overlay = Some(parser.value()?.into()),
            Long("port") => options.port = parser.value()?.parse()?,
            Long("allow-host") => options.allow_hosts.push(parser.value()?.string()?),
            Long("empty") => options.empty = true,
            Long("approve-devices") => options.approve_devices = true,
            Long("refuse-samples") => options.refuse_samples = true,
            Long("consistency-delay") => options.consistency_delay = parser.value()?.parse()?,
            Long("fault") => options.faults.push(parser.value()?.parse()?),
            Long("support") => return Ok(Command::Support),
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Command::Serve(options))
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let mut source = Source::from_env();
    if let Some(file) = options.spec {
        source = source.spec(file);
    }
    if let Some(file) = options.overlay {
        source = source.overlay(file);
    }
    let mut builder = Emulator::builder();
    // What the environment names is served by default, but with the warnings unsaid.
    if source != Source::default() {
        let loaded = source.load()?;
        for warning in loaded.warnings {
            eprintln!("c1-api-emulator: warning: {warning}");
        }
        println!("# The operations of {}", loaded.name);
        builder = builder.description(loaded.description);
    }
    builder = builder
        .address(([127, 0, 0, 1], options.port))
        // Nobody can read it.
        .log_bytes(0)
        .seed_data(!options.empty)
        .refuse_samples(options.refuse_samples)
        .consistency_delay(Duration::from_secs(options.consistency_delay.into()));
    for host in options.allow_hosts {
        builder = builder.allow_host(host);
    }
    if options.approve_devices {
        builder = builder.on_device_login(|user_code| {
            eprintln!("approved the device login with the user code {user_code}");
            true
        });
    }
    let emulator = builder.start().await?;
    for fault in options.faults {
        emulator.inject(fault);
    }
    println!("# C1 emulator, made-up credentials; stop it with Ctrl-C");
    println!("export CONDUCTORONE_SERVER_URL={}", emulator.base_url());
    println!("export CONDUCTORONE_CLIENT_ID={}", emulator.client_id());
    println!(
        "export CONDUCTORONE_CLIENT_SECRET={}",
        emulator.client_secret()
    );
    tokio::signal::ctrl_c().await?;
    emulator.shutdown().await;
    Ok(())
}

fn serve(options: Options) -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run(options))
}

/// Prints a line for each operation, and how many there are of each kind.
fn print_support() -> Result<(), Box<dyn Error>> {
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
        Ok(Command::Serve(options)) => serve(options),
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

#[cfg(test)]
mod tests {
    use super::{Command, Fault, Options, parse};

    #[test]
    fn options_are_read_in_any_order_and_spelling() {
        let expected = Command::Serve(Options {
            spec: Some("openapi.yaml".into()),
            overlay: Some("overlay.yaml".into()),
            port: 8080,
            allow_hosts: vec!["c1.test".to_owned(), "c1".to_owned()],
            empty: true,
            approve_devices: true,
            refuse_samples: true,
            consistency_delay: 30,
            faults: vec![Fault::new().operation("apps.*").times(2).status(503)],
        });
        for arguments in [
            [
                "--overlay",
                "overlay.yaml",
                "--spec",
                "openapi.yaml",
                "--port",
                "8080",
                "--empty",
                "--refuse-samples",
                "--approve-devices",
                "--consistency-delay",
                "30",
                "--fault",
                "apps.*: times=2, status=503",
                "--allow-host",
                "c1.test",
                "--allow-host",
                "c1",
            ]
            .as_slice(),
            [
                "--allow-host=c1.test",
                "--approve-devices",
                "--refuse-samples",
                "--consistency-delay=30",
                "--fault=apps.*:times=2,status=503",
                "--allow-host=c1",
                "--spec=openapi.yaml",
                "--overlay=overlay.yaml",
                "--port=8080",
                "--empty",
            ]
            .as_slice(),
        ] {
            assert_eq!(parse(arguments).ok().as_ref(), Some(&expected));
        }
        let none: [&str; 0] = [];
        assert_eq!(parse(none).ok(), Some(Command::Serve(Options::default())));
    }

    #[test]
    fn help_and_version_win_over_what_follows() {
        assert_eq!(parse(["--help", "--nonsense"]).ok(), Some(Command::Help));
        assert_eq!(parse(["-h"]).ok(), Some(Command::Help));
        assert_eq!(parse(["--empty", "-V"]).ok(), Some(Command::Version));
        assert_eq!(parse(["--support"]).ok(), Some(Command::Support));
    }

    #[test]
    fn errors_name_the_argument() {
        for (arguments, named) in [
            (["--prot", "1"].as_slice(), "--prot"),
            (&["--port"], "--port"),
            (&["--spec"], "--spec"),
            (&["--port", "65536"], "65536"),
            (&["--allow-host"], "--allow-host"),
            (&["--empty=yes"], "--empty"),
            (&["--consistency-delay", "30s"], "30s"),
            (&["--fault", "status=1"], "from 200 to 599 for status"),
            (&["8080"], "8080"),
        ] {
            match parse(arguments) {
                Err(error) => assert!(error.to_string().contains(named), "{error}"),
                Ok(command) => panic!("{arguments:?} was read as {command:?}"),
            }
        }
    }
}
