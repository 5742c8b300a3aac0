//! The program: prints the table.

use std::process::ExitCode;

use c1_faults::{matrix, server::Spell};

const USAGE: &str = "\
usage: c1-faults <command>

  table              play every fault to every kind of call and print what came of it, as Markdown";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["table"] => table().await,
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

async fn table() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let outcomes = matrix::play(Spell::ALWAYS).await?;
    print!("{}", matrix::markdown(&matrix::observe(&outcomes)));
    Ok(())
}
