//! Generates the client into `OUT_DIR`: description, overlay, the groups that the cargo features
//! ask for, then progenitor and our own parts.
//!
//! `C1_API_SPEC`, `C1_API_OVERLAY` and `C1_API_GROUPS` are explained in the documentation of the crate.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs, io};

use c1_api_spec::generate::generate;
use c1_api_spec::script::{fail, selected};

fn main() -> io::Result<()> {
    build().or_else(|error| fail(&*error, &mut io::stdout()))
}

fn build() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let selected = selected(&mut io::stdout())?;
    for warning in &selected.warnings {
        println!("cargo::warning={warning}");
    }
    for folder in ["groups", "types"] {
        // Groups that are no longer selected leave nothing behind.
        let folder = out.join(folder);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(folder)?;
    }
    let files = generate(&selected.description, &selected.whole, selected.unknown)
        .map_err(|error| format!("{}: {error}", selected.name))?;
    for file in files {
        fs::write(out.join(file.path), file.text)?;
    }
    Ok(())
}
