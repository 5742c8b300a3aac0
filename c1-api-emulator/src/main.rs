//! The emulator as a program: `c1-api-emulator [--port N] [--empty] [--approve-devices]`.

use std::error::Error;
use std::process::ExitCode;

use c1_api_emulator::Emulator;

const USAGE: &str = "usage: c1-api-emulator [--port N] [--empty] [--approve-devices]

Serves an offline C1 tenant on 127.0.0.1 until interrupted.
  --port N           listen on this port; a free one by default
  --empty            start without seed data
  --approve-devices  approve every device login, and print its user code";

/// What the command line asks for.
struct Options {
    port: u16,
    seed_data: bool,
    approve_devices: bool,
}

/// Reads the arguments; `None` when they are not understood, or ask for help.
fn options(mut arguments: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options {
        port: 0,
        seed_data: true,
        approve_devices: false,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--port" => options.port = arguments.next()?.parse().ok()?,
            "--empty" => options.seed_data = false,
            "--approve-devices" => options.approve_devices = true,
            _ => return None,
        }
    }
    Some(options)
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let mut builder = Emulator::builder()
        .address(([127, 0, 0, 1], options.port))
        .seed_data(options.seed_data);
    if options.approve_devices {
        builder = builder.on_device_login(|user_code| {
            eprintln!("approved the device login with the user code {user_code}");
            true
        });
    }
    let emulator = builder.start().await?;
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

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(run(options)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut cause = Some(error.as_ref() as &dyn Error);
            while let Some(error) = cause {
                eprintln!("c1-api-emulator: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}
