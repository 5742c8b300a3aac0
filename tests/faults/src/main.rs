//! The program: prints the table, and runs what takes longer than a test may.

use std::process::ExitCode;

use c1_faults::program::Failure;
use c1_faults::server::Spell;
use c1_faults::{chaos, matrix, soak};

const USAGE: &str = "\
usage: c1-faults <command>

  table              play every fault to every kind of call and print what came of it, as Markdown
  chaos CALLS SEED   make so many calls through proxies that break connections, and look what became of them
  soak CALLS         make so many calls, and see that the client's memory does not grow";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["table"] => table().await,
        ["chaos", calls, seed] => chaos(calls, seed).await,
        ["soak", calls] => soak(calls).await,
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn table() -> Result<(), Failure> {
    let outcomes = matrix::play(Spell::ALWAYS).await?;
    print!("{}", matrix::markdown(&matrix::observe(&outcomes)));
    Ok(())
}

async fn chaos(calls: &str, seed: &str) -> Result<(), Failure> {
    println!("chaos {calls} {seed}");
    let report = chaos::run(calls.parse()?, seed.parse()?).await?;
    for line in &report.lines {
        println!("{line}");
    }
    if report.violations.is_empty() {
        return Ok(());
    }
    let count = report.violations.len();
    let some: Vec<_> = report.violations.into_iter().take(50).collect();
    Err(format!("{count} violations:\n{}", some.join("\n")).into())
}

async fn soak(calls: &str) -> Result<(), Failure> {
    println!("{}", soak::run(calls.parse()?).await?);
    Ok(())
}
