//! The file in which the program keeps the tenant's state between runs.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The state in the file; `None` if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Value>, String> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
    };
    let state = serde_json::from_slice(&text);
    state.map_err(|error| format!("{} is not JSON: {error}", path.display()))
}

/// Replaces the file as a whole: who reads it sees the old state or the new one, also after a power failure.
pub(crate) fn write(path: &Path, state: &Value) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot write {}: {error}", path.display());
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".new");
    let new = path.with_file_name(name);
    let written = write_new(&new, state).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // The error says what matters.
        let _ = fs::remove_file(&new);
    }
    written.and_then(|()| sync_directory(path)).map_err(failed)
}

fn write_new(path: &PathBuf, state: &Value) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(state.to_string().as_bytes())?;
    file.sync_all()
}

/// Has the new name of the file survive a power failure, where directories can be opened.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
