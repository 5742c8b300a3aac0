//! What maintainers run: importing and checking the API description.

mod baseline;
mod features;
mod spec;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

  spec import FILE   read the vendor's document (or ours) and write spec/openapi.yaml
  spec check         verify the description, the overlay and the feature tables; print the counts
  features           write the feature tables of c1-api and c1-api-ext from the description
  baseline DIR       write progenitor's own client of the same operations, to measure against";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["spec", "import", file] => spec::import(file),
        ["spec", "check"] => spec::check(),
        ["features"] => features::write(),
        ["baseline", directory] => baseline::write(directory),
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

/// The root of the workspace.
fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
