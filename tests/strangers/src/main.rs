//! The client and the emulator, judged by programs that nobody here wrote.

mod document;
mod judges;
mod program;
mod round;
mod scenario;
mod table;
mod walk;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use c1_tests::description;
use judges::{JUDGES, Share};

const USAGE: &str =
    "usage: c1-strangers document | round | all | share NUMBER OF | judge NAME NUMBER OF";

/// What a step gives, or why it failed.
type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut chosen: Vec<_> = JUDGES.iter().collect();
    let mut write = false;
    let share = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["document"] => {
            println!("{}", document::prepared(description()));
            return Ok(ExitCode::SUCCESS);
        }
        ["round"] => {
            round::lines()?;
            return Ok(ExitCode::SUCCESS);
        }
        ["all"] => {
            write = true;
            Share { number: 0, of: 1 }
        }
        ["share", number, of] => Share::parse(number, of)?,
        ["judge", name, number, of] => {
            chosen.retain(|judge| judge.name == name);
            Share::parse(number, of)?
        }
        _ => return Err(USAGE.into()),
    };
    if chosen.is_empty() {
        return Err(format!("there is no such judge; {USAGE}").into());
    }
    std::fs::create_dir_all(program::installed(""))?;
    let mut rows = Vec::new();
    let mut failed = false;
    for judge in chosen {
        let start = Instant::now();
        let verdict = judge.run(share).await;
        let time = start.elapsed();
        match verdict {
            Ok(verdict) => {
                println!("{}: {verdict} ({time:.0?})", judge.name);
                rows.push((judge, verdict));
            }
            Err(error) => {
                println!("{}: FAILED ({time:.0?}): {error}", judge.name);
                failed = true;
            }
        }
    }
    if !failed && write {
        table::write(&rows)?;
    } else {
        table::compare(&rows)?;
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
