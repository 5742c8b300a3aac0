//! Generates the mocks into `OUT_DIR`, from the description and with the groups that c1-api is built from and with.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs, io};

use c1_api_spec::generate::mocks;
use c1_api_spec::script::{fail, selected};

fn main() -> io::Result<()> {
    build().or_else(|error| fail(&*error, &mut io::stdout()))
}

/// The warnings of the description are those of c1-api, whose build script has told them.
fn build() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let selected = selected(&mut io::stdout())?;
    let file =
        mocks(&selected.description).map_err(|error| format!("{}: {error}", selected.name))?;
    fs::write(out.join(file.path), file.text)?;
    Ok(())
}
