//! Prints the fault matrix, and runs the tests that take too long for `cargo test`.

use std::process::ExitCode;

use c1_faults::program::BoxError;
use c1_faults::server::Schedule;
use c1_faults::table::Place;
use c1_faults::{chaos, matrix, soak};

const USAGE: &str = "\
usage: c1-faults <command>

  table              run every kind of call with every fault and print the outcomes as Markdown
  chaos CALLS SEED   make CALLS calls through proxies that break connections, and check the outcomes
  soak CALLS         make CALLS calls, and check that the client's memory does not grow";

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

async fn table() -> Result<(), BoxError> {
    let api = matrix::run(Place::Api, Schedule::ALWAYS).await?;
    let token_endpoint = matrix::run(Place::TokenEndpoint, Schedule::ALWAYS).await?;
    let page = matrix::markdown(
        &matrix::summarize(&api),
        &matrix::summarize(&token_endpoint),
    );
    print!("{page}");
    Ok(())
}

async fn chaos(calls: &str, seed: &str) -> Result<(), BoxError> {
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

async fn soak(calls: &str) -> Result<(), BoxError> {
    println!("{}", soak::run(calls.parse()?).await?);
    Ok(())
}
