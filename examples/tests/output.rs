//! Runs each program on an offline tenant, and compares what it prints with the file of its name in `expected`.
//! `UPDATE_EXPECT=1 cargo test -p c1-examples` writes these files.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use expect_test::expect_file;

/// What the program prints, given these arguments and this input.
fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars() {
        if name.starts_with("CONDUCTORONE_") {
            command.env_remove(name);
        }
    }
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{}: {errors}", output.status);
    without_times(&String::from_utf8(output.stdout).unwrap())
}

/// The text with `DATE` for each date, and `TIME` for each time after one and each number of milliseconds since 1970: they
/// are those of the run.
fn without_times(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_digit() || "-:.".contains(c);
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        shown.push_str(before);
        let end = from.find(|c| !is_part(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        let is_date = word.len() == 10 && word.match_indices('-').map(|(at, _)| at).eq([4, 7]);
        shown.push_str(match word {
            _ if is_date => "DATE",
            _ if word.len() == 13 => "TIME",
            _ => word,
        });
        rest = after;
        if let Some(time) = after.strip_prefix('T').filter(|_| is_date) {
            shown.push_str("TIME");
            rest = time.trim_start_matches(is_part);
        }
    }
    shown + rest
}

macro_rules! programs {
    ($($name:ident $arguments:tt $input:literal;)*) => { $(
        #[test]
        fn $name() {
            let printed = run(env!(concat!("CARGO_BIN_EXE_", stringify!($name))), &$arguments, $input);
            expect_file![concat!("../expected/", stringify!($name), ".txt")].assert_eq(&printed);
        }
    )* };
}

programs! {
    access_report [] "";
    inactive_users [] "";
    request_access [] "";
    approve_tasks [] "y\nn\n";
    conflicts [] "";
    copy_owners [] "";
    webhook_receiver [] "";
    bulk_durations [] "";
}

#[test]
fn follow_log() {
    let printed = run(env!("CARGO_BIN_EXE_follow_log"), &[], "");
    // The client's id has the port of the tenant.
    let client = printed.split_once("\"app_uid\":\"").unwrap().1;
    let client = client.split_once('"').unwrap().0;
    expect_file!["../expected/follow_log.txt"].assert_eq(&printed.replace(client, "CLIENT"));
}

#[test]
fn risk_report() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("risks.svg");
    let path = file.to_str().unwrap();
    let printed = run(env!("CARGO_BIN_EXE_risk_report"), &[path], "");
    expect_file!["../expected/risk_report.txt"].assert_eq(&printed.replace(path, "FILE"));
    let chart = std::fs::read_to_string(&file).unwrap();
    expect_file!["../expected/risk_report.svg"].assert_eq(&chart);
}
