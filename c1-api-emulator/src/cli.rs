//! The arguments of the program.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::SystemTime;

use c1_api_emulator::Fault;
use chrono::DateTime;
use lexopt::Arg::{Long, Short};
use lexopt::{Parser, ValueExt};

pub(crate) const USAGE: &str = "\
Serves an offline C1 tenant on 127.0.0.1 until interrupted.

usage: c1-api-emulator [options]

  --spec FILE        serve another API description, in the vendor's form or that of
                     c1-api-spec; by default that of C1_API_SPEC, or ours
  --overlay FILE     lay an overlay over it; by default that of C1_API_OVERLAY
  --port N           listen on port N; by default, and with 0, a free one
  --tls              serve over https, with a certificate made on the spot
  --tls-cert FILE    write that certificate to this file, and leave it there; by
                     default to a temporary one. Implies --tls
  --format FORMAT    how to print what clients need: shell, variables to export,
                     the last line being '# ready'; or json, in one line
  --seed N           the seed of ids and samples; by default 0
  --time TIME        begin at this time, RFC 3339; by default now
  --state FILE       begin with the state in this file, if it exists, in place of
                     seed data, and keep it there: it is written within a second of
                     a change, and at the end. It has no secrets
  --page-sizes A..B  have pages of at least A and at most B objects, by default
                     10..100
  --irregular-pages  have some pages larger than asked for, and some empty
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
pub(crate) enum Command {
    Serve(Box<Options>),
    Support,
    Help,
    Version,
}

#[derive(Debug, Default, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "independent options")]
pub(crate) struct Options {
    pub(crate) spec: Option<PathBuf>,
    pub(crate) overlay: Option<PathBuf>,
    /// 0 for a free one.
    pub(crate) port: u16,
    pub(crate) allow_hosts: Vec<String>,
    pub(crate) empty: bool,
    pub(crate) approve_devices: bool,
    pub(crate) refuse_samples: bool,
    /// In seconds.
    pub(crate) consistency_delay: u32,
    pub(crate) faults: Vec<Fault>,
    pub(crate) tls: bool,
    pub(crate) tls_cert: Option<PathBuf>,
    pub(crate) format: Format,
    pub(crate) seed: u64,
    pub(crate) time: Option<SystemTime>,
    pub(crate) state: Option<PathBuf>,
    pub(crate) page_sizes: Option<(usize, usize)>,
    pub(crate) irregular_pages: bool,
}

/// How to print what clients need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    #[default]
    Shell,
    Json,
}

/// Reads the arguments, without the name of the program.
pub(crate) fn parse<A: Into<OsString>>(
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
            Long("tls") => options.tls = true,
            Long("tls-cert") => {
                options.tls = true;
                options.tls_cert = Some(parser.value()?.into());
            }
            Long("format") => {
                options.format = parser.value()?.parse_with(|text| match text {
                    "shell" => Ok(Format::Shell),
                    "json" => Ok(Format::Json),
                    _ => Err("expected shell or json"),
                })?;
            }
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("time") => {
                let time = parser.value()?.parse_with(DateTime::parse_from_rfc3339)?;
                options.time = Some(time.into());
            }
            Long("state") => options.state = Some(parser.value()?.into()),
            Long("page-sizes") => {
                options.page_sizes = Some(parser.value()?.parse_with(page_sizes)?);
            }
            Long("irregular-pages") => options.irregular_pages = true,
            Long("support") => return Ok(Command::Support),
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Command::Serve(Box::new(options)))
}

/// Two numbers, the first of at least 1 and no larger than the second.
fn page_sizes(text: &str) -> Result<(usize, usize), &'static str> {
    let sizes = text.split_once("..").and_then(|(least, most)| {
        let (least, most) = (least.parse().ok()?, most.parse().ok()?);
        (1 <= least && least <= most).then_some((least, most))
    });
    sizes.ok_or("expected two numbers from 1 on, such as 1..5")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Command, Fault, Format, Options, parse};

    #[test]
    fn options_are_read_in_any_order_and_spelling() {
        let expected = Command::Serve(Box::new(Options {
            spec: Some("openapi.yaml".into()),
            overlay: Some("overlay.yaml".into()),
            port: 8080,
            allow_hosts: vec!["c1.test".to_owned(), "c1".to_owned()],
            empty: true,
            approve_devices: true,
            refuse_samples: true,
            consistency_delay: 30,
            faults: vec![Fault::new().operation("apps.*").times(2).status(503)],
            tls: true,
            tls_cert: Some("ca.pem".into()),
            format: Format::Json,
            seed: 7,
            time: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)),
            state: Some("state.json".into()),
            page_sizes: Some((1, 5)),
            irregular_pages: true,
        }));
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
                "--tls",
                "--irregular-pages",
                "--page-sizes",
                "1..5",
                "--state",
                "state.json",
                "--tls-cert",
                "ca.pem",
                "--format",
                "json",
                "--seed",
                "7",
                "--time",
                "2027-01-15T08:00:00Z",
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
                "--time=2027-01-15T09:00:00+01:00",
                "--seed=7",
                "--page-sizes=1..5",
                "--irregular-pages",
                "--state=state.json",
                "--format=json",
                "--tls-cert=ca.pem",
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
        assert_eq!(parse(none).ok(), Some(Command::Serve(Box::default())));
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
            (&["--page-sizes", "5..1"], "5..1"),
            (&["--page-sizes", "0..1"], "1..5"),
            (&["--empty=yes"], "--empty"),
            (&["--format", "yaml"], "expected shell or json"),
            (&["--seed", "x"], "x"),
            (&["--time", "noon"], "noon"),
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
