//! What README.md shows to users of other languages works as it is written there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const README: &str = include_str!("../README.md");

/// The first block of README.md in the language.
fn block(language: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("\n```{language}\n")).unwrap();
    rest.split_once("\n```\n").unwrap().0
}

#[test]
fn the_python_program_starts_the_emulator_and_lists_apps() {
    // As if the emulator was installed.
    let program = Path::new(env!("CARGO_BIN_EXE_c1-api-emulator"));
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path);
    let folders = std::iter::once(PathBuf::from(program.parent().unwrap())).chain(folders);
    let output = Command::new("python3")
        .args(["-c", block("python")])
        .env("PATH", env::join_paths(folders).unwrap())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text, "['Harbor', 'Ledger', 'Meadow']\n", "{errors}");
    assert!(output.status.success());
}

#[test]
fn every_option_that_is_named_is_there() {
    let program = Path::new(env!("CARGO_BIN_EXE_c1-api-emulator"));
    let help = Command::new(program).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let words = README.split(|c: char| c != '-' && !c.is_ascii_lowercase());
    let options: Vec<_> = words
        .filter(|word| word.starts_with("--") && word.len() > 3)
        // Those of cargo, curl and the program.
        .filter(|word| !["--locked", "--path", "--data-urlencode", "--help"].contains(word))
        .collect();
    assert!(options.len() > 10, "{options:?}");
    for option in options {
        assert!(help.contains(&format!("  {option}")), "{option}");
    }
}
