//! What maintainers run: the API description, the feature tables, and what CI asks of both.

mod baseline;
mod features;
mod groups;
mod msrv;
mod origin;
mod spec;

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use c1_api_spec::Description;
use chrono::NaiveDate;
use lexopt::Arg::{Long, Short, Value};
use lexopt::{Parser, ValueExt};

const USAGE: &str = "\
usage: cargo xtask <command>

  spec import FILE      read the vendor's document (or ours) and write spec/openapi.yaml; --date YYYY-MM-DD says
                        when the vendor published it, by default the day on which FILE was modified
  spec check            verify the description, the overlay and the feature tables; print notes and counts
  spec check FILE       the same for another document, the vendor's or in our form, without the feature tables
  spec check --strict   the same; a note that spec/overlay.yaml does not accept is an error
  spec without GROUP    print the description without the operations of a group
  features              write the feature tables from the description
  groups                print the groups, one a line
  groups sample N       print the Nth sample of them, and the pairs that share most schemas
  msrv                  fail if a dependency needs a newer Rust than the workspace
  baseline DIR          write progenitor's own client of the same operations, to measure against";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
enum Command {
    Import {
        file: PathBuf,
        date: Option<NaiveDate>,
    },
    Check {
        file: Option<PathBuf>,
        strict: bool,
    },
    Without(String),
    Features,
    Groups,
    Sample(usize),
    Msrv,
    Baseline(PathBuf),
    Help,
}

/// Reads the arguments, without the name of the program.
fn parse<A: Into<OsString>>(
    arguments: impl IntoIterator<Item = A>,
) -> Result<Command, lexopt::Error> {
    let mut values = Vec::new();
    let mut strict = false;
    let mut date = None;
    let mut parser = Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("strict") => strict = true,
            Long("date") => date = Some(parser.value()?.parse()?),
            Value(value) => values.push(value),
            _ => return Err(argument.unexpected()),
        }
    }
    let words: Vec<&str> = values
        .iter()
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    if strict && !words.starts_with(&["spec", "check"]) {
        return Err("`--strict` belongs to `spec check`".into());
    }
    if date.is_some() && !words.starts_with(&["spec", "import"]) {
        return Err("`--date` belongs to `spec import`".into());
    }
    Ok(match words[..] {
        ["spec", "import", _] => Command::Import {
            file: PathBuf::from(values.remove(2)),
            date,
        },
        ["spec", "check"] => Command::Check { file: None, strict },
        ["spec", "check", _] => Command::Check {
            file: Some(PathBuf::from(values.remove(2))),
            strict,
        },
        ["spec", "without", _] => Command::Without(values.remove(2).string()?),
        ["features"] => Command::Features,
        ["groups"] => Command::Groups,
        ["groups", "sample", _] => Command::Sample(values.remove(2).parse()?),
        ["msrv"] => Command::Msrv,
        ["baseline", _] => Command::Baseline(PathBuf::from(values.remove(1))),
        [] => return Err("missing command".into()),
        _ => return Err(format!("unknown command {:?}", words.join(" ")).into()),
    })
}

fn run(command: Command, out: &mut dyn io::Write) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Import { file, date } => spec::import(&file, date, out)?,
        Command::Check { file: None, strict } => spec::check(strict, out)?,
        Command::Check {
            file: Some(file),
            strict,
        } => spec::check_file(&file, strict, out)?,
        Command::Without(group) => spec::without(&group, out)?,
        Command::Features => features::write(out)?,
        Command::Groups => groups::list(out)?,
        Command::Sample(number) => groups::sample(number, out)?,
        Command::Msrv => msrv::check()?,
        Command::Baseline(directory) => baseline::write(&directory, out)?,
        Command::Help => writeln!(out, "{USAGE}")?,
    }
    Ok(out.flush()?)
}

/// Whether whoever reads the output has had enough of it, as `head` has after ten lines.
fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

fn main() -> ExitCode {
    let command = match parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            // Nobody is left to tell when this cannot be written either.
            let _ = writeln!(io::stderr(), "xtask: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(command, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The description that the build uses by default.
fn description() -> Result<Description, c1_api_spec::Error> {
    c1_api_spec::load(c1_api_spec::DOCUMENT, c1_api_spec::OVERLAY)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use chrono::NaiveDate;

    use super::{Command, parse};

    #[test]
    fn commands_are_read() {
        for (arguments, expected) in [
            (
                ["spec", "check"].as_slice(),
                Command::Check {
                    file: None,
                    strict: false,
                },
            ),
            (
                &["spec", "check", "--strict", "a.yaml"],
                Command::Check {
                    file: Some(PathBuf::from("a.yaml")),
                    strict: true,
                },
            ),
            (
                &["spec", "import", "-"],
                Command::Import {
                    file: PathBuf::from("-"),
                    date: None,
                },
            ),
            (
                &["spec", "import", "a.yaml", "--date", "2026-08-20"],
                Command::Import {
                    file: PathBuf::from("a.yaml"),
                    date: NaiveDate::from_ymd_opt(2026, 8, 20),
                },
            ),
            (
                &["spec", "without", "apps"],
                Command::Without("apps".into()),
            ),
            (&["groups"], Command::Groups),
            (&["groups", "sample", "17"], Command::Sample(17)),
            (&["spec", "--help"], Command::Help),
            (&["-h"], Command::Help),
        ] {
            assert_eq!(parse(arguments).ok(), Some(expected), "{arguments:?}");
        }
    }

    #[test]
    fn errors_name_the_argument() {
        for (arguments, named) in [
            (["spec", "chekc"].as_slice(), "spec chekc"),
            (&["spec", "import"], "spec import"),
            (&["groups", "sample", "-1"], "-1"),
            (&["groups", "sample", "x"], "\"x\""),
            (&["features", "--all"], "--all"),
            (&["spec", "check", "--date", "2026-08-20"], "--date"),
            (
                &["spec", "import", "a.yaml", "--date", "2026-02-30"],
                "2026-02-30",
            ),
            (&["features", "--strict"], "--strict"),
            (&[], "missing command"),
        ] {
            match parse(arguments) {
                Err(error) => assert!(error.to_string().contains(named), "{error}"),
                Ok(command) => panic!("{arguments:?} was read as {command:?}"),
            }
        }
    }
}
