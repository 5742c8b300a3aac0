//! Replays a recording, or records the quickstart's calls of an emulator.

#[allow(
    dead_code,
    reason = "what is called is the tour, not the program around it"
)]
#[path = "../../../c1-api-ext/examples/quickstart.rs"]
mod quickstart;

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use c1_api_emulator::Emulator;
use c1_api_ext::record::Recorder;
use c1_api_ext::{C1, Random};
use c1_replay::line::lines;
use c1_replay::replay::replay;

const USAGE: &str = "\
usage: c1-replay <command>

  replay FILE   replay a recording against the emulator and print where it differs; fails if it does
  record FILE   record what the quickstart calls, of an emulator";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["replay", file] => again(file).await,
        ["record", file] => record(file).await,
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn again(file: &str) -> Result<ExitCode, Box<dyn Error>> {
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let report = replay(&lines(&text)?).await?;
    println!("{report}");
    Ok(if report.differences.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Leaves the times as they are, which are no one's.
#[derive(Debug)]
struct NoShift;

impl Random for NoShift {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        bytes.fill(0);
        Ok(())
    }
}

async fn record(file: &str) -> Result<ExitCode, Box<dyn Error>> {
    // The same file each time, so that its changes are those of the emulator.
    let new_year = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let emulator = Emulator::builder().clock(move || new_year).start().await?;
    let out = File::create(file).map_err(|error| format!("{file}: {error}"))?;
    let recorder = Recorder::new(out)?.source("emulator").random(NoShift);
    let c1 = C1::builder()
        .tenant(emulator.base_url())
        .access_token(emulator.access_token()?)
        .layer(recorder.layer())
        .build()?;
    quickstart::tour(&c1).await?;
    recorder.finish()?;
    Ok(ExitCode::SUCCESS)
}
